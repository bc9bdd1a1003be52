package e2e

import (
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// patience is how long the server may keep a connection on which nothing useful happens.
const patience = 20 * time.Second

// Req 110, R36: whoever sends slowly or nothing, and has shown no token, does not keep a connection.
func TestReq110_ACallerWhoSendsNothingIsSentAway(t *testing.T) {
	const length = "Content-Length: 1000\r\n\r\n{"
	t.Parallel()
	var waiting sync.WaitGroup
	for name, start := range map[string]string{
		"silence":                       "",
		"half a header":                 "POST /token HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
		"half a token request":          "POST /token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" + length,
		"half a call, no token":         "POST /api/v1/act/execute HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" + length,
		"half a call, any token":        "POST /api/v1/act/execute HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer x\r\n" + length,
		"half a call to nowhere":        "POST /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n" + length,
		"half a call to a public route": "GET /api/v1/nql/results/key HTTP/1.1\r\nHost: 127.0.0.1\r\n" + length,
		"half a call to nobody":         "POST /nothing HTTP/1.1\r\nHost: evil.example\r\n" + length,
	} {
		waiting.Go(func() {
			if err := sentAway(start); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	waiting.Wait()
}

// sentAway sends the start of something and reads until the server ends the connection.
func sentAway(start string) error {
	conn, err := net.Dial("tcp", "127.0.0.1:"+shared.port())
	if err != nil {
		return err
	}
	defer conn.Close()
	began := time.Now()
	if err := conn.SetDeadline(began.Add(patience)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, start); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, conn); err != nil && time.Since(began) >= patience {
		return fmt.Errorf("still connected after %v", patience)
	}
	return nil
}
