//go:build linux && slow

package session

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestWordsOfThisTree: tlkit and datasets as they are in this tree offer words inside strings and a section of
// %help, the first time too.
func TestWordsOfThisTree(t *testing.T) {
	cfg := testConfig(t)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	workspace := t.TempDir()
	if err := os.CopyFS(workspace, os.DirFS(cfg.Workspace)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(cfg.Go, "mod", "edit", "-replace=github.com/tlkit-go/tlkit-notebooks="+root)
	cmd.Dir, cmd.Env = workspace, append(cfg.Env, "GOFLAGS=-mod=mod", "GOPROXY=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cfg.Workspace, cfg.Cache = workspace, t.TempDir()
	s, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.waitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	if help := run(t, s, 1, "%help"); strings.Count(help, "TLKit: transfer learning") != 1 || strings.Count(help, "datasets.List() shows all data sets;") != 1 {
		t.Errorf("sections of packages are not once in\n%s", help)
	}
	run(t, s, 2, "import \"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo\"\nspec, _ := zoo.Info(\"resnet18\")\nmodel, err := zoo.New(spec, []string{\"a\", \"b\"}, 1)")
	for code, want := range map[string]string{`tlkit.MustLoad("resnet1`: "resnet18", `datasets.MustLoad("hy`: "hymenoptera", `model.Freeze("la`: "layer3", `tlkit.FineTune{From: "la`: "layer3",
		`tlkit.LoadOptions{Weights: "ran`: "random"} {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		_, all, _ := s.Words(ctx, code, len(code))
		cancel()
		t.Logf("%s after %s", code, time.Since(start))
		if !slices.Contains(textsOf(all), want) {
			t.Errorf("%s: %q, want %s among them", code, textsOf(all), want)
		}
	}
	if shown := run(t, s, 3, "model"); !strings.Contains(shown, "MustSummary") {
		t.Errorf("a model is shown as %s", shown)
	}
	if shown := run(t, s, 4, "tlkit.Models()"); !strings.Contains(shown, "IMAGENET1K_V1") {
		t.Errorf("the models are shown as %s", shown)
	}
}
