package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestASecretForThisMachineGoesByNoProxyAndNoNameServer(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:3128") // read once a process, so the function is asked as well
	t.Setenv("HTTPS_PROXY", "http://192.0.2.1:3128")
	for _, at := range []string{"http://x.localhost:8081/v1/tenants", "http://127.0.0.1:8081", "https://acme.localhost", "https://[::1]:8443"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
		if by, err := wayElsewhere.Proxy(r); by != nil || err != nil {
			t.Errorf("%s goes by %v, %v", at, by, err)
		}
	}
	here := httptest.NewServer(http.NotFoundHandler())
	defer here.Close()
	_, port, err := net.SplitHostPort(here.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c, err := dialHere(t.Context(), "tcp", "nobody.knows.this.localhost:"+port)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
