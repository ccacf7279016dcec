package huggingface

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/internal/envpath"
	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
)

// home is HF_HOME, else the folder huggingface in XDG_CACHE_HOME or ~/.cache.
func home() (string, error) {
	if dir, err := envpath.Get("HF_HOME"); dir != "" || err != nil {
		return dir, err
	}
	if dir, err := envpath.Get("XDG_CACHE_HOME"); dir != "" || err != nil {
		return filepath.Join(dir, "huggingface"), err
	}
	return envpath.Expand("~/.cache/huggingface")
}

// CacheDir returns the folder that holds the repositories: HF_HUB_CACHE, else the folder hub in HF_HOME, as in Python.
func CacheDir() (string, error) {
	for _, name := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"} {
		if dir, err := envpath.Get(name); dir != "" || err != nil {
			return dir, err
		}
	}
	dir, err := home()
	if err != nil {
		return "", fmt.Errorf("huggingface: no cache folder: %w; set HF_HOME to a folder", err)
	}
	return filepath.Join(dir, "hub"), nil
}

// Dir returns the folder of the repository in the cache.
func (r Repo) Dir() (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, r.folder()), nil
}

// folder is the name of the repository's folder in a cache.
func (r Repo) folder() string { return "models--" + strings.ReplaceAll(r.ID, "/", "--") }

// sharedDir is the repository's folder in TLKIT_DATA, where a cache for several users may be; "" without that variable.
func (r Repo) sharedDir() string {
	dir, err := envpath.Get("TLKIT_DATA")
	if err != nil || dir == "" {
		return ""
	}
	return filepath.Join(dir, r.folder())
}

// Cached returns the path of a file of the repository in the cache or in TLKIT_DATA, "" if it is in neither.
func (r Repo) Cached(name string) string { return r.cached(name, isSound) }

// cached is Cached with the function that tells whether the content of a file in TLKIT_DATA is sound.
func (r Repo) cached(name string, sound func(path string) bool) string {
	dir, err := r.Dir()
	if err != nil {
		return ""
	}
	if p := r.cachedIn(dir, r.revision(), name); p != "" {
		return p
	}
	return r.shared(r.revision(), name, sound)
}

// shared returns the path of a sound file of a revision in TLKIT_DATA, "" if it is not there.
func (r Repo) shared(revision, name string, sound func(path string) bool) string {
	dir := r.sharedDir()
	if dir == "" {
		return ""
	}
	if p := r.cachedIn(dir, revision, name); p != "" && sound(p) {
		return p
	}
	return ""
}

// isSound reports whether the content of a file of a cache has the digest that is its name. A copy in TLKIT_DATA may be
// incomplete. A file whose name is no digest is not sound.
func isSound(path string) bool {
	blob, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	sum, name := "", filepath.Base(blob)
	switch len(name) {
	case sha256Digits:
		sum, err = fetch.SHA256(blob)
	case sha1Digits:
		sum, err = gitHash(blob)
	default:
		return false
	}
	return err == nil && sum == name
}

// soundOnce returns isSound with a memory: the digest of a large file takes seconds.
func soundOnce() func(path string) bool {
	known := map[string]bool{}
	return func(path string) bool {
		if _, ok := known[path]; !ok {
			known[path] = isSound(path)
		}
		return known[path]
	}
}

// cachedIn returns the path of a file of a revision in a folder of the repository, "" if it is not there.
func (r Repo) cachedIn(dir, revision, name string) string {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return ""
	}
	commit := revision
	if !commitRule.MatchString(commit) {
		b, err := os.ReadFile(filepath.Join(dir, "refs", filepath.FromSlash(commit)))
		if err != nil {
			return ""
		}
		commit = strings.TrimSpace(string(b))
		if !commitRule.MatchString(commit) {
			return ""
		}
	}
	p := filepath.Join(dir, "snapshots", commit, filepath.FromSlash(name))
	if info, err := os.Stat(p); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return p
}

const (
	sha256Digits = 64
	sha1Digits   = 40
)

// gitHash is the hash by which Git names a file of that content.
func gitHash(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", info.Size())
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// link makes snapshot a relative symbolic link to blob, or a copy where links can't be made.
func link(blob, snapshot string) error {
	if err := os.MkdirAll(filepath.Dir(snapshot), 0o755); err != nil {
		return err
	}
	target, err := filepath.Rel(filepath.Dir(snapshot), blob)
	if err != nil {
		return err
	}
	if have, err := os.Readlink(snapshot); err == nil && have == target {
		return nil
	}
	// Made in a temporary folder and renamed, so that another process never finds the link missing.
	temp, err := os.MkdirTemp(filepath.Dir(snapshot), ".link-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	made := filepath.Join(temp, "link")
	if err := os.Symlink(target, made); err != nil {
		if err := copyFile(blob, made); err != nil { // Windows without the right to make links
			return err
		}
	}
	return os.Rename(made, snapshot)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

func writeRef(path, commit string) error {
	if have, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(have)) == commit {
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, []byte(commit))
}
