package zoo_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/fakehub"
	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/internal/huggingface"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// quick is a context in which downloads are as usual, without the pauses.
func quick(t *testing.T) context.Context {
	return fetch.WithPatience(t.Context(), fetch.Patience{Attempts: 4, MinWait: time.Millisecond, MaxWait: 5 * time.Millisecond, Stall: 300 * time.Millisecond})
}

// tinyFile is a file of weights of about 200 kB.
func tinyFile(t *testing.T) []byte {
	t.Helper()
	values := make([]float32, 50_000)
	for i := range values {
		values[i] = float32(i) / 8
	}
	tensor, err := weights.NewTensor([]int{50, 1000}, values)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if err := weights.WriteSafetensors(path, []weights.Entry{{Key: "w", Tensor: tensor}}, nil); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// layouts are the two ways to a file: by torchvision's address, and by repository.
func layouts(t *testing.T, h *fakehub.Hub, data []byte) map[string]struct {
	base string // of the file on the hub
	get  func() (string, error)
} {
	name := "tiny-" + fakehub.SHA256(data)[:8] + ".safetensors"
	h.Add("/models/"+name, data)
	h.AddRepo("timm/tiny", map[string][]byte{"model.safetensors": data, "config.json": []byte(`{"architecture":"tiny"}`)})
	type layout = struct {
		base string
		get  func() (string, error)
	}
	return map[string]layout{
		"torchvision": {name, func() (string, error) {
			return weights.Fetch(quick(t), "https://download.pytorch.org/models/"+name, weights.FetchOptions{})
		}},
		"huggingface": {"model.safetensors", func() (string, error) {
			return huggingface.Repo{ID: "timm/tiny"}.File(quick(t), "model.safetensors", huggingface.Options{})
		}},
	}
}

// TestSources gets a file from both layouts through every kind of answer.
func TestSources(t *testing.T) {
	data := tinyFile(t)
	for _, tt := range []struct {
		name  string
		fault fakehub.Fault
		err   string // part of the error; "" if it succeeds
		gets  int    // requests for the content, on the hub and where it redirects to
	}{
		{"good", fakehub.None, "", 1},
		{"truncated once", fakehub.Truncated, "", 2},
		{"truncated always", fakehub.CutForGood, "broke off after", 4},
		{"wrong hash", fakehub.WrongHash, "SHA-256", 1},
		{"slow", fakehub.Slow, "", 2},
		{"429", fakehub.TooMany, "", 2},
		{"500", fakehub.ServerError, "", 2},
		{"down", fakehub.Down, "503", 4},
		{"redirect", fakehub.Redirected, "", 2},
	} {
		for layout := range layouts(t, fakehub.New(t), data) {
			t.Run(tt.name+"/"+layout, func(t *testing.T) {
				h := fakehub.New(t)
				h.Isolate(t)
				l := layouts(t, h, data)[layout]
				h.Break(l.base, tt.fault)
				path, err := l.get()
				gets := h.Gets(l.base)
				if layout == "huggingface" {
					gets -= countOnHub(h, l.base)
				}
				if tt.err != "" {
					if err == nil || !strings.Contains(err.Error(), tt.err) {
						t.Errorf("error %v, want one with %q", err, tt.err)
					}
					if strings.Contains(err.Error(), "secret-of-the-cdn") {
						t.Errorf("the error shows the query of a redirect: %v", err)
					}
					if found := completeFiles(t); len(found) > 0 {
						t.Errorf("a failed download left %v", found)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if got, err := os.ReadFile(path); err != nil || string(got) != string(data) {
					t.Errorf("%d bytes at %s (%v), want %d", len(got), path, err, len(data))
				}
				if want := tt.gets; gets != want && !(tt.fault == fakehub.Redirected && layout == "huggingface") {
					t.Errorf("%d requests for the content, want %d", gets, want)
				}
				// The file is there: offline, the network is never asked.
				n := len(h.Requests())
				t.Setenv("TLKIT_OFFLINE", "1")
				if again, err := l.get(); err != nil || again != path {
					t.Errorf("offline: %s, %v", again, err)
				}
				if len(h.Requests()) != n {
					t.Error("the network was asked while offline")
				}
			})
		}
	}
}

// countOnHub counts the requests that the hub answered with a redirect to the host of large files.
func countOnHub(h *fakehub.Hub, base string) int {
	n := 0
	for _, r := range h.Requests() {
		if r.Method == "GET" && strings.HasSuffix(r.Path, "/"+base) && !strings.HasPrefix(r.Path, "/cdn") {
			n++
		}
	}
	return n
}

// completeFiles lists what looks like a complete file of weights in the caches.
func completeFiles(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, root := range []string{os.Getenv("TLKIT_CACHE"), os.Getenv("HF_HOME")} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !slices.Contains([]string{".part", ".lock", ".incomplete"}, filepath.Ext(path)) {
				found = append(found, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// TestSourcesOffline says which file to put where, and does not ask.
func TestSourcesOffline(t *testing.T) {
	h := fakehub.New(t)
	for variable, layoutNames := range map[string][]string{"TLKIT_OFFLINE": {"torchvision", "huggingface"}, "HF_HUB_OFFLINE": {"huggingface"}} {
		for _, layout := range layoutNames {
			h.Isolate(t)
			t.Setenv(variable, "1")
			l := layouts(t, h, []byte("x"))[layout]
			_, err := l.get()
			if !errors.Is(err, fetch.ErrOffline) || !strings.Contains(err.Error(), l.base) || !strings.Contains(err.Error(), variable) && variable == "HF_HUB_OFFLINE" {
				t.Errorf("%s, %s: %v", variable, layout, err)
			}
			if where := map[string]string{"torchvision": os.Getenv("TLKIT_CACHE"), "huggingface": os.Getenv("HF_HOME")}[layout]; !strings.Contains(err.Error(), where) {
				t.Errorf("the error does not say where the file belongs (%s): %v", where, err)
			}
		}
	}
	if n := len(h.Requests()); n != 0 {
		t.Errorf("%d requests while offline", n)
	}
}

// TestDownloadedOnce: many at a time, in this process and in another one, and the hub is asked for the content once.
func TestDownloadedOnce(t *testing.T) {
	h := fakehub.New(t)
	h.Isolate(t)
	data := tinyFile(t)
	if os.Getenv("TLKIT_TEST_GET") != "" { // the other process, see below
		t.Skip("only for the test that starts this program again")
	}
	for name, l := range layouts(t, h, data) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if _, err := l.get(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^TestGetForOther$")
			cmd.Env = append(os.Environ(), "TLKIT_TEST_GET="+name+" "+h.URL+" "+l.base)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("the other process: %v\n%s", err, out)
			}
		})
		wg.Wait()
		got := h.Gets(l.base)
		if name == "huggingface" {
			got -= countOnHub(h, l.base)
		}
		if got != 1 {
			t.Errorf("%s: the content was sent %d times, want once", name, got)
		}
	}
}

// TestGetForOther is the other process of TestDownloadedOnce.
func TestGetForOther(t *testing.T) {
	what := strings.Fields(os.Getenv("TLKIT_TEST_GET"))
	if len(what) != 3 {
		t.Skip("started by TestDownloadedOnce")
	}
	var err error
	if what[0] == "torchvision" {
		_, err = weights.Fetch(quick(t), "https://download.pytorch.org/models/"+what[2], weights.FetchOptions{})
	} else {
		_, err = huggingface.Repo{ID: "timm/tiny"}.File(quick(t), what[2], huggingface.Options{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestToken: the token goes to the hub, and neither to another host nor into an error.
func TestToken(t *testing.T) {
	const secret = "hf_verysecret"
	h := fakehub.New(t)
	h.Isolate(t)
	data := tinyFile(t)
	get := layouts(t, h, data)["huggingface"].get
	h.Token = secret

	_, err := get()
	var missing *huggingface.NotFoundError
	if !errors.As(err, &missing) || !strings.Contains(err.Error(), "HF_TOKEN") {
		t.Errorf("without a token: %v", err)
	}
	t.Setenv("HF_TOKEN", "hf_wrong")
	if _, err := get(); err == nil || strings.Contains(err.Error(), "hf_wrong") {
		t.Errorf("with a wrong token: %v", err)
	}
	t.Setenv("HF_TOKEN", secret)
	if _, err := get(); err != nil {
		t.Fatal(err)
	}
	sent := 0
	for _, r := range h.Requests() {
		onHub := "http://"+r.Host == h.URL
		if strings.Contains(r.Authorization, "secret") {
			sent++
			if !onHub {
				t.Errorf("the token went to %s%s", r.Host, r.Path)
			}
		}
	}
	if sent == 0 {
		t.Error("the token was never sent")
	}
	// As `hf auth login` stores it.
	h.Isolate(t)
	if err := os.WriteFile(filepath.Join(os.Getenv("HF_HOME"), "token"), []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := get(); err != nil {
		t.Error(err)
	}
	// A password in the address of a mirror is none for messages.
	h.Isolate(t)
	t.Setenv("HF_ENDPOINT", strings.Replace(h.URL, "://", "://user:password1@", 1))
	h.Token = ""
	if _, err := (huggingface.Repo{ID: "timm/tiny"}).File(quick(t), "absent.bin", huggingface.Options{}); err == nil || strings.Contains(err.Error(), "password1") {
		t.Errorf("an absent file: %v", err)
	}
	h.Break("config.json", fakehub.Down)
	if _, err := (huggingface.Repo{ID: "timm/tiny"}).File(quick(t), "config.json", huggingface.Options{}); err == nil || strings.Contains(err.Error(), "password1") {
		t.Errorf("a hub that is down: %v", err)
	}
}

// TestCacheLayout: the files are where Python's huggingface_hub looks for them.
func TestCacheLayout(t *testing.T) {
	h := fakehub.New(t)
	h.Isolate(t)
	data := tinyFile(t)
	path, err := layouts(t, h, data)["huggingface"].get()
	if err != nil {
		t.Fatal(err)
	}
	repo := filepath.Join(os.Getenv("HF_HOME"), "hub", "models--timm--tiny")
	if want := filepath.Join(repo, "snapshots", fakehub.Commit, "model.safetensors"); path != want {
		t.Errorf("path %s, want %s", path, want)
	}
	if ref, err := os.ReadFile(filepath.Join(repo, "refs", "main")); string(ref) != fakehub.Commit {
		t.Errorf("refs/main is %q (%v)", ref, err)
	}
	if target, err := os.Readlink(path); target != "../../blobs/"+fakehub.SHA256(data) {
		t.Errorf("the snapshot links to %q (%v)", target, err)
	}
	// A commit never changes: with its name the hub is not asked again; a branch may have moved.
	n := len(h.Requests())
	if _, err := (huggingface.Repo{ID: "timm/tiny", Revision: fakehub.Commit}).File(quick(t), "model.safetensors", huggingface.Options{}); err != nil || len(h.Requests()) != n {
		t.Errorf("by commit: %v, %d requests more", err, len(h.Requests())-n)
	}
	// A hub that can't be reached does not matter for what is there.
	h.Break("model.safetensors", fakehub.Down)
	t.Setenv("HF_ENDPOINT", "http://127.0.0.1:1")
	if again, err := (huggingface.Repo{ID: "timm/tiny"}).File(quick(t), "model.safetensors", huggingface.Options{}); err != nil || again != path {
		t.Errorf("unreachable hub: %s, %v", again, err)
	}
}

// TestProxy: HTTP_PROXY is honoured. A process of its own asks, since net/http reads the environment once, and through
// a proxy only for hosts that are not this one.
func TestProxy(t *testing.T) {
	h := fakehub.New(t)
	h.Isolate(t)
	data := tinyFile(t)
	layouts(t, h, data)
	cmd := exec.Command(os.Args[0], "-test.run=^TestGetForOther$")
	cmd.Env = append(os.Environ(), "TLKIT_TEST_GET=huggingface - config.json", "HF_ENDPOINT=http://hub.invalid", "HTTP_PROXY="+h.URL, "NO_PROXY=", "http_proxy=", "no_proxy=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("through a proxy: %v\n%s", err, out)
	}
	if r := h.Requests(); len(r) == 0 || r[0].Host != "hub.invalid" {
		t.Errorf("the proxy saw %v", r)
	}
}
