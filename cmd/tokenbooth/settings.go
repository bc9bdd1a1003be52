package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// settings are the one file of settings. Relative paths in it start at the file's own folder.
type settings struct {
	Listen            string            `yaml:"listen"`    // public listener
	Operators         string            `yaml:"operators"` // console, operators' API, health, metrics
	TLS               *tlsFiles         `yaml:"tls,omitempty"`
	HSTS              *hsts             `yaml:"hsts,omitempty"`
	PublicHealth      bool              `yaml:"public_health,omitempty"`
	Scrapers          scrapers          `yaml:"scrapers,omitempty"`
	OperatorsTLS      *tlsFiles         `yaml:"operators_tls,omitempty"`
	Console           consoling         `yaml:"console,omitempty"`
	ExpiryWarnings    *warning          `yaml:"expiry_warnings,omitempty"`
	InsecurePlainHTTP bool              `yaml:"insecure_plain_http,omitempty"` // credentials in clear, beyond this machine
	Data              string            `yaml:"data"`                          // folder of the database, the journal and the key-encryption key
	Store             string            `yaml:"store,omitempty"`               // sqlite or memory
	Mark              string            `yaml:"mark,omitempty"`                // a second mark of the database, on another disk
	Backup            *backingUp        `yaml:"backup,omitempty"`              // made while serving
	JournalDays       *int              `yaml:"journal_days,omitempty"`        // how long the journal of issuances is kept
	KeyFile           string            `yaml:"key_encryption_key_file,omitempty"`
	TrustedProxies    []netip.Prefix    `yaml:"trusted_proxies,omitempty"`
	ReplayWindow      *time.Duration    `yaml:"replay_window,omitempty"`
	Hashing           hashing           `yaml:"hashing,omitempty"`
	Log               logging           `yaml:"log,omitempty"`
	Check             *checking         `yaml:"check,omitempty"`
	Sandbox           string            `yaml:"sandbox,omitempty"` // address of the sandbox APIs, for trying things out
	Dialects          []string          `yaml:"dialects,omitempty"`
	Tenants           []registry.Tenant `yaml:"tenants"`                // of the settings file, and behind them those of TenantFiles
	TenantFiles       string            `yaml:"tenant_files,omitempty"` // folder with a file for each further tenant

	firstStart bool // make the database: said by a flag, never by a file

	file  string // where they came from
	text  []byte
	files []placed          // where the last ones of the tenants came from, if not from file
	over  map[string]string // what flags and environment put in the place of the file's values
	clock func() time.Time  // nil: that of this process
}

// now is the clock of what runs by these settings.
func (s *settings) now() func() time.Time {
	if s.clock != nil {
		return s.clock
	}
	return wallClock()
}

type tlsFiles struct {
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
}

// consoling is where people reach the console: passkeys and cookies are bound to its host.
type consoling struct {
	URL string `yaml:"url,omitempty"` // where empty: localhost, at the port of the operators' listener
}

// warning says who is told, ahead of time, that credentials expire.
type warning struct {
	Webhook      string `yaml:"webhook"`
	SecretFile   string `yaml:"secret_file"` // has what the messages are signed with
	AllowPrivate bool   `yaml:"allow_private_addresses,omitempty"`
}

// checking is the listener where reverse proxies ask whether a call may pass, and which proxies may ask. What they say of the call is
// believed, so one of peers, secret_file and tls.client_ca must say who they are.
type checking struct {
	Listen     string         `yaml:"listen"`
	Peers      []netip.Prefix `yaml:"peers,omitempty"`       // addresses that may ask
	SecretFile string         `yaml:"secret_file,omitempty"` // has what the proxy sends in Tokenbooth-Proxy-Secret
	TLS        *checkTLS      `yaml:"tls,omitempty"`
	CacheFor   time.Duration  `yaml:"cache_for,omitempty"` // how long the proxy may keep an answer; zero: not at all
}

// checkTLS are the certificate of the check listener and whose certificates it asks proxies for.
type checkTLS struct {
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
	ClientCA    string `yaml:"client_ca,omitempty"`
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

// defaultSettings is the settings file where none is named.
const defaultSettings = "tokenbooth.yaml"

// defaultOperators is where the operators' listener is when the settings do not say.
const defaultOperators = "127.0.0.1:8081"

// settingsOf finds and loads the settings a command works on.
func settingsOf(cmd *cobra.Command) (*settings, error) {
	file, _ := settingsFile(cmd)
	return loadSettings(file, overrides(cmd))
}

// settingsFile is the file of --config or $TOKENBOOTH_CONFIG, or tokenbooth.yaml here where nobody named one.
func settingsFile(cmd *cobra.Command) (file string, named bool) {
	if f := cmd.Flags().Lookup("config"); f != nil {
		file = f.Value.String()
	}
	if file == "" {
		file = os.Getenv("TOKENBOOTH_CONFIG")
	}
	if file == "" {
		return defaultSettings, false
	}
	return file, true
}

// overrides collects what environment and flags put in the place of the file's values. Flags win.
func overrides(cmd *cobra.Command) map[string]string {
	over := map[string]string{}
	for _, name := range []string{"listen", "operators", "data", "log.level"} {
		if v, ok := os.LookupEnv(envOf(name)); ok {
			over[name] = v
		}
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
			over[name] = f.Value.String()
		}
	}
	return over
}

// envOf is the environment variable that goes before a setting.
func envOf(field string) string {
	return "TOKENBOOTH_" + strings.ToUpper(strings.ReplaceAll(field, ".", "_"))
}

// readSettings returns the text of a settings file.
func readSettings(file string) ([]byte, error) {
	text, err := readText(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no settings file %s; write one with: tokenbooth init, or name yours with -c FILE", file)
	}
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	return text, nil
}

// loadSettings reads, overrides and checks a settings file. Nothing is applied here: a faulty file changes nothing.
func loadSettings(file string, over map[string]string) (*settings, error) {
	text, err := readSettings(file)
	if err != nil {
		return nil, err
	}
	s, err := parseSettings(file, text)
	if err != nil {
		return nil, err
	}
	if err := s.readTenantFiles(); err != nil {
		return nil, err
	}
	s.over = over
	for name, at := range map[string]*string{"listen": &s.Listen, "operators": &s.Operators, "data": &s.Data, "log.level": &s.Log.Level} {
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
	s := &settings{file: file, text: text, Operators: defaultOperators, Data: "tokenbooth-data", Store: "sqlite"}
	return s, s.decode()
}

// check refuses settings that could not work or should not.
func (s *settings) check() error {
	if err := s.checkAddresses(); err != nil {
		return err
	}
	if !s.TLS.whole() {
		return s.fault("tls", "it needs both files: certificate and key")
	}
	if err := s.checkPublic(); err != nil {
		return err
	}
	if err := s.checkConsole(); err != nil {
		return err
	}
	if s.Data == "" {
		return s.fault("data", "where shall the database, the journal and the key-encryption key be? Name a folder")
	}
	if s.Store != "sqlite" && s.Store != "memory" {
		return s.fault("store", fmt.Sprintf("a store is sqlite or memory, not %q", s.Store))
	}
	if err := errors.Join(s.checkBackup(), s.checkJournal()); err != nil {
		return err
	}
	if s.ReplayWindow != nil && (*s.ReplayWindow < 0 || *s.ReplayWindow > 5*time.Minute) {
		return s.fault("replay_window", fmt.Sprintf("a replay window is 0s to 5m, not %s", *s.ReplayWindow))
	}
	if s.Hashing.Workers < 0 || s.Hashing.Workers > mostHashing || s.Hashing.Queue < 0 || s.Hashing.Queue > mostWaiting {
		return s.fault("hashing", fmt.Sprintf("workers are 0 to %d, each with 19 MiB at a time, and the queue is 0 to %d", mostHashing, mostWaiting))
	}
	if !slices.Contains([]string{"", "debug", "info", "warn", "error"}, s.Log.Level) {
		return s.fault("log.level", fmt.Sprintf("a level is debug, info, warn or error, not %q", s.Log.Level))
	}
	if !slices.Contains([]string{"", "json", "text"}, s.Log.Format) {
		return s.fault("log.format", fmt.Sprintf("a format is json or text, not %q", s.Log.Format))
	}
	if len(s.Tenants) == 0 && s.TenantFiles == "" {
		return s.fault("tenants", "declare at least one tenant; tokenbooth init --stdout shows how")
	}
	if err := s.checkNames(); err != nil {
		return err
	}
	if err := registry.CheckTenants(s.Tenants); err != nil {
		if p, ok := errors.AsType[*registry.Problem](err); ok {
			return s.fault(p.Field, p.Text)
		}
		return err
	}
	return nil
}

// Bounds of the lane in which passwords are checked.
const mostHashing, mostWaiting = 256, 10_000

// checkAddresses refuses listeners that could not be opened, or would be open to whom they should not.
func (s *settings) checkAddresses() error {
	if s.Listen == "" {
		return s.fault("listen", "where shall the token endpoints listen? For example: 127.0.0.1:8080")
	}
	if s.Operators == "" {
		return s.fault("operators", "where shall operators find console, health and metrics? For example: "+defaultOperators)
	}
	for _, at := range []struct{ field, addr string }{{"listen", s.Listen}, {"operators", s.Operators}, {"sandbox", s.Sandbox}, {"check.listen", s.checkAddress()}} {
		a, err := parseAddress(at.addr)
		switch {
		case at.addr == "":
		case err != nil:
			return s.fault(at.field, err.Error())
		case a.network == "unix" && at.field != "listen" && at.field != "operators":
			return s.fault(at.field, fmt.Sprintf("a unix socket can be listen or operators; here an address is host:port, like 127.0.0.1:8080, not %q", at.addr))
		}
	}
	if strings.HasPrefix(s.Operators, socketMark) && s.Console.URL == "" {
		return s.fault("operators", "people reach a console at a unix socket through a proxy in front of it: say where, with console.url")
	}
	if s.TLS == nil && !s.InsecurePlainHTTP && !loopback(s.Listen) {
		return s.fault("listen", "without tls credentials would cross the network in clear; give tls, listen on 127.0.0.1, or say insecure_plain_http: true")
	}
	if !loopback(s.Operators) && !s.InsecurePlainHTTP && s.OperatorsTLS == nil {
		return s.fault("operators", "the operators' listener is for this machine: give it an address like 127.0.0.1:8081, or operators_tls")
	}
	if s.Sandbox != "" && !loopback(s.Sandbox) {
		return s.fault("sandbox", "the sandbox believes whoever calls it: give it an address like 127.0.0.1:8082")
	}
	return s.checkChecking()
}

func (s *settings) checkAddress() string {
	if s.Check == nil {
		return ""
	}
	return s.Check.Listen
}

// longestCheck is how long a proxy may keep an answer at most: what is revoked is refused within 5 seconds.
const longestCheck = 5 * time.Second

func (s *settings) checkChecking() error {
	c := s.Check
	if c == nil {
		return nil
	}
	mutual := c.TLS != nil && c.TLS.ClientCA != ""
	switch {
	case c.Listen == "":
		return s.fault("check.listen", "where shall reverse proxies ask? For example: 127.0.0.1:8083")
	case len(c.Peers) == 0 && c.SecretFile == "" && !mutual:
		return s.fault("check", "what a proxy says of a call is believed, so say which proxies may ask: peers, secret_file or tls.client_ca")
	case c.TLS != nil && (c.TLS.Certificate == "" || c.TLS.Key == ""):
		return s.fault("check.tls", "it needs both files: certificate and key")
	case c.TLS == nil && !loopback(c.Listen) && !s.InsecurePlainHTTP:
		return s.fault("check.listen", "without tls tokens would cross the network in clear; give check.tls, listen on 127.0.0.1, or say insecure_plain_http: true")
	case c.CacheFor < 0 || c.CacheFor > longestCheck || c.CacheFor%time.Second != 0:
		return s.fault("check.cache_for", fmt.Sprintf("an answer can be kept for whole seconds from 0s to %s, not %s: what is revoked shall be refused by then", longestCheck, c.CacheFor))
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
	a, err := parseAddress(addr)
	if err != nil || a.network == "unix" {
		return err == nil
	}
	host, _, err := net.SplitHostPort(a.at)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
