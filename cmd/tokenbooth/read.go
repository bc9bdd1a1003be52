package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/text"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// readText reads a file that a person may have written: what their editor made of it is undone, or said.
func readText(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return textFrom(file, f)
}

// textFrom reads what is called file from in. Of what is longer than any text may be, a byte too many is returned as it is: whoever it is for
// says how long it may be.
func textFrom(file string, in io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(in, maxSettings+1))
	if err != nil || len(raw) > maxSettings {
		return raw, err
	}
	read, err := text.Decode(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return read, nil
}

// readSecret reads a secret that stands alone in a file, without the white space around it.
func readSecret(file string) (oauth.Secret, error) {
	read, err := readText(file)
	return oauth.Secret(strings.TrimSpace(string(read))), err
}
