package gateway_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/gateway"
)

// caddy runs the file of docs/guard.md, with addresses of its own.
func caddy(t *testing.T, change func(*gateway.CheckOptions)) (*guarded, *http.Client) {
	t.Helper()
	w := newWorld(t, nil)
	dir := t.TempDir()
	cert, key, roots := certificate(t, dir)
	address := freeAddress(t)
	port := strings.TrimPrefix(address, "127.0.0.1")
	text := guide(t, "Caddyfile")
	text = swap(t, text, "127.0.0.1:9000", w.echo.Listener.Addr().String())
	text = swap(t, text, "127.0.0.1:8083", questions(w, change).Listener.Addr().String())
	text = swap(t, text, "\napi.example.com {\n", "\nhttps://api.example.com"+port+" {\n\tbind 127.0.0.1\n")
	text = swap(t, text, "\n:443 {\n", "\nhttps://"+port+" {\n\tbind 127.0.0.1\n")
	text = swap(t, text, "/etc/ssl/api.example.com.pem", cert)
	text = swap(t, text, "/etc/ssl/api.example.com.key", key)
	text = swap(t, text, " CHANGE-ME", ` "`+proxySecret+`"`)
	text = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + text
	file := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, address, roots, "caddy", "run", "--config", file, "--adapter", "caddyfile")
	return behind(w, address, roots), client(address, roots)
}

func TestReq039_Req040_Req041_Req042_Req043_Req046_B42_B50_CaddyHoldsAgainstTheCorpus(t *testing.T) {
	w, h2 := caddy(t, nil)
	w.hold(attacks())
	w.holdHTTP2(h2)
}

func TestReq044_CaddyPassesNothingWhenItCannotAsk(t *testing.T) {
	w, _ := caddy(t, func(o *gateway.CheckOptions) { o.Secret = func(string) bool { return false } })
	w.closedToAll()
}

func TestReq044_Req088_CaddyAnswersInTheWordsOfTheAPI(t *testing.T) {
	w, h2 := caddy(t, nil)
	w.spoken(h2)
}
