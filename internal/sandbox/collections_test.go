package sandbox

import "testing"

func TestCollectionsAreAsRecorded(t *testing.T) {
	const recorded = `{"collections":[{"version":"1.0","database":"library","name":"Books","slug":"books","path":"/1.0/library/books"}],"media":{"buckets":["mediaStore"],"defaultBucket":"mediaStore"}}`
	const wrong = `{"error":"Invalid method"}`
	for _, x := range []exchange{
		{request: "GET /api/collections", status: 200, want: recorded},
		{request: "GET /api/collections", headers: "Content-Type: application/json", status: 200, want: recorded},
		{request: "GET /api/collections?x=1", status: 200, want: recorded},
		{request: "POST /api/collections", body: "{}", status: 405, want: wrong},
		{request: "PUT /api/collections", status: 405, want: wrong},
		{request: "DELETE /api/collections", status: 405, want: wrong},
		{request: "OPTIONS /api/collections", status: 405, want: wrong},
		{request: "HEAD /api/collections", status: 405, want: wrong}, // the server leaves the body of this one out, the recorder does not
	} {
		h, _ := newSandbox()
		w := checkOne(t, h, x)
		if kind := w.Header().Get("Content-Type"); kind != "application/json" {
			t.Errorf("%s: Content-Type %q", x.request, kind)
		}
	}
}
