package tlkit_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestNotebookWords: what a notebook completes inside strings.
func TestNotebookWords(t *testing.T) {
	runs := t.TempDir()
	t.Setenv("TLKIT_RUNS", runs)
	if err := os.MkdirAll(filepath.Join(runs, "ants"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(runs, "ants", "run.json"), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		words func(string, int) []string
		fn    string
		arg   int
		want  string
	}{
		{tlkit.NotebookWords, "MustLoad", 0, "resnet18"},
		{tlkit.NotebookWords, "Load", 0, "resnet18.IMAGENET1K_V1"},
		{tlkit.NotebookWords, "MustOpen", 0, "ants"},
		{tlkit.NotebookWords, "MustCompare", 0, "ants"},
		{train.NotebookWords, "Recipe.MustCompare", 0, "ants"},
		{datasets.NotebookWords, "MustLoad", 0, "hymenoptera"},
		{strategy.NotebookWords, "FineTune.From", -1, "layer3"},
		{zoo.NotebookWords, "LoadOptions.Weights", -1, "random"},
		{(&train.Run{Results: train.Results{{Strategy: "transfer"}}}).NotebookWords, "Result", 0, "transfer"},
	} {
		words := test.words(test.fn, test.arg)
		if !slices.Contains(words, test.want) {
			t.Errorf("%s %d: %q, want %s among them", test.fn, test.arg, words, test.want)
		}
		if other := test.words("Nothing", test.arg); len(other) > 0 {
			t.Errorf("an unknown function has the words %q", other)
		}
	}
	spec, err := zoo.Info("resnet18")
	if err != nil {
		t.Fatal(err)
	}
	m, err := zoo.New(spec, []string{"a", "b"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.NotebookWords("Freeze", 0); !slices.Equal(got, m.Stages()) || m.NotebookWords("Freeze", 1) != nil {
		t.Errorf("stages %q", got)
	}
}
