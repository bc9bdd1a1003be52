package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/admin"
	"github.com/tokenbooth/tokenbooth/internal/link"
	"github.com/tokenbooth/tokenbooth/internal/local"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// serverFlag is the token desk elsewhere that a command shall work at; empty: here. A command without the flag is of this machine alone.
func serverFlag(cmd *cobra.Command) string {
	f := cmd.Flags().Lookup("server")
	if f == nil {
		return ""
	}
	return strings.TrimRight(orElse(f.Value.String(), os.Getenv("TOKENBOOTH_SERVER")), "/")
}

// elsewhere has a command do its work for a tenant at a server, by its operators' API.
func elsewhere(cmd *cobra.Command, server, tenant string, do func(context.Context, *errand) error) error {
	remote, err := tenantElsewhere(cmd.Context(), server, tenant)
	if err != nil {
		return err
	}
	t, err := remote.Shown(cmd.Context())
	if err != nil {
		return fmt.Errorf("%s: %w", server, err)
	}
	e := &errand{printer: printerOf(cmd), asker: askerOf(cmd), acts: remote, cmd: cmd, tenant: t.Registered(), mayChange: operator.Role(t.Role).Can(operator.ChangeClients),
		onPaper:  func() (acts, error) { return remote.Rehearsal(), nil },
		dialects: func() (map[string]*dialect.Dialect, error) { return loadDialects(&settings{}) }} // those that come with every binary
	return explain(do(cmd.Context(), e))
}

// tenantElsewhere is the desk of a tenant at a server.
func tenantElsewhere(ctx context.Context, server, tenant string) (*admin.Remote, error) {
	if tenant == "" {
		return nil, errors.New("--tenant: at a server elsewhere say which tenant, with --tenant NAME")
	}
	remote, err := admin.Dial(ctx, server, tenant, credentialAt(server, tenant).token, wayElsewhere)
	if err != nil {
		return nil, fmt.Errorf("--server: %w", err)
	}
	return remote, nil
}

// staffElsewhere is the register of operators at a server, and what else is of the desk itself.
func staffElsewhere(server string) (*admin.RemoteStaff, error) {
	staff, err := admin.DialStaff(server, credentialAt(server, "").token, wayElsewhere)
	if err != nil {
		return nil, fmt.Errorf("--server: %w", err)
	}
	return staff, nil
}

// credential is how a command proves itself to the operators' API: by an access token, or by a client's id and secret that buy one.
type credential struct {
	server string
	tenant string // where the client is registered; "": nobody has said
	http   *http.Client
	have   string // the access token, once bought: a command is shorter than any token's life
}

// credentialAt is the credential of a command that works for a tenant, or for the desk itself: "". A program of the desk works for all
// tenants and is registered at one; that of one tenant is at home where it works.
func credentialAt(server, tenant string) *credential {
	return &credential{server: server, tenant: orElse(os.Getenv("TOKENBOOTH_CLIENT_TENANT"), tenant),
		http: &http.Client{Timeout: 30 * time.Second, Transport: wayElsewhere,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}} // a secret goes where it was meant to and nowhere else
}

// wayElsewhere is how everything goes that has a secret or a token in it: what is not https only to this machine, past any proxy.
var wayElsewhere = &http.Transport{DialContext: dialHere, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
	Proxy: func(r *http.Request) (*url.URL, error) {
		if r.URL.Scheme != "https" || local.Host(r.URL.Hostname()) {
			return nil, nil
		}
		return http.ProxyFromEnvironment(r)
	}}

// dialHere dials, and knows that every name below localhost is this machine (RFC 6761, section 6.3): many resolvers do not.
func dialHere(ctx context.Context, network, addr string) (net.Conn, error) {
	return (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, network, local.Address(addr))
}

// token returns an access token.
func (c *credential) token(ctx context.Context) (string, error) {
	if text := os.Getenv("TOKENBOOTH_TOKEN"); text != "" {
		return text, nil
	}
	if c.have != "" {
		return c.have, nil
	}
	id, secret := os.Getenv("TOKENBOOTH_CLIENT_ID"), oauth.Secret(os.Getenv("TOKENBOOTH_CLIENT_SECRET"))
	if id == "" || secret == "" {
		return "", errors.New("say who asks, in the environment: TOKENBOOTH_CLIENT_ID and TOKENBOOTH_CLIENT_SECRET of a client that holds a permission tokenbooth:…, or an access token in TOKENBOOTH_TOKEN")
	}
	if c.tenant == "" {
		return "", fmt.Errorf("say in the environment at which tenant the client %s is registered: TOKENBOOTH_CLIENT_TENANT", id)
	}
	endpoint, err := c.endpoint(ctx)
	if err != nil {
		return "", err
	}
	c.have, err = c.buy(ctx, endpoint, id, secret)
	if answer, ok := errors.AsType[*unexpected](err); ok && answer.code == http.StatusUnauthorized && os.Getenv("TOKENBOOTH_CLIENT_TENANT") == "" {
		return "", fmt.Errorf("as client %s of tenant %s: %w; if it is registered at another tenant, say at which in TOKENBOOTH_CLIENT_TENANT", id, c.tenant, err)
	}
	if err != nil {
		return "", fmt.Errorf("as client %s of tenant %s: %w", id, c.tenant, err)
	}
	return c.have, nil
}

// endpoint finds where the tenant gives out tokens: the API says who its issuer is (RFC 9728, section 3), and that where (RFC 8414, section 3).
func (c *credential) endpoint(ctx context.Context) (string, error) {
	var api struct {
		Resource string   `json:"resource"`
		Issuers  []string `json:"authorization_servers"`
	}
	err := c.read(ctx, c.server+admin.MetadataPath(c.tenant), &api)
	if other, ok := errors.AsType[*unexpected](err); ok && other.code == http.StatusNotFound {
		return "", fmt.Errorf("%s knows no tenant %q whose programs may work there: is that its name, and do its settings say operators_api: true?", c.server, c.tenant)
	}
	if err != nil {
		return "", err
	}
	if is, _ := strings.CutSuffix(api.Resource, link.Path("v1", "tenants", c.tenant)); !sameServer(is, c.server) { // RFC 9728, section 3.3
		return "", fmt.Errorf("%s calls itself %s: name it with --server as its settings do (console.url)", c.server, is)
	}
	if len(api.Issuers) == 0 {
		return "", fmt.Errorf("%s does not say who issues tokens for tenant %s: has its settings operators_api: true?", c.server, c.tenant)
	}
	at, err := url.Parse(api.Issuers[0])
	if err != nil {
		return "", fmt.Errorf("the issuer of tenant %s is no URL: %w", c.tenant, err)
	}
	var issuer struct {
		Issuer        string `json:"issuer"`
		TokenEndpoint string `json:"token_endpoint"`
	}
	at.Path = "/.well-known/oauth-authorization-server" + strings.TrimSuffix(at.Path, "/")
	if err := c.read(ctx, at.String(), &issuer); err != nil {
		return "", err
	}
	if issuer.Issuer != api.Issuers[0] || issuer.TokenEndpoint == "" {
		return "", fmt.Errorf("%s does not say where it gives out tokens", at)
	}
	return issuer.TokenEndpoint, nil
}

// sameServer reports whether two URLs are of one server. This machine has several names.
func sameServer(a, b string) bool {
	one, err1 := url.Parse(a)
	other, err2 := url.Parse(b)
	if a == b || err1 != nil || err2 != nil {
		return a == b
	}
	return one.Scheme == other.Scheme && one.Port() == other.Port() && local.Host(one.Hostname()) && local.Host(other.Hostname())
}

func (c *credential) read(ctx context.Context, at string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	return c.send(req, v)
}

// buy asks for an access token (RFC 6749, section 4.4.2).
func (c *credential) buy(ctx context.Context, endpoint, id string, secret oauth.Secret) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret.Reveal())) // RFC 6749, section 2.3.1
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := c.send(req, &answer); err != nil {
		return "", err
	}
	return answer.Token, nil
}

// unexpected is an answer that is not 200.
type unexpected struct {
	code int
	text string
}

// Error says who answered what.
func (u *unexpected) Error() string { return u.text }

// send asks and reads the answer, a JSON object of at most 64 KiB.
func (c *credential) send(req *http.Request, v any) error {
	if req.URL.Scheme != "https" && !local.Host(req.URL.Hostname()) {
		return fmt.Errorf("%s is not https: what it says could be anybody's, and the secret would cross the network in clear", req.URL.Redacted())
	}
	res, err := c.http.Do(req)
	if whole, ok := errors.AsType[*url.Error](err); ok {
		err = whole.Err // it names the URL once more
	}
	if err != nil {
		return fmt.Errorf("ask %s: %w", req.URL.Redacted(), err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", req.URL.Redacted(), err)
	}
	if res.StatusCode != http.StatusOK {
		return &unexpected{res.StatusCode, fmt.Sprintf("%s answered %s: %.200s", req.URL.Redacted(), res.Status, bytes.TrimSpace(body))}
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("the answer of %s is not what it should be: %w", req.URL.Redacted(), err)
	}
	return nil
}
