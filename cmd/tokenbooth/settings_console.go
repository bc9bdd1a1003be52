package main

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/expiry"
	"github.com/tokenbooth/tokenbooth/internal/local"
)

// whole reports whether both files are named, or none is wanted.
func (t *tlsFiles) whole() bool { return t == nil || t.Certificate != "" && t.Key != "" }

// checkConsole refuses what would keep operators out, or let others in.
func (s *settings) checkConsole() error {
	if !s.OperatorsTLS.whole() {
		return s.fault("operators_tls", "it needs both files: certificate and key")
	}
	if at := s.Console.URL; at != "" {
		u, err := url.Parse(at)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
			return s.fault("console.url", fmt.Sprintf("the console is at an address like https://desk.example.com, not %q", at))
		}
		if u.Scheme == "http" && !local.Host(u.Hostname()) && !s.InsecurePlainHTTP {
			return s.fault("console.url", "without https passwords would cross the network in clear, and browsers keep no session there")
		}
	}
	w := s.ExpiryWarnings
	if w == nil {
		return nil
	}
	switch {
	case w.Webhook == "":
		return s.fault("expiry_warnings.webhook", "where shall warnings be sent? For example: https://hooks.example.com/expiry")
	case w.SecretFile == "":
		return s.fault("expiry_warnings.secret_file", "messages are signed: name a file with a secret that the receiver has too")
	}
	return nil
}

// consoleURL is where people reach the console, without a slash at its end.
func (s *settings) consoleURL() string {
	if s.Console.URL != "" {
		return strings.TrimRight(s.Console.URL, "/")
	}
	scheme := "http"
	if s.OperatorsTLS != nil {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(s.Operators)
	if ip := net.ParseIP(host); err != nil || host == "" || ip != nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		host = "localhost" // passkeys are bound to a name: an address is none
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// webhook is who is told of what expires.
func (s *settings) webhook() (expiry.Webhook, error) {
	w := s.ExpiryWarnings
	text, err := readSecret(s.path(w.SecretFile))
	if err != nil {
		return expiry.Webhook{}, s.fault("expiry_warnings.secret_file", err.Error())
	}
	hook := expiry.Webhook{URL: w.Webhook, Secret: text, AllowPrivate: w.AllowPrivate}
	if err := hook.Check(); err != nil {
		return hook, s.fault("expiry_warnings", err.Error())
	}
	return hook, nil
}
