package bearer_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// demo is an issuer for the examples; its tokens are for https://api.acme.example and permit "workflows" and "nql".
func demo() (remote bearer.Remote, token string, shut func()) {
	b := openBooth()
	return b.remote(), b.mint(nil), b.shut
}

// show calls a handler with a token and prints how it answered.
func show(h http.Handler, token string) {
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"), w.Body)
}

// Three lines guard an API: follow the issuer, say which audience is yours, and wrap the handlers.
func ExampleFollow() {
	remote, token, shut := demo() // bearer.Remote{Issuer: "https://login.acme.example", ClientID: "orders", ClientSecret: secret}
	defer shut()

	issuer, err := bearer.Follow(context.Background(), remote)
	if err != nil {
		panic(err) // a member of remote is wrong; an issuer that is away is none
	}
	defer issuer.Close()
	guard, err := issuer.Verifier("https://api.acme.example")
	if err != nil {
		panic(err)
	}
	orders := guard.Require("workflows")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "hello ", bearer.FromContext(r.Context()).ClientID)
	}))

	show(orders, token)
	show(orders, "")
	// Output:
	// 200  hello client-1
	// 401 Bearer realm="https://api.acme.example"
}

// The refusals of an API can say where its metadata are, which a client needs to find the issuer, and the API serves those itself.
func ExampleVerifier_ResourceMetadata() {
	remote, _, shut := demo()
	defer shut()
	issuer, err := bearer.Follow(context.Background(), remote)
	if err != nil {
		panic(err)
	}
	defer issuer.Close()
	options := issuer.Options("https://api.acme.example")
	options.Speech.Realm = "orders"
	options.Speech.Metadata = "https://api.acme.example/.well-known/oauth-protected-resource"
	guard, err := bearer.New(options)
	if err != nil {
		panic(err)
	}
	routes := http.NewServeMux()
	routes.Handle("GET /.well-known/oauth-protected-resource", guard.ResourceMetadata("orders.read", "orders.write"))
	routes.Handle("GET /orders", guard.Require("orders.read")(http.NotFoundHandler()))

	show(routes, "")
	// Output:
	// 401 Bearer realm="orders", resource_metadata="https://api.acme.example/.well-known/oauth-protected-resource"
}

// An API that speaks a dialect takes tokens and refuses them in its words.
func ExampleSpeech() {
	remote, _, shut := demo()
	defer shut()
	issuer, err := bearer.Follow(context.Background(), remote)
	if err != nil {
		panic(err)
	}
	defer issuer.Close()
	spoken, err := dialect.Standard().WithRefusals("orders.http", `### nobody
# @when invalid_token
HTTP/1.1 401 Unauthorized
Content-Type: text/plain

Sorry: {{error_description}}
`)
	if err != nil {
		panic(err)
	}
	options := issuer.Options("https://api.acme.example")
	options.Speech.Carried = spoken.Carried
	options.Speech.Refuse = func(w http.ResponseWriter, err *oauth.Error, a bearer.About) {
		spoken.EncodeError(w, err, dialect.About{RequestID: a.RequestID, Path: a.Path, Realm: a.Realm, Scope: a.Scope, Metadata: a.Metadata})
	}
	guard, err := bearer.New(options)
	if err != nil {
		panic(err)
	}

	show(guard.Require("orders.read")(http.NotFoundHandler()), "a.b.c")
	// Output:
	// 401  Sorry: The access token is invalid or has expired.
}
