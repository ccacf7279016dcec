package plots

import (
	"os"
	"testing"

	prettytext "github.com/jedib0t/go-pretty/v6/text"
)

// TestMain has figures in English and letters of ambiguous width (±) one cell wide, whatever the locale.
func TestMain(m *testing.M) {
	os.Setenv(LanguageEnv, "en")
	prettytext.OverrideRuneWidthEastAsianWidth(false)
	os.Exit(m.Run())
}
