package envpath

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestGet(t *testing.T) {
	home := "HOME"
	if runtime.GOOS == "windows" {
		home = "USERPROFILE"
	}
	t.Setenv(home, "/home/me")
	for value, want := range map[string]string{
		"": "", "/data": "/data", "data": "data", "~": "/home/me", "~/data": "/home/me/data", "~data": "~data", "a/~/b": "a/~/b",
	} {
		t.Setenv("TLKIT_TEST_PATH", value)
		if got, err := Get("TLKIT_TEST_PATH"); err != nil || filepath.ToSlash(got) != want {
			t.Errorf("%q: %q, %v; want %q", value, got, err, want)
		}
	}
	os.Unsetenv(home)
	t.Setenv("TLKIT_TEST_PATH", "~/data")
	if got, err := Get("TLKIT_TEST_PATH"); err == nil || !strings.Contains(err.Error(), "TLKIT_TEST_PATH") || !strings.Contains(err.Error(), home) {
		t.Errorf("without a home folder: %q, %v; want an error with both names", got, err)
	}
}
