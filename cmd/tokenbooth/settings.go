package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// settings are the one file of settings. Relative paths in it start at the file's own folder.
type settings struct {
	Listen            string            `yaml:"listen"`    // public listener
	Operators         string            `yaml:"operators"` // health, metrics
	TLS               *tlsFiles         `yaml:"tls,omitempty"`
	InsecurePlainHTTP bool              `yaml:"insecure_plain_http,omitempty"` // credentials in clear, beyond this machine
	Data              string            `yaml:"data"`                          // folder of the database, the journal and the key-encryption key
	Store             string            `yaml:"store,omitempty"`               // sqlite or memory
	KeyFile           string            `yaml:"key_encryption_key_file,omitempty"`
	TrustedProxies    []netip.Prefix    `yaml:"trusted_proxies,omitempty"`
	ReplayWindow      *time.Duration    `yaml:"replay_window,omitempty"`
	Hashing           hashing           `yaml:"hashing,omitempty"`
	Log               logging           `yaml:"log,omitempty"`
	Sandbox           string            `yaml:"sandbox,omitempty"` // address of the sandbox APIs, for trying things out
	Dialects          []string          `yaml:"dialects,omitempty"`
	Tenants           []registry.Tenant `yaml:"tenants"`

	file string // where they came from
	text []byte
}

type tlsFiles struct {
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
}

// hashing bounds how many passwords are checked at once, and how many callers may wait for that.
type hashing struct {
	Workers int `yaml:"workers,omitempty"`
	Queue   int `yaml:"queue,omitempty"`
}

type logging struct {
	Level  string `yaml:"level,omitempty"`  // debug, info, warn, error
	Format string `yaml:"format,omitempty"` // json, text, or by whether it goes to a terminal
}

// settingsOf finds and loads the settings a command works on: --config, $TOKENBOOTH_CONFIG, or tokenbooth.yaml here.
func settingsOf(cmd *cobra.Command) (*settings, error) {
	file, err := cmd.Flags().GetString("config")
	if err != nil {
		return nil, err
	}
	if file == "" {
		file = os.Getenv("TOKENBOOTH_CONFIG")
	}
	if file == "" {
		file = "tokenbooth.yaml"
	}
	return loadSettings(file, overrides(cmd))
}

// overrides collects what environment and flags put in the place of the file's values. Flags win.
func overrides(cmd *cobra.Command) map[string]string {
	over := map[string]string{}
	for _, name := range []string{"listen", "operators", "data"} {
		if v, ok := os.LookupEnv("TOKENBOOTH_" + strings.ToUpper(name)); ok {
			over[name] = v
		}
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
			over[name] = f.Value.String()
		}
	}
	if v, ok := os.LookupEnv("TOKENBOOTH_LOG_LEVEL"); ok {
		over["log_level"] = v
	}
	return over
}

// loadSettings reads, overrides and checks a settings file. Nothing is applied here: a faulty file changes nothing.
func loadSettings(file string, over map[string]string) (*settings, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no settings file %s; write one with: tokenbooth init, or name yours with -c FILE", file)
	}
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	s, err := parseSettings(file, text)
	if err != nil {
		return nil, err
	}
	for name, at := range map[string]*string{"listen": &s.Listen, "operators": &s.Operators, "data": &s.Data, "log_level": &s.Log.Level} {
		if v, ok := over[name]; ok {
			*at = v
		}
	}
	if _, moved := over["data"]; !moved {
		s.Data = s.path(s.Data)
	}
	return s, s.check()
}

// parseSettings decodes the text of a settings file strictly: an unknown field is an error with its place and an excerpt.
func parseSettings(file string, text []byte) (*settings, error) {
	s := &settings{file: file, text: text, Operators: "127.0.0.1:8081", Data: "tokenbooth-data", Store: "sqlite"}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, fmt.Errorf("%s:1:1: the settings are empty; write some with: tokenbooth init", file)
	}
	if err := yaml.UnmarshalWithOptions(text, s, yaml.Strict()); err != nil {
		return nil, placed(file, err.Error())
	}
	return s, nil
}

var place = regexp.MustCompile(`^\[(\d+):(\d+)\] ([^\n]*)`)

// placed turns [12:3] in front of a message into file:12:3, as editors and people expect it.
func placed(file, message string) error {
	return errors.New(place.ReplaceAllString(message, file+":$1:$2: $3"))
}

// fault is a complaint about a field, with line, column and an excerpt of the file.
func (s *settings) fault(field, text string) error {
	p, err := yaml.PathString("$." + field)
	if err == nil {
		if node, err := p.ReadNode(bytes.NewReader(s.text)); err == nil {
			at := node.GetToken().Position
			excerpt, err := p.AnnotateSource(s.text, false)
			if err == nil {
				return fmt.Errorf("%s:%d:%d: %s: %s\n%s", s.file, at.Line, at.Column, field, text, strings.TrimRight(string(excerpt), "\n"))
			}
		}
	}
	return fmt.Errorf("%s: %s: %s", s.file, field, text)
}

// check refuses settings that could not work or should not.
func (s *settings) check() error {
	if s.Listen == "" {
		return s.fault("listen", "where shall the token endpoints listen? For example: 127.0.0.1:8080")
	}
	for field, addr := range map[string]string{"listen": s.Listen, "operators": s.Operators, "sandbox": s.Sandbox} {
		if _, _, err := net.SplitHostPort(addr); err != nil && addr != "" {
			return s.fault(field, fmt.Sprintf("an address is host:port, not %q", addr))
		}
	}
	if s.TLS == nil && !s.InsecurePlainHTTP && !loopback(s.Listen) {
		return s.fault("listen", "without tls credentials would cross the network in clear; give tls, listen on 127.0.0.1, or say insecure_plain_http: true")
	}
	if !loopback(s.Operators) && !s.InsecurePlainHTTP {
		return s.fault("operators", "the operators' listener is for this machine: give it an address like 127.0.0.1:8081")
	}
	if s.Sandbox != "" && !loopback(s.Sandbox) {
		return s.fault("sandbox", "the sandbox believes whoever calls it: give it an address like 127.0.0.1:8082")
	}
	if s.Store != "sqlite" && s.Store != "memory" {
		return s.fault("store", "a store is sqlite or memory")
	}
	if s.ReplayWindow != nil && (*s.ReplayWindow < 0 || *s.ReplayWindow > 5*time.Minute) {
		return s.fault("replay_window", "a replay window is 0 to 5m")
	}
	if len(s.Tenants) == 0 {
		return s.fault("tenants", "declare at least one tenant")
	}
	if err := registry.CheckTenants(s.Tenants); err != nil {
		if p, ok := errors.AsType[*registry.Problem](err); ok {
			return s.fault(p.Field, p.Text)
		}
		return err
	}
	return nil
}

// path resolves a path of the file against its folder.
func (s *settings) path(p string) string {
	if filepath.IsAbs(p) || p == "" {
		return p
	}
	return filepath.Join(filepath.Dir(s.file), p)
}

func (s *settings) replayWindow() time.Duration {
	if s.ReplayWindow == nil {
		return 30 * time.Second
	}
	return *s.ReplayWindow
}

// loopback reports whether an address can only be reached from this machine.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
