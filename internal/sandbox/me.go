package sandbox

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"
)

// meTemplate is the documented answer with holes where it speaks of the user.
//
//go:embed me.json
var meTemplate string

// showMe answers GET /api/auth/me: the user the gateway named. A token that stands for no user has no answer here; Nexudus
// publishes no body for that 401.
func (s *sandbox) showMe(c *call) error {
	who := c.caller
	if who.username == "" {
		return refuse(http.StatusUnauthorized, "", "this token stands for no user")
	}
	name := firstOf(who.name, who.username)
	number, unique := identity(who.tenant, firstOf(who.subject, who.username))
	var holes []string
	for _, hole := range []struct {
		name  string
		value any
	}{
		{"FullName", name}, {"Email", who.username}, {"Id", number}, {"UniqueId", unique}, {"UpdatedBy", who.username},
		{"ToStringText", name + " - " + who.username},
	} {
		text, err := encode(hole.value)
		if err != nil {
			return err
		}
		holes = append(holes, "{{"+hole.name+"}}", string(text))
	}
	var body bytes.Buffer
	if err := json.Compact(&body, []byte(strings.NewReplacer(holes...).Replace(meTemplate))); err != nil {
		return fmt.Errorf("filling in the user: %w", err)
	}
	writeBytes(c.w, http.StatusOK, "application/json", body.Bytes())
	return nil
}

// identity returns the two identifiers of a user: always the same for the same user of the same tenant. They are names, not
// secrets, so a plain checksum is enough. The second has the form of a UUID that is made by a rule of one's own (RFC 9562,
// section 5.8).
func identity(tenant, subject string) (number uint32, unique string) {
	short, long := fnv.New32a(), fnv.New128a()
	for _, part := range []string{tenant, "\x00", subject} {
		_, _ = short.Write([]byte(part))
		_, _ = long.Write([]byte(part))
	}
	b := long.Sum(nil)
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return 100_000_000 + short.Sum32()%900_000_000, fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
