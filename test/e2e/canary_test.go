package e2e

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// canaries are all secrets that these tests have sent or were given, right and wrong ones: none may be found in what a process leaves
// behind (Req 8, Req 59).
var canaries = struct {
	sync.Mutex
	byStart map[string][]string // by the first canaryStart bytes
}{byStart: map[string][]string{}}

const canaryStart = 12 // shorter secrets would be found by chance

// keepSecret makes a text a canary.
func keepSecret(text string) string {
	if len(text) < canaryStart {
		return text
	}
	canaries.Lock()
	defer canaries.Unlock()
	start := text[:canaryStart]
	for _, known := range canaries.byStart[start] {
		if known == text {
			return text
		}
	}
	canaries.byStart[start] = append(canaries.byStart[start], text)
	return text
}

// keepToken makes an access token a canary; of a JWT the signature too, without which the rest is no secret.
func keepToken(text string) string {
	keepSecret(text)
	if i := strings.LastIndexByte(text, '.'); i >= 0 {
		keepSecret(text[i+1:])
	}
	return text
}

// plantCanaries makes canaries of a demo's secrets, as they are and as Basic carries them.
func (b *booth) plantCanaries() {
	for name, value := range b.vars {
		if strings.HasSuffix(name, "_SECRET") || strings.HasSuffix(name, "_PASSWORD") || strings.HasSuffix(name, "_BASIC") {
			keepSecret(value)
		}
		if client, ok := strings.CutSuffix(name, "_CLIENT_SECRET"); ok {
			keepSecret(b.base64(client))
			// In the middle of a header the padding differs; the inner bytes of the secret at any of the three alignments do not.
			for shift := range 3 {
				keepSecret(base64.RawStdEncoding.EncodeToString([]byte(value)[shift : shift+36]))
			}
		}
	}
}

// searchCanaries looks for secrets in the log and in everything the process keeps, and in whatever else is given. The one file that is
// meant to hold the demo's secrets is left out, and with it the screen, which shows them.
func (b *booth) searchCanaries(more map[string][]byte) error {
	files := []string{filepath.Join(b.dir, "log")}
	err := filepath.WalkDir(b.data(""), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != "credentials.env" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := searchCanaries(file, content); err != nil {
			return err
		}
	}
	for name, content := range more {
		if err := searchCanaries(name, content); err != nil {
			return err
		}
	}
	return nil
}

// searchCanaries goes over the content once, however many canaries there are.
func searchCanaries(place string, content []byte) error {
	canaries.Lock()
	defer canaries.Unlock()
	for i := 0; i+canaryStart <= len(content); i++ {
		for _, c := range canaries.byStart[string(content[i:i+canaryStart])] {
			if i+len(c) <= len(content) && string(content[i:i+len(c)]) == c {
				return fmt.Errorf("%s holds a secret in clear, %.16s…, here: %q", place, c, content[max(0, i-120):min(len(content), i+40)])
			}
		}
	}
	return nil
}
