package sandbox

import (
	"net/http"
	"slices"
	"strings"
)

// handoff is the body of POST /api/v1/spark/handoff. A part is one of two kinds, told apart by its type.
type handoff struct {
	Metadata map[string]string `json:"metadata"`
	Message  *struct {
		Parts []struct {
			Type        string  `json:"type"`
			Text        *string `json:"text"`
			MIMEType    *string `json:"mimeType"`
			FileContent *string `json:"fileContent"`
		} `json:"parts"`
	} `json:"message"`
}

func (h *handoff) check() error {
	if h.Message == nil || len(h.Message.Parts) == 0 {
		return invalid("message.parts needs at least one part")
	}
	for _, p := range h.Message.Parts {
		text := p.Text != nil && *p.Text != "" && p.MIMEType == nil && p.FileContent == nil
		file := p.Text == nil && p.MIMEType != nil && *p.MIMEType != "" && p.FileContent != nil
		if p.Type == "TEXT" && !text || p.Type == "FILE" && !file || p.Type != "TEXT" && p.Type != "FILE" {
			return invalid("a part is TEXT with text or FILE with mimeType and fileContent")
		}
	}
	return nil
}

// handOff answers POST /api/v1/spark/handoff. The employee is named in a header of the call, not by the token.
func (s *sandbox) handOff(c *call) error {
	upn := c.r.Header.Values("User-Principal-Name")
	if len(upn) != 1 || !upnPattern.MatchString(upn[0]) {
		return invalid("the header User-Principal-Name is required, once")
	}
	var h handoff
	if err := readJSON(c, largeBody, &h); err != nil {
		return err
	}
	if err := h.check(); err != nil {
		return err
	}
	if !slices.ContainsFunc(newUsers(), func(u *user) bool { return strings.EqualFold(u.upn, upn[0]) }) {
		return refuse(http.StatusNotFound, "", "no employee has this principal name; the sandbox knows %s", newUsers()[0].upn)
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
