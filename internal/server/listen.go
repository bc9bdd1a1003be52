package server

import (
	"crypto/tls"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

// Limits of every listener. A call that the gateway has let through gets a pace of its own.
const (
	headerTime = 10 * time.Second
	readTime   = 15 * time.Second
	writeTime  = 60 * time.Second
	idleTime   = 2 * time.Minute
	maxHeader  = 32 << 10
)

// Listener makes the http.Server of a listener, with limits of time and size on everything a stranger may send. certs may be nil.
func Listener(h http.Handler, certs *Certificates, logger *slog.Logger) *http.Server {
	s := &http.Server{
		Handler:           framed(h),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.New(listenerError{logger}, "", 0),
	}
	if certs != nil {
		s.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certs.get, NextProtos: []string{"h2", "http/1.1"}}
	}
	return s
}

// framed ends the connection after a request of HTTP/1 whose end a program in front may have seen elsewhere: one in chunks, beside which
// net/http drops a Content-Length without a word, and one of HTTP/1.0, whose Transfer-Encoding it drops (RFC 9112, section 6.1).
func framed(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 && (r.ProtoMinor == 0 || len(r.TransferEncoding) > 0) {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}

// Certificates is a certificate and its key in files, which can be read anew while connections are open.
type Certificates struct {
	cert, key string
	current   atomic.Pointer[tls.Certificate]
}

// OpenCertificates reads a certificate chain and its key, in PEM.
func OpenCertificates(cert, key string) (*Certificates, error) {
	c := &Certificates{cert: cert, key: key}
	return c, c.Reload()
}

// Reload reads the files again. On an error the certificate stays what it was.
func (c *Certificates) Reload() error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("certificate %s with key %s: %w", c.cert, c.key, err)
	}
	c.current.Store(&pair)
	return nil
}

// Files returns the paths, for whoever watches them.
func (c *Certificates) Files() []string { return []string{c.cert, c.key} }

func (c *Certificates) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}
