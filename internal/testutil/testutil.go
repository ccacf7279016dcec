// Package testutil holds what the tests of several packages share.
package testutil

import (
	"os"
	"path/filepath"
	"testing"
)

// Shared returns the path of the reference file rel (slash separated, such as "data/hymenoptera_data.zip") that is not
// part of the repository. It is looked for in the folder named by TLKIT_SHARED, else in the folder "shared" beside the
// checkout. The test is skipped when the file is absent.
func Shared(t testing.TB, rel string) string {
	t.Helper()
	if dir := os.Getenv("TLKIT_SHARED"); dir != "" {
		p := filepath.Join(dir, filepath.FromSlash(rel))
		if _, err := os.Stat(p); err != nil {
			t.Skipf("reference file %s is not in TLKIT_SHARED=%s", rel, dir)
		}
		return p
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Skipf("reference file %s: no working directory: %v", rel, err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			p := filepath.Join(filepath.Dir(dir), "shared", filepath.FromSlash(rel))
			if _, err := os.Stat(p); err == nil {
				return p
			}
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	t.Skipf("reference file %s is absent: set TLKIT_SHARED to the folder that holds it", rel)
	return ""
}
