package huggingface

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
