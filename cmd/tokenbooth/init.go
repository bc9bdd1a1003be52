package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/sheet"
)

//go:embed init.yaml
var firstSettings string

func initCommand() *cobra.Command {
	var show bool
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a settings file to start from, and make the database",
		Long: `Init writes a settings file in which every setting is explained. It serves as it is, on this machine; change it to
your hosts, contracts and APIs. Then it makes what the settings say is kept in the data folder: the database and the
key-encryption key. What exists is never touched: with settings of your own, init makes the database alone.`,
		Example: `  tokenbooth init
  tokenbooth init -c /etc/tokenbooth/tokenbooth.yaml
  tokenbooth init --stdout`,
		Args: want(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, _ := settingsFile(cmd)
			text, err := renderSettings(file, cmd.Flags().Lookup("listen").Value.String(), cmd.Flags().Lookup("operators").Value.String())
			if err != nil {
				return err
			}
			p := printerOf(cmd)
			if show {
				return p.write(text)
			}
			made, err := makeStore(file)
			if err == nil && !made {
				err = writeNew(file, text)
			}
			if err == nil && !made {
				_, err = makeStore(file)
			}
			if err != nil {
				return err
			}
			if p.json {
				return p.object(map[string]string{"file": file})
			}
			if made {
				return p.say("The database that %s names is made. Run it: tokenbooth serve", file)
			}
			c := ""
			if file != defaultSettings {
				c = " -c " + sheet.Word(file)
			}
			return p.say(`%s is written, with every setting explained.

Run it:             tokenbooth serve%[2]s
Register a client:  tokenbooth client create%[2]s --name "My first client" -p orders.read`, file, c)
		},
	}
	cmd.Flags().BoolVar(&show, "stdout", false, "write it to standard output, and no file")
	cmd.Flags().String("listen", "127.0.0.1:8080", "`ADDRESS` of the public listener, on this machine")
	cmd.Flags().String("operators", "127.0.0.1:8081", "`ADDRESS` of the operators' listener")
	addJSON(cmd)
	return cmd
}

// makeStore makes the database of settings that are there, and reports whether there was none before.
func makeStore(file string) (made bool, err error) {
	if !exists(file) {
		return false, nil
	}
	s, err := loadSettings(file, nil)
	if err != nil || s.Store == "memory" || exists(s.database()) {
		return false, err
	}
	d := &desk{settings: s, now: wallClock()}
	if err := d.unseal(); err != nil {
		return false, err
	}
	k, err := openStore(s, d.now, watchClock(), opening{create: true})
	if err != nil {
		return false, err
	}
	return true, k.close()
}

// renderSettings fills in the first settings, and makes sure that they load.
func renderSettings(file, listen, operators string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil || !loopback(listen) || strings.HasPrefix(listen, socketMark) {
		return "", fmt.Errorf("--listen: an address on this machine is like 127.0.0.1:8080, not %q; for any other, give the file tls first", listen)
	}
	hosts := []string{"localhost", "127.0.0.1", `"::1"`}
	if name := strings.ToLower(host); name != "localhost" && name != "127.0.0.1" && name != "::1" {
		hosts = append(hosts, `"`+name+`"`)
	}
	t, err := template.New("init.yaml").Parse(firstSettings)
	if err != nil {
		return "", fmt.Errorf("fill in the settings: %w", err)
	}
	var b strings.Builder
	err = t.Execute(&b, map[string]string{"Listen": listen, "Operators": operators, "Hosts": strings.Join(hosts, ", "),
		"Issuer": "http://" + net.JoinHostPort(host, port)})
	if err != nil {
		return "", fmt.Errorf("fill in the settings: %w", err)
	}
	s, err := parseSettings(file, []byte(b.String()))
	if err == nil {
		err = s.check()
	}
	return b.String(), err
}

// writeNew writes a file that must not exist yet, whole or not at all. Others may not read it: it may come to hold what is private.
func writeNew(file, text string) error {
	taken := fmt.Errorf("%s exists already and stays as it is; name another with -c FILE, or see what init writes with --stdout", file)
	if exists(file) {
		return taken
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".tokenbooth-*") // made with mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	defer os.Remove(temporary.Name())
	_, err = io.WriteString(temporary, text)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err == nil {
		err = os.Link(temporary.Name(), file) // unlike Rename it never replaces a file
	}
	if errors.Is(err, fs.ErrExist) {
		return taken
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
