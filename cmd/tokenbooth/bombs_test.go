package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestSettingsMadeToBreakAParserAreRefused: a server reads its settings anew while it runs, and must outlive whatever stands in them.
func TestSettingsMadeToBreakAParserAreRefused(t *testing.T) {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 10; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), ", "))
	}
	for name, c := range map[string]struct{ text, want string }{
		"brackets":      {"listen: " + strings.Repeat("[", 100_000), "f.yaml:1:73: the brackets are nested more than 64 deep"},
		"braces":        {"listen: " + strings.Repeat("{", 100_000), "f.yaml:1:73: the brackets are nested more than 64 deep"},
		"nested alias":  {bomb + "tenants: *a9\n", "an alias may not stand within what has an anchor itself"},
		"many aliases":  {"a: &a x\nb: [" + strings.Repeat("*a, ", 1001) + "*a]\n", "there are more than 1000 aliases"},
		"larger than a": {strings.Repeat("# a comment\n", 100_000), "f.yaml:1:1: the settings are larger than 1024 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseSettings("f.yaml", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %.300v", err)
			}
		})
	}
}
