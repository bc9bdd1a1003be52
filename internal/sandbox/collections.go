package sandbox

import "net/http"

// collectionList is the answer of DADI API 3.2.2 for the collection of books that it installs, byte for byte as recorded.
const collectionList = `{"collections":[{"version":"1.0","database":"library","name":"Books","slug":"books",` +
	`"path":"/1.0/library/books"}],"media":{"buckets":["mediaStore"],"defaultBucket":"mediaStore"}}`

// listCollections answers GET /api/collections, and every other method, HEAD too, as DADI API does.
func (s *sandbox) listCollections(c *call) error {
	if c.r.Method != http.MethodGet {
		return refuse(http.StatusMethodNotAllowed, "", "Invalid method")
	}
	writeBytes(c.w, http.StatusOK, "application/json", []byte(collectionList))
	return nil
}
