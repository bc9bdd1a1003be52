package admin

import (
	"encoding/base64"
	"encoding/json"
)

// How many a page of a list has, when nobody says and at most.
const (
	defaultPage = 50
	maxPage     = 200
)

// pageSize returns how many are asked for.
func pageSize(limit int) (int, error) {
	switch {
	case limit < 0 || limit > maxPage:
		return 0, atField("limit", "A page has 1 to 200.")
	case limit == 0:
		return defaultPage, nil
	}
	return limit, nil
}

// list is a list as it was asked for: the operation, the tenant and the filters. A cursor of one opens no other.
func list(operation, tenant string, filters any) string {
	text, err := json.Marshal(filters)
	if err != nil { // the contract's own parameters: cannot happen
		panic(err)
	}
	return "cursor\x00" + operation + "\x00" + tenant + "\x00" + string(text)
}

// cursor makes what a list is continued by, or nothing at its end. It is sealed, so that nobody can make one up or see what is in it.
func (a *api) cursor(list, next string) string {
	if next == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(a.Sealer.Seal(list, []byte(next)))
}

// after returns where a list goes on.
func (a *api) after(list, cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return "", badCursor
	}
	next, err := a.Sealer.Open(list, sealed)
	if err != nil {
		return "", badCursor
	}
	return string(next), nil
}

var badCursor = atField("cursor", "It is not the next of this list with these filters; begin again without one.")
