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
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
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

// demoing is what the demo can be told.
type demoing struct {
	data, listen, operators, env string
	fresh, empty                 bool
}

func demoCommand() *cobra.Command {
	var d demoing
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run every contract on this machine, with credentials ready to paste",
		Long: `Demo runs a working twin of three vendors' token desks: their token endpoints, a gateway, and sandbox APIs behind
it, on an embedded database that is kept between runs. It prints the vendors' own commands with hosts and
credentials filled in. A new demo has a past: a month of clients at work, refusals and changes, for the console to show.`,
		Example: `  tokenbooth demo
  tokenbooth demo --fresh --empty
  tokenbooth demo --data second-demo --listen 127.0.0.1:9090 --operators 127.0.0.1:9091`,
		Args: want(),
		RunE: func(cmd *cobra.Command, _ []string) error { return d.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&d.data, "data", "tokenbooth-demo", "`FOLDER` of the demo's database, settings and credentials")
	flags.StringVar(&d.listen, "listen", "127.0.0.1:8080", "`ADDRESS` of the public listener; :8080 is reached from other machines too")
	flags.StringVar(&d.operators, "operators", "127.0.0.1:8081", "`ADDRESS` of the operators' listener")
	flags.BoolVar(&d.fresh, "fresh", false, "forget what an earlier demo left in the folder")
	flags.BoolVar(&d.empty, "empty", false, "give a new demo no past")
	flags.StringVar(&d.env, "env", "", "write the values as shell variables to `FILE`, once it is ready to serve")
	return cmd
}

func (d *demoing) run(ctx context.Context, out io.Writer) error {
	if err := d.checkAddresses(); err != nil {
		return err
	}
	letGo, err := d.take()
	if err != nil {
		return err
	}
	defer letGo()
	lis, err := d.sockets()
	if err != nil {
		return err
	}
	if d.fresh {
		if err := forgetDemo(d.data); err != nil {
			return errors.Join(err, lis.close())
		}
	}
	s, places, err := writeDemoSettings(d.data, lis)
	if err != nil {
		return errors.Join(err, lis.close())
	}
	s.firstStart = true // a demo is there to be tried: it begins anew whenever there is nothing
	b, past, err := d.open(ctx, s)
	if err != nil {
		return errors.Join(err, lis.close())
	}
	vars, err := b.seedDemo(ctx, places)
	if err == nil && d.env != "" {
		err = writeWhole(d.env, vars.shell())
	}
	if err == nil {
		err = template.Must(template.New("demo.txt").Parse(demoScreen)).Execute(out, vars.screen(d.data))
	}
	if err != nil {
		return errors.Join(err, lis.close(), b.close())
	}
	if past {
		b.goOn(ctx)
	}
	return b.serve(ctx, lis, func() (*settings, error) { return loadSettings(s.file, nil) })
}

// checkAddresses refuses what no browser can call.
func (d *demoing) checkAddresses() error {
	for name, at := range map[string]string{"listen": d.listen, "operators": d.operators} {
		if strings.HasPrefix(at, socketMark) {
			return fmt.Errorf("--%s: a demo prints addresses for browsers, so it is host:port, like 127.0.0.1:8080, not %q", name, at)
		}
	}
	return nil
}

// open opens the demo's desk. A new one is given its past before, unless it is to be empty.
func (d *demoing) open(ctx context.Context, s *settings) (b *booth, past bool, err error) {
	if past = !d.empty && !exists(filepath.Join(s.Data, storeFile)); past {
		if err := writePast(ctx, s); err != nil {
			return nil, false, err
		}
	}
	b, err = openBooth(ctx, s)
	return b, past, err
}

// take makes the demo's folder its own. Two demos in one would write each other's settings.
func (d *demoing) take() (letGo func(), err error) {
	if err := os.MkdirAll(d.data, 0o700); err != nil {
		return nil, fmt.Errorf("the demo cannot keep its data: %w; choose another folder with --data", err)
	}
	letGo, taken, err := tryLockFolder(d.data)
	if err != nil {
		return nil, fmt.Errorf("the demo cannot keep its data: %w; choose another folder with --data", err)
	}
	if taken {
		return nil, fmt.Errorf("a demo runs in %s already: stop it with Ctrl-C, or give this one a folder and addresses of its own: "+
			"tokenbooth demo --data second-demo --listen 127.0.0.1:9090 --operators 127.0.0.1:9091", d.data)
	}
	return letGo, nil
}

// sockets opens the demo's listeners.
func (d *demoing) sockets() (*listeners, error) {
	lis, field, err := openSockets(&settings{Listen: d.listen, Operators: d.operators, Sandbox: "127.0.0.1:0"})
	if err != nil {
		return nil, fmt.Errorf("cannot listen: %w; choose another address with --%s, as in: tokenbooth demo --%[2]s 127.0.0.1:9090", err, field)
	}
	return lis, nil
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
	own := map[string]bool{"tokenbooth.yaml": true, "credentials.env": true, "key-encryption-key": true, "journal": true, "serving": true}
	for _, file := range sqlite.Files("tokenbooth.db") {
		own[file] = true
	}
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
