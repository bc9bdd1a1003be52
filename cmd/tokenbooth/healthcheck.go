package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
)

func healthcheckCommand() *cobra.Command {
	var probe probe
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask a server on this machine whether it runs",
		Long: `Healthcheck asks the server of the settings, one that serves or a gateway, on its operators' listener, and says in a sentence
how it is. It ends with 0 when the server runs (with --ready: when it can do its work), and with 1 when not. Of the settings
it reads where the server listens and nothing else, so a fault elsewhere in the file makes no server unhealthy that goes on without it.`,
		Example: `  tokenbooth healthcheck -c /etc/tokenbooth/tokenbooth.yaml
  HEALTHCHECK CMD ["tokenbooth", "healthcheck"]                  # in the file of an image`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, _ := settingsFile(cmd)
			at, err := probe.find(file, overrides(cmd))
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), probe.timeout)
			defer cancel()
			word, err := at.ask(ctx)
			if ctx.Err() != nil && cmd.Context().Err() == nil {
				return fmt.Errorf("unhealthy: %s has not answered within %s", at.shown, probe.timeout)
			}
			if err != nil {
				return fmt.Errorf("unhealthy: %w", err)
			}
			return printerOf(cmd).say("healthy: %s says %s", at.shown, word)
		},
	}
	cmd.Flags().BoolVar(&probe.public, "public", false, "ask the public listener (needs public_health in the settings)")
	cmd.Flags().BoolVar(&probe.ready, "ready", false, "ask whether it can do its work, which is more than to run")
	cmd.Flags().DurationVar(&probe.timeout, "timeout", 5*time.Second, "how `LONG` to wait for the answer")
	cmd.Flags().String("listen", "", "`ADDRESS` of the public listener (default from the settings)")
	cmd.Flags().String("operators", "", "`ADDRESS` of the operators' listener (default from the settings)")
	cmd.MarkFlagsMutuallyExclusive("public", "ready")
	return cmd
}

// probe is what is asked.
type probe struct {
	public, ready bool
	timeout       time.Duration
}

// probed is where it is asked.
type probed struct {
	listenAddress
	url, shown string
}

// nobodysHost is a host name that no tenant can have (RFC 6761, section 6.4).
const nobodysHost = "healthcheck.invalid"

// find reads where a server listens.
func (p probe) find(file string, over map[string]string) (probed, error) {
	text, err := readSettings(file)
	if err != nil {
		return probed{}, err
	}
	s := struct {
		Listen       string `yaml:"listen"`
		Operators    string `yaml:"operators"`
		TLS          any    `yaml:"tls"`
		OperatorsTLS any    `yaml:"operators_tls"`
		PublicHealth bool   `yaml:"public_health"`
	}{Operators: defaultOperators}
	if err := yaml.Unmarshal(text, &s); err != nil {
		if _, placed := parseSettings(file, text); placed != nil { // says where
			err = placed
		}
		return probed{}, err
	}
	field, at, secure, host, path := "operators", s.Operators, s.OperatorsTLS != nil, "localhost", "/healthz"
	if p.ready {
		path = "/readyz"
	}
	if p.public {
		field, at, secure, host = "listen", s.Listen, s.TLS != nil, nobodysHost
		if !s.PublicHealth {
			return probed{}, fmt.Errorf("--public: the public listener answers no health probes; say public_health: true in %s, or leave --public out", file)
		}
	}
	if moved, ok := over[field]; ok {
		at = moved
	}
	a, err := parseAddress(at)
	if err != nil {
		return probed{}, fmt.Errorf("%s: %w", field, err)
	}
	scheme := "http"
	if secure {
		scheme = "https"
	}
	return probed{a, scheme + "://" + host + path, path + " at " + at}, nil
}

// ask asks once and returns the word for a good answer. The certificate is not looked at: nothing is told there, and it is for other names.
func (p probed) ask(ctx context.Context) (word string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, nil)
	if err != nil {
		return "", err
	}
	var dial net.Dialer
	line := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dial.DialContext(ctx, p.network, p.at)
		}}
	res, err := line.RoundTrip(req)
	if err != nil {
		return "", fmt.Errorf("nobody answers %s: %w", p.shown, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return "", fmt.Errorf("%s breaks off: %w", p.shown, err)
	}
	var said struct{ Status, Reason string }
	if err := json.Unmarshal(text, &said); err != nil || said.Status == "" {
		return "", fmt.Errorf("%s is answered with %d by something that is no Tokenbooth", p.shown, res.StatusCode)
	}
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s says %s", p.shown, strings.TrimSuffix(said.Status+": "+said.Reason, ": "))
	}
	return said.Status, nil
}
