package weights

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
)

// hub serves files under their paths and counts the requests.
func hub(t *testing.T, files map[string][]byte) (base string, requests *atomic.Int32) {
	t.Helper()
	requests = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		b, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Write(b)
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

// isolate points every cache at empty folders.
func isolate(t *testing.T) (cache, torch string) {
	t.Helper()
	cache, torch = t.TempDir(), t.TempDir()
	t.Setenv("TLKIT_CACHE", cache)
	t.Setenv("TORCH_HOME", torch)
	t.Setenv("TLKIT_OFFLINE", "")
	t.Setenv("TLKIT_MIRROR", "")
	return cache, torch
}

func hashedName(b []byte) string {
	sum := sha256.Sum256(b)
	return "tiny-" + hex.EncodeToString(sum[:4]) + ".pth"
}

func TestFetchMirrorAndCache(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("testdata", "views.zip.pth"))
	if err != nil {
		t.Fatal(err)
	}
	name := hashedName(content)
	cache, _ := isolate(t)
	base, requests := hub(t, map[string][]byte{"/proxy/models/" + name: content})
	t.Setenv("TLKIT_MIRROR", base+"/proxy/")
	url := "https://download.pytorch.org/models/" + name
	var done int64
	path, err := Fetch(t.Context(), url, FetchOptions{Progress: func(n, _ int64) { done = n }})
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(cache, "weights", name); path != want {
		t.Errorf("path %s, want %s", path, want)
	}
	if done != int64(len(content)) {
		t.Errorf("progress ended at %d of %d", done, len(content))
	}
	sd, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	sd.Close()
	// The second time, and offline, the network is not asked.
	n := requests.Load()
	t.Setenv("TLKIT_OFFLINE", "1")
	if again, err := Fetch(t.Context(), url, FetchOptions{}); err != nil || again != path {
		t.Errorf("%s, %v", again, err)
	}
	if requests.Load() != n {
		t.Error("the network was asked for a file in the cache")
	}
}

func TestFetchTorchHome(t *testing.T) {
	content := []byte("whatever PyTorch has downloaded")
	name := hashedName(content)
	_, torch := isolate(t)
	t.Setenv("TLKIT_OFFLINE", "1")
	dir := filepath.Join(torch, "hub", "checkpoints")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
		t.Fatal(err)
	}
	path, err := Fetch(t.Context(), pytorchHost+"/models/"+name, FetchOptions{})
	if err != nil || path != filepath.Join(dir, name) {
		t.Errorf("%s, %v", path, err)
	}
	// A damaged copy there is passed over.
	if err := os.WriteFile(filepath.Join(dir, name), content[1:], 0o644); err != nil {
		t.Fatal(err)
	}
	if path, err := Fetch(t.Context(), pytorchHost+"/models/"+name, FetchOptions{}); !errors.Is(err, fetch.ErrOffline) {
		t.Errorf("%s, %v", path, err)
	}
}

func TestFetchErrors(t *testing.T) {
	cache, _ := isolate(t)
	base, requests := hub(t, map[string][]byte{"/models/tiny-0123abcd.pth": []byte("not what the name says")})
	var hashErr *fetch.HashError
	if _, err := Fetch(t.Context(), base+"/models/tiny-0123abcd.pth", FetchOptions{}); !errors.As(err, &hashErr) {
		t.Errorf("wrong content: %v", err)
	}
	if _, err := os.Stat(filepath.Join(cache, "weights", "tiny-0123abcd.pth")); err == nil {
		t.Error("a file with the wrong content is in the cache")
	}
	var status *fetch.StatusError
	if _, err := Fetch(t.Context(), base+"/models/absent.pth", FetchOptions{}); !errors.As(err, &status) || status.Code != 404 {
		t.Errorf("absent: %v", err)
	}
	n := requests.Load()
	t.Setenv("TLKIT_OFFLINE", "1")
	_, err := Fetch(t.Context(), base+"/models/other.pth", FetchOptions{})
	if !errors.Is(err, fetch.ErrOffline) || !strings.Contains(err.Error(), filepath.Join(cache, "weights")) || !strings.Contains(err.Error(), "other.pth") {
		t.Errorf("offline: %v", err)
	}
	if requests.Load() != n {
		t.Error("the network was asked while offline")
	}
	for _, url := range []string{"", "ftp://host/a.pth", "https://host", "https://host/", "model.pth", "https://host/a%5Cb.pth"} {
		if _, err := Fetch(context.Background(), url, FetchOptions{}); err == nil || errors.Is(err, fetch.ErrOffline) {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestFetchSameNameElsewhere(t *testing.T) {
	isolate(t)
	base, _ := hub(t, map[string][]byte{"/a/model.safetensors": []byte("a"), "/b/model.safetensors": []byte("b")})
	for _, repo := range []string{"a", "b", "a"} {
		path, err := Fetch(t.Context(), base+"/"+repo+"/model.safetensors", FetchOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(path); string(b) != repo {
			t.Errorf("%s holds %q, want %q", path, b, repo)
		}
	}
}

func TestHashPrefixFromName(t *testing.T) {
	for name, want := range map[string]string{
		"resnet18-f37072fd.pth":                              "f37072fd",
		"/a/b-12345678/resnet20-12fca82f.th":                 "12fca82f",
		"https://h/models/alexnet-owt-7be5be79.pth?download": "7be5be79",
		"mobilenetV1X0.25_pretrain.tar":                      "",
		"resnet18-5c106cde-5c106cde":                         "",
		"model-1234567.pth":                                  "", // seven digits
		"model-abcdefgh.pth":                                 "",
	} {
		if got := HashPrefixFromName(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestVerifyName(t *testing.T) {
	dir := t.TempDir()
	content := []byte("weights")
	good := filepath.Join(dir, hashedName(content))
	bad := filepath.Join(dir, "tiny-0123abcd.pth")
	none := filepath.Join(dir, "tiny.pth")
	for _, p := range []string{good, bad, none} {
		if err := os.WriteFile(p, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := VerifyName(good); err != nil {
		t.Error(err)
	}
	var hashErr *HashError
	if err := VerifyName(bad); !errors.As(err, &hashErr) || hashErr.Want != "0123abcd" {
		t.Errorf("%v", err)
	}
	if err := VerifyName(none); err == nil || errors.As(err, &hashErr) && hashErr.Path == none {
		t.Errorf("%v", err)
	}
	if err := VerifyHash(good, "xyz"); err == nil {
		t.Error("a nonsense hash was accepted")
	}
	if err := VerifyName(filepath.Join(dir, "absent-0123abcd.pth")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
