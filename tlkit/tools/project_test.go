package tools_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/project"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/tools"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

func TestMain(m *testing.M) {
	if os.Getenv("GOMLX_BACKEND") == "" {
		os.Setenv("GOMLX_BACKEND", "go")
	}
	os.Exit(m.Run())
}

// TestProject makes a run, and a project of it: by the method as in a notebook, and by the command.
func TestProject(t *testing.T) {
	dir := t.TempDir()
	model, err := zoo.Load("resnet20.shapes")
	if err != nil {
		t.Fatal(err)
	}
	sketches := datasets.MustLoad("sketches", datasets.Options{PerClass: 3})
	recipe := train.Recipe{Epochs: 1, Dir: filepath.Join(dir, "runs")}
	run, err := recipe.Compare(context.Background(), "sketchy", sketches, model, strategy.Transfer{})
	if err != nil {
		t.Fatal(err)
	}
	first := filepath.Join(dir, "first")
	if _, err := run.Best().Project("first", project.Options{Dir: first, Data: sketches, SkipBuild: true}); err != nil {
		t.Fatal(err)
	}
	card, err := os.ReadFile(filepath.Join(first, "MODEL_CARD.md"))
	if err != nil || !strings.Contains(string(card), "run sketchy, strategy transfer") || !strings.Contains(string(card), "% of the validation images") {
		t.Errorf("the model card lacks the run's facts (%v):\n%s", err, card)
	}
	if _, err := run.Best().Project("other", project.Options{Dir: filepath.Join(dir, "other"), Data: datasets.MustLoad("shapes"), SkipBuild: true}); err == nil || !strings.Contains(err.Error(), "sketchy") {
		t.Errorf("with another data set: %v, want an error", err)
	}

	var out, errs bytes.Buffer
	second := filepath.Join(dir, "second")
	if code := tools.Project([]string{"-skip-build", filepath.Join(dir, "runs", "sketchy"), second}, &out, &errs); code != 0 || !strings.Contains(out.String(), "next: cd") {
		t.Errorf("code %d, printed %s%s", code, &out, &errs)
	}
	if _, err := os.Stat(filepath.Join(second, "cmd", "second", "main.go")); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 2, "usage"},
		{[]string{"-h"}, 0, "usage"},
		{[]string{"-skip-build", filepath.Join(dir, "runs", "none"), filepath.Join(dir, "x")}, 1, "no run"},
		{[]string{"-skip-build", "-strategy", "none", filepath.Join(dir, "runs", "sketchy"), filepath.Join(dir, "x")}, 1, "no strategy"},
	} {
		errs.Reset()
		if code := tools.Project(c.args, &out, &errs); code != c.code || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%v: code %d, %q; want %d and %q", c.args, code, &errs, c.code, c.want)
		}
	}
}
