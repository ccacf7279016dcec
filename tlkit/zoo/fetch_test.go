package zoo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// TestMirror downloads a weight set from a mirror, once, and refuses a file whose hash is not that of its name.
func TestMirror(t *testing.T) {
	spec := Spec{Name: "dot", InputSize: 2, Build: func() Architecture {
		return Architecture{
			Stages: []Stage{{"flat", func(_ *nn.Scope, x *Node) *Node { return nn.Flatten(x) }}},
			Head:   linearHead("fc"),
		}
	}}
	classes := []string{"a", "b"}
	published, err := New(spec, classes, 5)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := published.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := weights.WritePTH(filepath.Join(dir, "dot.pth"), entries); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "dot.pth"))
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(data)
	name := "dot-" + hex.EncodeToString(digest[:4]) + ".pth"

	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		w.Write(data)
	}))
	defer server.Close()
	t.Setenv("TLKIT_CACHE", t.TempDir())
	t.Setenv("TORCH_HOME", t.TempDir())
	t.Setenv("TLKIT_DATA", "")
	t.Setenv("TLKIT_OFFLINE", "")
	t.Setenv("TLKIT_MIRROR", server.URL+"/torch")
	set := WeightSet{Name: "V1", URL: "https://download.pytorch.org/models/" + name}
	for range 2 { // the second time from the cache
		sd, err := openSet(context.Background(), spec.Name, set)
		if err != nil {
			t.Fatal(err)
		}
		m, err := New(spec, classes, 6)
		if err == nil {
			err = m.LoadStateDict(sd)
		}
		if err != nil {
			t.Fatal(err)
		}
		sd.Close()
		p := m.Params()[0]
		got, err := m.Values(p)
		want, err2 := published.Values(p)
		if err != nil || err2 != nil || !slices.Equal(got, want) {
			t.Errorf("loaded %v (%v), published %v (%v)", got, err, want, err2)
		}
	}
	if !slices.Equal(asked, []string{"/torch/models/" + name}) {
		t.Errorf("the mirror was asked for %v, want the file once", asked)
	}

	set.URL = "https://download.pytorch.org/models/dot-00000000.pth"
	if _, err := openSet(context.Background(), spec.Name, set); err == nil || !strings.Contains(err.Error(), "dot-00000000.pth") {
		t.Errorf("error %v, want one about the hash of dot-00000000.pth", err)
	}
}

// TestWeightFolders: "~" in the variables that name them is the home folder.
func TestWeightFolders(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	want := make([]string, 0, 3)
	for name, sub := range map[string]string{"TLKIT_DATA": "", "TLKIT_CACHE": "weights", "TLKIT_HOME": "weights"} {
		t.Setenv(name, "~/"+name)
		want = append(want, filepath.Join(home, name, sub))
	}
	got := weightFolders()
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestLoadContext: the end of the context ends a download, and the error says so.
func TestLoadContext(t *testing.T) {
	for _, name := range []string{"TLKIT_DATA", "TLKIT_CACHE", "TLKIT_HOME", "TORCH_HOME"} {
		t.Setenv(name, t.TempDir())
	}
	t.Setenv("TLKIT_OFFLINE", "")
	began := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done() // a download without end
	}))
	defer server.Close()
	t.Setenv("TLKIT_MIRROR", server.URL)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-began
		cancel()
	}()
	if _, err := LoadContext(ctx, "squeezenet1_1"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want one that wraps context.Canceled", err)
	}
}
