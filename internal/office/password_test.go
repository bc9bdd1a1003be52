package office

import (
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/secret"
)

func TestAPasswordThatIsMadeIsGoodByOurOwnRules(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		text := NewPassword().Reveal()
		if err := secret.CheckPassword(text, false, "bob@acme.test"); err != nil || len(text) != 23 || seen[text] {
			t.Fatalf("%q: %v", text, err)
		}
		seen[text] = true
	}
}
