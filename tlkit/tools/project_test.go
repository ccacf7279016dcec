package tools_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/project"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/tools"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

func TestMain(m *testing.M) {
	testutil.PureGo()
	m.Run()
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
	// Without a validation split strategies are compared on the test images, and the card says so.
	held := *sketches
	held.Val, held.Test = nil, sketches.Val
	onTest, err := recipe.Compare(context.Background(), "held", &held, model, strategy.Transfer{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := onTest.Best().Project("held", project.Options{Dir: filepath.Join(dir, "held"), Data: &held, SkipBuild: true}); err != nil {
		t.Fatal(err)
	}
	card, err = os.ReadFile(filepath.Join(dir, "held", "MODEL_CARD.md"))
	if err != nil || !strings.Contains(string(card), " for test |") || !strings.Contains(string(card), "% of the test images") || strings.Contains(string(card), "validation images") {
		t.Errorf("the model card does not say that the images are those of the test (%v):\n%s", err, card)
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
		{[]string{"-skip-build", filepath.Join(dir, "runs", "held"), filepath.Join(dir, "y")}, 0, "a notebook can give the data set to Result.Project); if the run's data set is elsewhere"},
		{[]string{"-skip-build", "-data", "sketches", filepath.Join(dir, "runs", "held"), filepath.Join(dir, "x")}, 1, "a notebook can give the data set to Result.Project"},
		{[]string{"-skip-build", "-strategy", "none", filepath.Join(dir, "runs", "sketchy"), filepath.Join(dir, "x")}, 1, "no strategy"},
	} {
		errs.Reset()
		if code := tools.Project(c.args, &out, &errs); code != c.code || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%v: code %d, %q; want %d and %q", c.args, code, &errs, c.code, c.want)
		}
	}
}

// paint writes small images of two classes, which a.csv lists; each is named after its class, too.
func paint(t *testing.T, dir string) {
	t.Helper()
	list := "file,label\n"
	for class, c := range map[string]color.Gray{"dark": {20}, "light": {220}} {
		if err := os.MkdirAll(filepath.Join(dir, class), 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			m := image.NewGray(image.Rect(0, 0, 24, 24))
			for k := range m.Pix {
				m.Pix[k] = c.Y + uint8(i)
			}
			name := fmt.Sprintf("%s/%s-%d.png", class, class, i)
			f, err := os.Create(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(f, m); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			list += name + "," + class + "\n"
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "a.csv"), []byte(list), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestProjectData: the command finds the run's data set however it was loaded, from any folder, and where the folder is
// named; data that are others are an error.
func TestProjectData(t *testing.T) {
	dir := t.TempDir()
	paint(t, filepath.Join(dir, "photos"))
	for _, c := range []struct{ name, data string }{
		{"folder", `{"Func": "ImageFolder", "Args": ["photos"], "Options": {"ValFraction": 0.4}}`},
		{"seed", `{"Func": "ImageFolder", "Args": ["photos"], "Options": {"Seed": 7}}`},
		{"table", `{"Func": "FromCSV", "Args": ["photos/a.csv", "file", "label"], "Options": {"ValFraction": 0.3}}`},
		{"pattern", `{"Func": "FromPattern", "Args": ["photos", "{class}-*.png"], "Options": {"ValFraction": 0.3}}`},
	} {
		recipe := filepath.Join(dir, c.name+".json")
		text := fmt.Sprintf(`{"name": %q, "data": %s, "model": "resnet20.shapes", "recipe": {"epochs": 1}, "strategies": [{"kind": "Transfer"}]}`, c.name, c.data)
		if err := os.WriteFile(recipe, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Chdir(dir) // the command goes to the recipe's folder
		var out, errs bytes.Buffer
		if code := tools.Train([]string{recipe}, &out, &errs); code != 0 {
			t.Fatalf("%s: code %d, %s%s", c.name, code, &out, &errs)
		}
		t.Chdir(t.TempDir())
		run := filepath.Join(dir, "runs", c.name)
		for i, data := range []string{"", filepath.Join(dir, "photos")} {
			args := []string{"-skip-build", run, fmt.Sprintf("project%d", i)}
			if data != "" {
				args = append(args, "-data", data)
			}
			out.Reset()
			errs.Reset()
			code := tools.Project(args, &out, &errs)
			if _, err := os.Stat(fmt.Sprintf("project%d/classifier/testdata/sample1.png", i)); code != 0 || err != nil || errs.Len() > 0 || strings.Contains(out.String(), "no images") {
				t.Errorf("%s, %q: code %d, %v, %s%s", c.name, data, code, err, &out, &errs)
			}
		}
	}

	run := filepath.Join(dir, "runs", "folder")
	other := filepath.Join(t.TempDir(), "other")
	paint(t, other)
	if err := os.Rename(filepath.Join(other, "dark", "dark-1.png"), filepath.Join(other, "light", "dark-1.png")); err != nil {
		t.Fatal(err)
	}
	for _, data := range []string{"/nope", other, "shapes"} {
		var out, errs bytes.Buffer
		if code := tools.Project([]string{"-skip-build", run, "none", "-data", data}, &out, &errs); code != 1 || !strings.Contains(errs.String(), "-data "+data) {
			t.Errorf("-data %s: code %d, %s%s", data, code, &out, &errs)
		}
		if _, err := os.Stat("none"); err == nil {
			t.Errorf("-data %s: a project was written", data)
		}
	}
	if err := os.Rename(filepath.Join(dir, "photos"), filepath.Join(dir, "moved")); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := tools.Project([]string{"-skip-build", run, "without"}, &out, &errs); code != 0 || !strings.Contains(errs.String(), "with -data") || strings.Contains(out.String(), "Options.") {
		t.Errorf("without the data: code %d, %s%s", code, &out, &errs)
	}
	out.Reset()
	errs.Reset()
	if code := tools.Project([]string{"-skip-build", run, "without"}, &out, &errs); code != 1 || strings.Contains(errs.String(), "Options.") {
		t.Errorf("into a full folder: code %d, %s", code, &errs)
	}

	// Both folders may be the working folder.
	here := filepath.Join(t.TempDir(), "antbee")
	if err := os.Mkdir(here, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(here)
	errs.Reset()
	if code := tools.Project([]string{"-skip-build", run, ".", "-data", filepath.Join(dir, "moved")}, &out, &errs); code != 0 {
		t.Errorf("into the working folder: code %d, %s", code, &errs)
	}
	if _, err := os.Stat("cmd/antbee/main.go"); err != nil {
		t.Error(err)
	}
	t.Chdir(run)
	errs.Reset()
	if code := tools.Project([]string{"-skip-build", ".", filepath.Join(here, "again"), "-data", filepath.Join(dir, "moved")}, &out, &errs); code != 0 {
		t.Errorf("of the working folder: code %d, %s", code, &errs)
	}
}
