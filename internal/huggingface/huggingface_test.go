package huggingface

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]Repo{
		"timm/resnet18.a1_in1k":      {ID: "timm/resnet18.a1_in1k"},
		"timm/resnet18.a1_in1k@main": {ID: "timm/resnet18.a1_in1k", Revision: "main"},
		"a/b@refs/pr/1":              {ID: "a/b", Revision: "refs/pr/1"},
	} {
		if got, err := Parse(in); err != nil || got != want {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "resnet18", "a/b/c", "../b", "a/..", "a/b@", "a/b@../x", "a/b@-x", "a b/c", "a/b@x y"} {
		if got, err := Parse(in); err == nil {
			t.Errorf("%q was read as %v", in, got)
		}
	}
	if got := (Repo{ID: "a/b"}).String() + " " + (Repo{ID: "a/b", Revision: "v1"}).String(); got != "a/b a/b@v1" {
		t.Error(got)
	}
}

// TestCacheDir: the folders of huggingface_hub (its documentation, "Environment variables").
func TestCacheDir(t *testing.T) {
	for _, name := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", "/home/somebody")
	check := func(want string) {
		t.Helper()
		if got, err := CacheDir(); err != nil || filepath.ToSlash(got) != want {
			t.Errorf("%s (%v), want %s", got, err, want)
		}
	}
	check("/home/somebody/.cache/huggingface/hub")
	t.Setenv("XDG_CACHE_HOME", "/var/cache")
	check("/var/cache/huggingface/hub")
	t.Setenv("HF_HOME", "~/hf")
	check("/home/somebody/hf/hub")
	t.Setenv("HF_HUB_CACHE", "/big")
	check("/big")
}

// TestTokenPath: "~" in HF_TOKEN_PATH is the home folder, as in huggingface_hub.
func TestTokenPath(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("HF_TOKEN", "")
	t.Setenv("HUGGING_FACE_HUB_TOKEN", "")
	t.Setenv("HF_TOKEN_PATH", "~/secret")
	if err := os.WriteFile(filepath.Join(home, "secret"), []byte("hf_x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := token(); got != "hf_x" {
		t.Errorf("the token is %q, want that of ~/secret", got)
	}
}

// TestPythonsCache reads what Python has stored, without a network.
func TestPythonsCache(t *testing.T) {
	t.Setenv("HF_HUB_CACHE", t.TempDir())
	t.Setenv("HF_HUB_OFFLINE", "1")
	commit := strings.Repeat("0a", 20)
	dir := filepath.Join(os.Getenv("HF_HUB_CACHE"), "models--a--b")
	for name, content := range map[string]string{"refs/main": commit, "blobs/abc": "hello", "refs/evil": "../../x"} {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	snapshot := filepath.Join(dir, "snapshots", commit, "sub")
	if err := os.MkdirAll(snapshot, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../../blobs/abc", filepath.Join(snapshot, "c.txt")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	for _, revision := range []string{"", commit} {
		path, err := Repo{ID: "a/b", Revision: revision}.File(t.Context(), "sub/c.txt", Options{})
		if b, _ := os.ReadFile(path); err != nil || string(b) != "hello" {
			t.Errorf("revision %q: %q, %v", revision, b, err)
		}
	}
	if path, err := (Repo{ID: "a/b", Revision: "evil"}).File(t.Context(), "sub/c.txt", Options{}); err == nil {
		t.Errorf("a ref outside of the snapshots gave %s", path)
	}
	for _, name := range []string{"../x", "/etc/passwd", "a//b", ""} {
		if path, err := (Repo{ID: "a/b"}).File(t.Context(), name, Options{}); err == nil {
			t.Errorf("%q gave %s", name, path)
		}
	}
}

// TestHostileAnswer: a hub whose commit or ETag is no name of a file gets nothing written: neither outside of the
// folder of contents nor in its place.
func TestHostileAnswer(t *testing.T) {
	good, commit := strings.Repeat("1f", 20), strings.Repeat("0a", 20)
	for _, c := range []struct{ commit, etag string }{
		{commit, `"."`}, {commit, `".."`}, {commit, `"..."`}, {commit, `".hidden"`}, {commit, `W/".."`}, {commit, `"../x"`}, {commit, `"a/b"`}, {commit, `"/etc/x"`},
		{commit, `"` + strings.Repeat("a", 200) + `"`}, {commit, ""}, {"..", good}, {"main", good}, {"", good},
	} {
		cache := t.TempDir()
		t.Setenv("HF_HUB_CACHE", cache)
		for _, name := range []string{"HF_HUB_OFFLINE", "TLKIT_OFFLINE", "HF_TOKEN"} {
			t.Setenv(name, "")
		}
		hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Repo-Commit", c.commit)
			w.Header().Set("ETag", c.etag)
			w.Write([]byte("content"))
		}))
		t.Setenv("HF_ENDPOINT", hub.URL)
		path, err := Repo{ID: "a/b"}.File(t.Context(), "config.json", Options{})
		hub.Close()
		if err == nil || !strings.Contains(err.Error(), "neither commit nor content") {
			t.Errorf("commit %q, ETag %q: %q, %v", c.commit, c.etag, path, err)
		}
		filepath.WalkDir(filepath.Dir(cache), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				t.Errorf("commit %q, ETag %q: %s was written", c.commit, c.etag, path)
			}
			return err
		})
	}
}

// TestSharedIsReadOnce: a call computes the digest of a file in TLKIT_DATA once, before the request to the hub. The
// test damages the file after that: a second digest would differ.
func TestSharedIsReadOnce(t *testing.T) {
	for _, name := range []string{"HF_HUB_OFFLINE", "TLKIT_OFFLINE", "HF_TOKEN"} {
		t.Setenv(name, "")
	}
	t.Setenv("HF_HUB_CACHE", t.TempDir())
	t.Setenv("TLKIT_DATA", t.TempDir())
	dir, commit := filepath.Join(os.Getenv("TLKIT_DATA"), "models--a--b"), strings.Repeat("0a", 20)
	blob := filepath.Join(dir, "blobs", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824") // of "hello"
	link := filepath.Join(dir, "snapshots", commit, "w")
	for _, path := range []string{blob, link, filepath.Join(dir, "refs", "main")} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.WriteFile(blob, []byte("hello"), 0o644), os.WriteFile(filepath.Join(dir, "refs", "main"), []byte(commit), 0o644)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(blob, link); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Repo-Commit", commit)
		w.Header().Set("ETag", `"`+filepath.Base(blob)+`"`)
		if err := os.WriteFile(blob, []byte("hallo"), 0o644); err != nil {
			t.Error(err)
		}
	}))
	defer hub.Close()
	t.Setenv("HF_ENDPOINT", hub.URL)
	if path, err := (Repo{ID: "a/b"}).File(t.Context(), "w", Options{}); path != link {
		t.Errorf("%s, %v; want the shared file by its first digest", path, err)
	}
}

// TestShared: a cache for several users in TLKIT_DATA gives its files without a download, on and off the network, if
// their content is that of their names.
func TestShared(t *testing.T) {
	for _, name := range []string{"HF_HUB_OFFLINE", "TLKIT_OFFLINE", "HF_TOKEN"} {
		t.Setenv(name, "")
	}
	data, commit := t.TempDir(), strings.Repeat("0a", 20)
	t.Setenv("TLKIT_DATA", data)
	const content = "the weights"
	dir := filepath.Join(data, "models--a--b")
	put := func(path, text string) {
		t.Helper()
		path = filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	put("refs/main", commit)
	put("blobs/abc", content)
	sum, err := fetch.SHA256(filepath.Join(dir, "blobs", "abc"))
	if err != nil {
		t.Fatal(err)
	}
	git, err := gitHash(filepath.Join(dir, "blobs", "abc"))
	if err != nil {
		t.Fatal(err)
	}
	gets := 0
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Repo-Commit", commit)
		w.Header().Set("ETag", `"`+sum+`"`)
		if r.Method == http.MethodGet {
			gets++
		}
		w.Write([]byte(content))
	}))
	defer hub.Close()
	t.Setenv("HF_ENDPOINT", hub.URL)
	for _, c := range []struct {
		blob, content string
		taken         bool
	}{
		{sum, content, true},
		{git, content, true},
		{sum, content[:4], false},
		{git, "other weight", false},
		{"abc", content, false},
	} {
		put("blobs/"+c.blob, c.content)
		link := filepath.Join(dir, "snapshots", commit, "w.safetensors")
		if err := errors.Join(os.RemoveAll(filepath.Dir(link)), os.MkdirAll(filepath.Dir(link), 0o755), os.Symlink("../../blobs/"+c.blob, link)); err != nil {
			t.Skip("no symbolic links here:", err)
		}
		for _, offline := range []string{"", "1"} {
			t.Setenv("HF_HUB_CACHE", t.TempDir())
			t.Setenv("HF_HUB_OFFLINE", offline)
			gets = 0
			path, err := Repo{ID: "a/b"}.File(t.Context(), "w.safetensors", Options{})
			switch {
			case c.taken && (err != nil || path != link || gets > 0):
				t.Errorf("%.8s, offline %q: %s, %v, after %d downloads; want the shared file", c.blob, offline, path, err, gets)
			case !c.taken && offline == "" && (err != nil || path == link || gets == 0):
				t.Errorf("%.8s with %q: %s, %v, after %d downloads; want a download", c.blob, c.content, path, err, gets)
			case !c.taken && offline != "" && err == nil:
				t.Errorf("%.8s with %q, offline: %s; want an error", c.blob, c.content, path)
			}
		}
	}
}
