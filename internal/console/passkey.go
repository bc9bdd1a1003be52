package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// passkeyPaths are where app.js talks to us, in JSON.
const passkeyPaths = "/passkey/"

const maxPasskey = 64 << 10 // bytes of an authenticator's answer

// passkeyAsked is what the browser is asked to do.
type passkeyAsked struct {
	Options json.RawMessage `json:"options"`
	State   string          `json:"state"`
}

// passkeyMade is what the browser's authenticator answered.
type passkeyMade struct {
	State  string          `json:"state"`
	Answer json.RawMessage `json:"answer"`
	Name   string          `json:"name"`
	Next   string          `json:"next"`
}

// passkeySaid is how we answer the script.
type passkeySaid struct {
	Next    string   `json:"next,omitempty"`    // where to go on
	Codes   []string `json:"codes,omitempty"`   // recovery codes, shown once
	Problem string   `json:"problem,omitempty"` // what was wrong
}

func (v *visit) say(status int, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("%w: %w", errRender, err)
	}
	v.w.Header().Set("Content-Type", "application/json")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(text) // a browser that went away cannot be told
	return nil
}

func (v *visit) made() (passkeyMade, error) {
	var m passkeyMade
	in := json.NewDecoder(http.MaxBytesReader(v.w, v.r.Body, maxPasskey))
	in.DisallowUnknownFields()
	if err := in.Decode(&m); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return m, err
		}
		return m, fmt.Errorf("%w: %w", errForm, err)
	}
	return m, nil
}

// sayProblem answers an error that the person at the browser can do something about.
func (v *visit) sayProblem(err error) error {
	if problem, ok := errors.AsType[*registry.Problem](err); ok {
		return v.say(http.StatusUnprocessableEntity, passkeySaid{Problem: problem.Text})
	}
	if errors.Is(err, operator.ErrStale) {
		return v.say(http.StatusForbidden, passkeySaid{Next: "/sign-in/again?next=" + url.QueryEscape(v.comeBack())})
	}
	if status, _, fault := v.unproven(err); fault == nil {
		text := "That passkey was not accepted. Try again, or another way."
		if status == http.StatusTooManyRequests {
			text = tooOften
		}
		return v.say(status, passkeySaid{Problem: text})
	}
	return err
}

func (v *visit) sayBegun(options []byte, state string, err error) error {
	if err != nil {
		return v.sayProblem(err)
	}
	return v.say(http.StatusOK, passkeyAsked{options, state})
}

func passkeySignIn(v *visit) error {
	return v.sayBegun(v.Operators.BeginPasskey(v.r.Context(), nil))
}

func passkeySignedIn(v *visit) error {
	m, err := v.made()
	if err != nil {
		return err
	}
	session, cookie, err := v.Operators.FinishPasskey(v.r.Context(), m.State, m.Answer, v.from())
	if err != nil {
		return v.sayProblem(err)
	}
	v.signedIn(session, cookie)
	return v.say(http.StatusOK, passkeySaid{Next: nextOf(m.Next)})
}

func passkeyAgain(v *visit) error {
	return v.sayBegun(v.Operators.BeginPasskey(v.r.Context(), v.session.Operator))
}

func passkeyShownAgain(v *visit) error {
	m, err := v.made()
	if err != nil {
		return err
	}
	session, cookie, err := v.Operators.AgainPasskey(v.r.Context(), v.session, m.State, m.Answer, v.from())
	if err != nil {
		return v.sayProblem(err)
	}
	v.signedIn(session, cookie)
	return v.say(http.StatusOK, passkeySaid{Next: nextOf(m.Next)})
}

func passkeyAdd(v *visit) error {
	return v.sayBegun(v.Operators.BeginAddPasskey(v.r.Context(), v.session))
}

func passkeyAdded(v *visit) error {
	m, err := v.made()
	if err != nil {
		return err
	}
	codes, err := v.Operators.AddPasskey(v.r.Context(), v.session, m.State, m.Answer, m.Name)
	if err != nil {
		return v.sayProblem(err)
	}
	answer := passkeySaid{Next: "/account"}
	for _, code := range codes {
		answer.Codes = append(answer.Codes, code.Reveal())
	}
	if len(codes) == 0 {
		v.notices.put(v.session.ID, "The passkey was added.")
	}
	return v.say(http.StatusOK, answer)
}
