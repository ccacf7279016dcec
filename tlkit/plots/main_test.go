package plots

import (
	"os"
	"testing"
)

// TestMain has figures in English, whatever the locale.
func TestMain(m *testing.M) {
	os.Setenv(LanguageEnv, "en")
	os.Exit(m.Run())
}
