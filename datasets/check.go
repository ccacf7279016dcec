package datasets

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

const (
	// Beyond these the images are not all decoded at the first load.
	maxCheckFiles = 20_000
	maxCheckBytes = 512 << 20
	// checkVersion changes when the verdict on a file may change.
	checkVersion = "1"
)

// placeholders are images that a photo host delivers in place of one that is gone. hymenoptera holds one such file, which
// torchvision passes over only because its name ends in .gif; so do we, to have the same 244 training images.
var placeholders = []string{"imagenotfound.gif"}

// check returns the reason why a file can't be used, by path; usable files are not in the map. The result is kept in the
// cache folder under the key of the tree, so that only the first load decodes everything.
func (t *tree) check(headersOnly bool) map[string]string {
	var total int64
	for _, f := range t.files {
		if f.size <= vision.MaxFileBytes { // larger ones are refused by their size alone
			total += f.size
		}
	}
	mode := "all"
	if headersOnly || len(t.files) > maxCheckFiles || total > maxCheckBytes {
		mode = "headers"
	}
	store := ""
	if dir, err := fetch.CacheDir("checked"); err == nil {
		store = filepath.Join(dir, t.key+"-"+mode+"-"+checkVersion+".json")
		if data, err := os.ReadFile(store); err == nil {
			var bad map[string]string
			if json.Unmarshal(data, &bad) == nil {
				return bad
			}
		}
	}
	bad := map[string]string{}
	var mu sync.Mutex
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(t.files)) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(t.files) {
					return
				}
				if reason := t.files[i].defect(mode == "headers"); reason != "" {
					mu.Lock()
					bad[t.files[i].path] = reason
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if store != "" {
		remember(store, bad) // only a speed-up: an error here means that the next load checks again
	}
	return bad
}

// remember writes the verdicts under a temporary name first, so that a reader never sees half of them.
func remember(store string, bad map[string]string) {
	data, err := json.Marshal(bad)
	if err != nil || os.MkdirAll(filepath.Dir(store), 0o755) != nil {
		return
	}
	tmp, err := os.CreateTemp(filepath.Dir(store), "*.tmp")
	if err != nil {
		return
	}
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), store)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
}

// imageExtensions only decide whether a file that does not decode is called broken or foreign.
var imageExtensions = map[string]bool{".jpg": true, ".jpeg": true, ".png": true, ".gif": true, ".bmp": true, ".webp": true}

// defect returns why f is no usable image, or "".
func (f *file) defect(headerOnly bool) string {
	for _, p := range placeholders {
		if strings.EqualFold(path.Base(f.path), p) {
			return `a host's "image not found" picture`
		}
	}
	var err error
	if headerOnly {
		err = f.header()
	} else {
		var data []byte
		if data, err = f.read(); err == nil {
			_, err = vision.DecodeBytes(data)
		}
	}
	switch {
	case err == nil:
		return ""
	case errors.Is(err, vision.ErrTooLarge):
		return "too large"
	case imageExtensions[strings.ToLower(path.Ext(f.path))]:
		return "broken: " + strings.TrimPrefix(err.Error(), "vision: ")
	}
	return "not an image"
}

// header reads as much of f as an image header takes, at most 1 MB (a camera's thumbnail may stand before the size).
func (f *file) header() error {
	if f.size > vision.MaxFileBytes {
		return vision.ErrTooLarge
	}
	r, err := f.open()
	if err != nil {
		return err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return err
	}
	_, _, _, err = vision.DecodeConfig(data)
	return err
}
