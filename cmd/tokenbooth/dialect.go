package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

func dialectCommand() *cobra.Command {
	return group("dialect", "See and check token contracts",
		`A dialect is a vendor's token contract, written as the vendor documents it: an example request, an example answer and
example refusals, with holes where values change. Those of the settings stand beside the built-in ones.`,
		dialectListCommand(), dialectShowCommand(), dialectCheckCommand())
}

// dialectView is what is known of a dialect. These names are a promise to programs.
type dialectView struct {
	Name      string   `json:"name"`
	About     string   `json:"about"`
	Builtin   bool     `json:"builtin"`
	TokenForm string   `json:"token_form"`
	Lifetime  int64    `json:"lifetime_seconds"`
	Scope     string   `json:"scope"`
	Endpoints []string `json:"endpoints"`
	Source    string   `json:"source,omitempty"`
}

func viewDialect(d *dialect.Dialect) dialectView {
	v := dialectView{Name: d.Name, About: d.About, Builtin: slices.Contains(dialect.Builtin(), d), TokenForm: string(d.Terms.Form),
		Lifetime: int64(d.Terms.Lifetime.Seconds()), Scope: d.Terms.DefaultScope, Endpoints: []string{}}
	for _, e := range d.Endpoints() {
		v.Endpoints = append(v.Endpoints, e.Path)
	}
	return v
}

// knownDialects returns the dialects of the settings, or the built-in ones where no settings are named and none are here.
func knownDialects(cmd *cobra.Command) (map[string]*dialect.Dialect, error) {
	s := &settings{}
	if file, named := settingsFile(cmd); named || exists(file) {
		var err error
		if s, err = settingsOf(cmd); err != nil {
			return nil, err
		}
	}
	return loadDialects(s)
}

func dialectListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the dialects there are",
		Args:  want(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := knownDialects(cmd)
			if err != nil {
				return err
			}
			p := printerOf(cmd)
			views := []dialectView{}
			var rows [][]string
			for _, name := range dialectNames(all) {
				v := viewDialect(all[name])
				views = append(views, v)
				about, _, _ := strings.Cut(v.About, "\n")
				rows = append(rows, []string{v.Name, v.TokenForm, registry.Span(v.Lifetime).String(), strings.Join(v.Endpoints, " "), about})
			}
			if p.json {
				return p.object(views)
			}
			return p.table("", []string{"NAME", "TOKEN", "LIFETIME", "ENDPOINTS", "ABOUT"}, rows)
		},
	}
}

func dialectShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "show NAME",
		Short:             "Show a dialect as its file says it",
		Long:              "Show writes the file of a dialect. It is also where to start one of your own: save it under another name, change it, check it.",
		Args:              want("NAME"),
		ValidArgsFunction: completeFirst(completeDialects),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := knownDialects(cmd)
			if err != nil {
				return err
			}
			d := all[args[0]]
			if d == nil {
				return fmt.Errorf("there is no dialect %q; there are %s%s", args[0], strings.Join(dialectNames(all), ", "), didYouMean(args[0], dialectNames(all)))
			}
			p := printerOf(cmd)
			if p.json {
				v := viewDialect(d)
				v.Source = d.Source
				return p.object(v)
			}
			return p.write(harmlessLines(strings.TrimRight(d.Source, "\n")) + "\n")
		},
	}
}

// checkView is what was found in a dialect file.
type checkView struct {
	File    string       `json:"file"`
	OK      bool         `json:"ok"`
	Dialect *dialectView `json:"dialect"` // null where there is a problem
	Line    int          `json:"line"`
	Column  int          `json:"column"`
	Problem string       `json:"problem"`
}

func dialectCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "check FILE...",
		Short:   "Check dialect files",
		Long:    "Check compiles dialect files as the server does, and writes what is wrong as file:line:column. It ends with 1 when anything is.",
		Example: "  tokenbooth dialect check dialects/*.http",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return want("FILE...")(cmd, args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			p := printerOf(cmd)
			views := []checkView{}
			var wrong error
			for _, file := range args {
				v := checkDialect(file)
				if views = append(views, v); !v.OK {
					wrong = errSilent
				}
				if p.json {
					continue
				}
				if err := p.say("%s", v.sentence()); err != nil {
					return err
				}
			}
			if p.json {
				if err := p.object(views); err != nil {
					return err
				}
			}
			return wrong
		},
	}
}

func checkDialect(file string) checkView {
	v := checkView{File: file}
	text, err := readText(file)
	if err != nil {
		v.Problem = strings.TrimPrefix(strings.TrimPrefix(err.Error(), "open "), file+": ")
		return v
	}
	d, err := dialect.Parse(file, string(text))
	if fault, ok := errors.AsType[*dialect.Error](err); ok {
		v.Line, v.Column, v.Problem = fault.Line, fault.Column, fault.Problem
		return v
	}
	if err != nil {
		v.Problem = err.Error()
		return v
	}
	known := viewDialect(d)
	v.OK, v.Dialect = true, &known
	return v
}

// sentence is the line that people read, and editors jump by.
func (v *checkView) sentence() string {
	switch {
	case v.OK:
		return fmt.Sprintf("%s: dialect %s is right: %s", v.File, v.Dialect.Name, strings.Join(v.Dialect.Endpoints, " "))
	case v.Line > 0:
		return fmt.Sprintf("%s:%d:%d: %s", v.File, v.Line, v.Column, v.Problem)
	}
	return v.File + ": " + v.Problem
}
