package dialect

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestReq019_ABasicHeaderBesideBodyCredentialsIsRefusedWhereBasicIsNotReadToo(t *testing.T) {
	for scheme, refused := range map[string]bool{"Basic YTpi": true, "basic YTpi": true, "Bearer YTpi": false} {
		r := httptest.NewRequest("POST", "/token", strings.NewReader(`{"clientId":"a","secret":"b"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", scheme)
		_, refusal := named(builtin(), "dadi").Endpoint("/token").Decode(r)
		if (refusal != nil) != refused || refused && refusal.Code != oauth.InvalidRequest {
			t.Errorf("%s beside a JSON credential: %v", scheme, refusal)
		}
	}
}
