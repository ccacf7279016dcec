package fetch

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/envpath"
)

// CacheDir returns the folder for downloaded files, joined with sub: TLKIT_CACHE, else the user's cache folder with
// "tlkit" appended (on Linux ~/.cache/tlkit). It is not created.
func CacheDir(sub ...string) (string, error) {
	dir, err := envpath.Get("TLKIT_CACHE")
	if err != nil {
		return "", err
	}
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("no cache folder: %w; set TLKIT_CACHE to a folder", err)
		}
		dir = filepath.Join(user, "tlkit")
	}
	return filepath.Join(append([]string{dir}, sub...)...), nil
}

// ExpandHome replaces a leading "~" or "~/" by the user's home folder; other paths are returned unchanged.
func ExpandHome(path string) (string, error) { return envpath.Expand(path) }

// Printer returns a Progress function that writes a line about the named file to w: at the start, every five seconds
// and at the end.
func Printer(w io.Writer, name string) func(done, total int64) {
	var mu sync.Mutex
	var last time.Time
	var finished bool
	return func(done, total int64) {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		if finished || (done != total && now.Sub(last) < 5*time.Second) {
			return
		}
		last, finished = now, done == total
		size := "?"
		if total >= 0 {
			size = fmt.Sprintf("%.1f", float64(total)/1e6)
		}
		fmt.Fprintf(w, "%s: %.1f of %s MB\n", name, float64(done)/1e6, size)
	}
}
