package dialect

import (
	"net/http"
	"strconv"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

var asJSON = []string{"application/json"}

// EncodeIntrospection answers what is known of a token (RFC 7662, section 2.2). Nobody may keep the answer.
func EncodeIntrospection(w http.ResponseWriter, in *oauth.Introspection) {
	h := w.Header()
	h["Cache-Control"], h["X-Content-Type-Options"], h["Content-Type"] = noStore, noSniff, asJSON
	p := buffers.Get().(*[]byte)
	body := AppendIntrospection((*p)[:0], in)
	_, _ = w.Write(body) // a caller that went away cannot be told
	putBack(p, body)
}

// AppendIntrospection appends the answer as JSON. Of a token that is not active it says exactly that; permissions, name, sid and iat_us,
// which is iat in microseconds, are members that RFC 7662 leaves to us: a guard needs the last two to know a token that was taken back.
// It allocates only when dst has to grow.
func AppendIntrospection(dst []byte, in *oauth.Introspection) []byte {
	if !in.Active {
		return append(dst, `{"active":false}`...)
	}
	dst = append(dst, `{"active":true`...)
	dst = appendText(dst, `,"scope":`, in.Scope)
	dst = appendText(dst, `,"client_id":`, in.ClientID)
	dst = appendText(dst, `,"username":`, in.Username)
	dst = append(dst, `,"token_type":"Bearer"`...)
	dst = appendTime(dst, `,"exp":`, in.Expires)
	dst = appendTime(dst, `,"iat":`, in.IssuedAt)
	if in.IssuedAt.Nanosecond() != 0 {
		dst = strconv.AppendInt(append(dst, `,"iat_us":`...), in.IssuedAt.UnixMicro(), 10)
	}
	dst = appendText(dst, `,"sub":`, in.Subject)
	switch len(in.Audience) {
	case 0:
	case 1: // RFC 7519, section 4.1.3
		dst = appendText(dst, `,"aud":`, in.Audience[0])
	default:
		dst = appendTexts(dst, `,"aud":`, in.Audience)
	}
	dst = appendText(dst, `,"iss":`, in.Issuer)
	dst = appendText(dst, `,"jti":`, in.ID)
	if in.Permissions != nil { // an empty list permits nothing, where none leaves it to the scope
		dst = appendTexts(dst, `,"permissions":`, in.Permissions)
	}
	dst = appendText(dst, `,"name":`, in.Name)
	dst = appendText(dst, `,"sid":`, in.Family)
	return append(dst, '}')
}

func appendText(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return oauth.AppendJSON(append(dst, name...), value)
}

func appendTime(dst []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return dst
	}
	return strconv.AppendInt(append(dst, name...), t.Unix(), 10)
}

func appendTexts(dst []byte, name string, values []string) []byte {
	dst = append(append(dst, name...), '[')
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = oauth.AppendJSON(dst, v)
	}
	return append(dst, ']')
}
