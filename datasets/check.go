package datasets

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/internal/imagefiles"
	"github.com/tlkit-go/tlkit-notebooks/internal/zipfiles"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

const (
	// Beyond these limits the first load decodes only the headers.
	maxCheckFiles = 100_000
	maxCheckBytes = 512 << 20
	// checkVersion is changed when verdicts may change for another reason than the decoders.
	checkVersion = "9"
	// A file that was changed more recently than this may change again at the same recorded time: file systems count in
	// steps of some milliseconds.
	tooFresh = 50 * time.Millisecond
	// unknownTime is no file's time of change, so that a verdict with it is never reused.
	unknownTime = -1
)

// placeholders are images that a photo host delivers in place of one that is gone. hymenoptera holds one such file,
// which torchvision skips only because its name ends in .gif. It is skipped here too, to have the same 244 training
// images.
var placeholders = []string{"imagenotfound.gif"}

// verdict is the result of checking one file. It is valid while the file's size and time of change stay the same.
type verdict struct {
	Size    int64 `json:"size"`
	Changed int64 `json:"changed,omitempty"`
	// Reason is why the file can't be used, "" if it can.
	Reason string `json:"reason,omitempty"`
	// Decoded is set if all of it was decoded, not its header alone; Bits is then vision.Info's.
	Decoded bool `json:"decoded,omitempty"`
	Bits    int  `json:"bits,omitempty"`
	// CRC is the CRC-32 (IEEE) of the content, and Redecoded vision's, if Summed. Zip files have the CRC in their
	// directories, so that a folder and a zip file of it count as the same data, and a zip file needs no reading for
	// it.
	CRC       uint32 `json:"crc,omitempty"`
	Redecoded string `json:"redecoded,omitempty"`
	Summed    bool   `json:"summed,omitempty"`
}

// verdicts holds the verdicts of a tree's files, in their order. They are stored in the cache folder.
type verdicts struct {
	all   []verdict
	known map[string]verdict // by path, as stored

	summing sync.Mutex // held while look runs for a Fingerprint
}

// work selects the checks that each file needs.
type work struct{ decode, sum bool }

// check checks all files. It reuses stored verdicts, so that only the first load decodes everything.
func (t *tree) check(skip bool) {
	var total int64
	for _, f := range t.files {
		if f.size <= vision.MaxFileBytes { // larger ones are refused by their size alone
			total += f.size
		}
	}
	t.look(work{decode: !skip && len(t.files) <= maxCheckFiles && total <= maxCheckBytes, sum: !skip})
}

// look completes all verdicts with the checks in w, on all cores.
func (t *tree) look(w work) {
	if t.known == nil {
		t.known = t.recall()
	}
	if t.all == nil {
		t.all = make([]verdict, len(t.files))
		for i, f := range t.files {
			if v, ok := t.known[f.path]; ok && v.Size == f.size && v.Changed == f.changed {
				t.all[i] = v
			}
		}
	}
	var news atomic.Bool
	each(len(t.files), func(i int) {
		v := t.files[i].look(t.all[i], w)
		if v != t.all[i] {
			news.Store(true)
			t.all[i] = v
		}
	})
	if news.Load() || len(t.known) > len(t.files) {
		t.remember()
	}
}

// each calls f for 0 to n-1, on all cores.
func each(n int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				f(i)
			}
		})
	}
	wg.Wait()
}

// storeFile returns the path of the file that stores a tree's verdicts, "" without a cache folder. The name depends on
// everything that may change them: the tree, the decoders, and the version of Go, which contains most decoders.
func (t *tree) storeFile() string {
	dir, err := fetch.CacheDir("checked")
	if err != nil {
		return ""
	}
	h := sha256.Sum256(fmt.Appendf(nil, "%q %s %q %s %q", t.abs, t.stamp, vision.Formats(), runtime.Version(), checkVersion))
	return filepath.Join(dir, hex.EncodeToString(h[:16])+".json")
}

// recall returns the stored verdicts.
func (t *tree) recall() map[string]verdict {
	known := map[string]verdict{}
	data, err := os.ReadFile(t.storeFile())
	if err != nil || json.Unmarshal(data, &known) != nil {
		return map[string]verdict{}
	}
	return known
}

// remember stores the verdicts. It is only a speed-up: after an error here the next load checks again.
func (t *tree) remember() {
	store := t.storeFile()
	if store == "" || os.MkdirAll(filepath.Dir(store), 0o755) != nil {
		return
	}
	keep := make(map[string]verdict, len(t.files))
	fresh := time.Now().Add(-tooFresh).UnixNano()
	for i, f := range t.files {
		// JSON would write different names that are not valid UTF-8 as the same text.
		if (f.zipped || f.changed < fresh) && utf8.ValidString(f.path) {
			keep[f.path] = t.all[i]
		}
	}
	if data, err := json.Marshal(keep); err == nil && atomicfile.WriteBytes(store, data) == nil {
		t.known = maps.Clone(keep)
	}
}

// look completes the verdict known with the checks in w.
func (f *file) look(known verdict, w work) verdict {
	v := known
	v.Size, v.Changed = f.size, f.changed
	if f.zipped {
		v.CRC = f.crc
	}
	if f.placeholder() {
		v.Reason = `a host's "image not found" picture`
		return v
	}
	first, sum := known == (verdict{}), w.sum && !v.Summed
	switch {
	case v.Reason != "" || !first && !(w.decode && !v.Decoded) && !sum:
		return v
	case !w.decode && !sum:
		_, _, err := f.header()
		return f.judge(v, err)
	case !w.decode && f.zipped: // only these formats need reading; a PNG file has its orientation before its pixels
		beginning, format, err := f.header()
		if err != nil || format != "gif" && format != "tiff" && format != "webp" {
			if v.Summed = err == nil; v.Summed {
				v.Redecoded = vision.Redecoded(beginning)
			}
			return f.judge(v, err)
		}
	}
	data, err := f.read()
	if err == nil && !v.Summed {
		v.Redecoded, v.Summed = vision.Redecoded(data), true
		if !f.zipped {
			v.CRC = crc32.ChecksumIEEE(data)
		}
	}
	switch {
	case err != nil:
	case w.decode:
		var info vision.Info
		_, info, err = vision.DecodeInfo(data)
		v.Decoded, v.Bits = err == nil, info.Bits
	default:
		_, _, _, err = vision.DecodeConfig(data)
	}
	return f.judge(v, err)
}

// judge sets v's reason from err. A reading error, such as too many open files, may not happen the next time, so its
// verdict is not reused.
func (f *file) judge(v verdict, err error) verdict {
	v.Reason = f.reason(err)
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		v.Changed = unknownTime
	}
	return v
}

func (f *file) placeholder() bool {
	return slices.ContainsFunc(placeholders, func(p string) bool { return strings.EqualFold(path.Base(f.path), p) })
}

// reason returns in a few words why f can't be used, "" without an error.
func (f *file) reason(err error) string {
	if err == nil {
		return ""
	}
	text := strings.TrimPrefix(err.Error(), "vision: ")
	pathError, unread := errors.AsType[*fs.PathError](err)
	_, unsupported := errors.AsType[*vision.UnsupportedError](err)
	_, locked := errors.AsType[zipfiles.LockedError](err)
	named := imagefiles.NamedAsRead(f.path)
	switch {
	case errors.Is(err, vision.ErrTooLarge):
		return "too large"
	case unread:
		return "can't be read: " + pathError.Err.Error()
	case unsupported, locked, errors.Is(err, vision.ErrFormat) && named:
		return text
	case (errors.Is(err, vision.ErrFormat) || errors.Is(err, vision.ErrEmpty)) && !named:
		return "not an image"
	}
	return "broken: " + text
}

// header reads as much of f as an image header takes, at most 1 MB (a camera's thumbnail may come before the size), and
// returns what it read and the format.
func (f *file) header() (data []byte, format string, err error) {
	if f.size > vision.MaxFileBytes {
		return nil, "", vision.ErrTooLarge
	}
	r, err := f.open()
	if err != nil {
		return nil, "", err
	}
	defer r.Close()
	if data, err = io.ReadAll(io.LimitReader(r, 1<<20)); err != nil {
		return nil, "", err
	}
	_, _, format, err = vision.DecodeConfig(data)
	if err != nil && len(data) == 1<<20 && f.size > 1<<20 {
		// TIFF may have its directory at the end of the file.
		if data, err = f.read(); err == nil {
			_, _, format, err = vision.DecodeConfig(data)
		}
	}
	return data, format, err
}
