package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"text/template"

	"github.com/spf13/cobra"
)

//go:embed demo.yaml
var demoSettings string

//go:embed demo.txt
var demoScreen string

// demoPlaces are what the demo's settings and screen are filled with.
type demoPlaces struct {
	Listen, Operators, Sandbox string // addresses
	Host, Port                 string // of the public URL
}

func demoCommand() *cobra.Command {
	var fresh bool
	var env string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run every contract on this machine, with credentials ready to paste",
		Long: `Demo runs a working twin of three vendors' token desks: their token endpoints, a gateway, and sandbox APIs behind
it, on an embedded database that is kept between runs. It prints the vendors' own commands with hosts and
credentials filled in.`,
		Example: `  tokenbooth demo
  tokenbooth demo --fresh --env demo.env --listen 127.0.0.1:9090`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			flag := func(name string) string { return cmd.Flags().Lookup(name).Value.String() }
			return demo(cmd.Context(), cmd.OutOrStdout(), flag("data"), flag("listen"), flag("operators"), env, fresh)
		},
	}
	cmd.Flags().String("data", "tokenbooth-demo", "`FOLDER` of the demo's database, settings and credentials")
	cmd.Flags().String("listen", "127.0.0.1:8080", "`ADDRESS` of the public listener")
	cmd.Flags().String("operators", "127.0.0.1:8081", "`ADDRESS` of the operators' listener")
	cmd.Flags().BoolVar(&fresh, "fresh", false, "forget what an earlier demo left in the folder")
	cmd.Flags().StringVar(&env, "env", "", "write the values as shell variables to `FILE`, once it is ready to serve")
	return cmd
}

func demo(ctx context.Context, out io.Writer, data, listenAt, operatorsAt, env string, fresh bool) error {
	if fresh {
		if err := forgetDemo(data); err != nil {
			return err
		}
	}
	lis, err := listen(&settings{file: "demo", Listen: listenAt, Operators: operatorsAt, Sandbox: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	s, places, err := writeDemoSettings(data, lis)
	if err != nil {
		return errors.Join(err, lis.close())
	}
	s.firstStart = true // a demo is there to be tried: it begins anew whenever there is nothing
	b, err := openBooth(ctx, s)
	if err != nil {
		return errors.Join(err, lis.close())
	}
	vars, err := b.seedDemo(ctx, places)
	if err != nil {
		return errors.Join(err, lis.close(), b.close())
	}
	if env != "" {
		if err := writeWhole(env, vars.shell()); err != nil {
			return errors.Join(err, lis.close(), b.close())
		}
	}
	screen, err := template.New("demo.txt").Parse(demoScreen)
	if err != nil {
		return err
	}
	if err := screen.Execute(out, vars.screen(data)); err != nil {
		return err
	}
	return b.serve(ctx, lis, func() (*settings, error) { return loadSettings(s.file, nil) })
}

// writeDemoSettings fills the demo's settings with the sockets that are open and writes them beside its database, so that every other
// command can be pointed at them.
func writeDemoSettings(data string, lis *listeners) (*settings, demoPlaces, error) {
	host, port, err := net.SplitHostPort(lis.public.Addr().String())
	if err != nil {
		return nil, demoPlaces{}, err
	}
	p := demoPlaces{Listen: lis.public.Addr().String(), Operators: lis.operators.Addr().String(), Sandbox: lis.sandbox.Addr().String(),
		Host: "localhost", Port: port}
	if ip := net.ParseIP(host); ip != nil && ip.To4() != nil && !ip.IsUnspecified() {
		p.Host = host
	}
	text, err := template.New("demo.yaml").Parse(demoSettings)
	if err != nil {
		return nil, p, err
	}
	var filled bytes.Buffer
	if err := text.Execute(&filled, p); err != nil {
		return nil, p, err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, p, fmt.Errorf("make the demo's folder: %w", err)
	}
	file := filepath.Join(data, "tokenbooth.yaml")
	if err := writeWhole(file, filled.String()); err != nil {
		return nil, p, err
	}
	s, err := loadSettings(file, nil)
	return s, p, err
}

// forgetDemo removes what a demo left in its folder, and only that: a folder that holds anything else is not a demo's.
func forgetDemo(data string) error {
	entries, err := os.ReadDir(data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the demo's folder: %w", err)
	}
	own := map[string]bool{"tokenbooth.yaml": true, "credentials.env": true, "key-encryption-key": true, "journal": true,
		"tokenbooth.db": true, "tokenbooth.db-wal": true, "tokenbooth.db-shm": true,
		"tokenbooth.db.mark": true}
	for _, e := range entries {
		if !own[e.Name()] {
			return fmt.Errorf("%s holds %s, which no demo wrote; give --data another folder", data, e.Name())
		}
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(data, e.Name())); err != nil {
			return fmt.Errorf("forget the demo: %w", err)
		}
	}
	return nil
}

// writeWhole writes a private file so that no reader ever sees half of it.
func writeWhole(file, text string) error {
	temporary, err := os.CreateTemp(filepath.Dir(file), ".tokenbooth-*") // made with mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	defer os.Remove(temporary.Name())
	_, err = io.WriteString(temporary, text)
	if err = errors.Join(err, temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
