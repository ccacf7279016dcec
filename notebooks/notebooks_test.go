// Package notebooks_test executes every notebook of this folder through the installed kernel, as a reader would, and
// looks at what came out.
package notebooks_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
)

type notebook struct {
	Metadata struct {
		Kernelspec struct{ Name string }
	}
	Cells []struct {
		ID             string
		CellType       string `json:"cell_type"`
		ExecutionCount *int   `json:"execution_count"`
		Source         text
		Outputs        []struct {
			OutputType string `json:"output_type"`
			Text       text
			Data       map[string]json.RawMessage
		}
	}
}

// text is a string that a notebook may store as a list of lines.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	var lines []string
	if err := json.Unmarshal(data, &lines); err != nil {
		return json.Unmarshal(data, (*string)(t))
	}
	*t = text(strings.Join(lines, ""))
	return nil
}

func read(t *testing.T, path string) notebook {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var n notebook
	if err := json.Unmarshal(data, &n); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return n
}

// TestStored: notebooks are committed without outputs, for our kernel, and begin with a title.
func TestStored(t *testing.T) {
	paths, err := filepath.Glob("*.ipynb")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no notebooks here (%v)", err)
	}
	for _, path := range paths {
		n := read(t, path)
		if n.Metadata.Kernelspec.Name != "tlkit" {
			t.Errorf("%s is for the kernel %q, want tlkit", path, n.Metadata.Kernelspec.Name)
		}
		if !strings.HasPrefix(string(n.Cells[0].Source), "# ") {
			t.Errorf("%s does not begin with a title", path)
		}
		for i, c := range n.Cells {
			if len(c.Outputs) > 0 || c.ExecutionCount != nil {
				t.Errorf("%s: cell %d is stored with outputs; clear them before committing", path, i+1)
			}
		}
	}
}

func needsSlow(t *testing.T) {
	if !slow {
		t.Skip("takes minutes; run with -tags slow, as bench/nightly does")
	}
}

// execute runs a notebook through the installed live kernel, or the kernel named, and returns the executed one.
func execute(t *testing.T, name string, kernel ...string) notebook {
	t.Helper()
	home := os.Getenv("TLKIT_HOME")
	if home == "" {
		user, err := os.UserHomeDir()
		if err != nil {
			t.Skipf("no home folder, so no installed kernel: %v", err)
		}
		home = filepath.Join(user, ".local", "share", "tlkit")
	}
	tlkernel := filepath.Join(home, "bin", "tlkernel")
	if _, err := os.Stat(tlkernel); err != nil {
		t.Skipf("the kernel is not installed in %s; run ./install.sh first", home)
	}
	out := filepath.Join(t.TempDir(), name)
	args := []string{"exec", name, "-o", out, "--timeout", "15m"}
	if len(kernel) > 0 {
		args = append(args, "--kernel", kernel[0])
	}
	cmd := exec.Command(tlkernel, args...)
	cmd.Env = append(os.Environ(), "TLKIT_RUNS="+t.TempDir())
	log, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, log)
	}
	t.Logf("%s", log)
	n := read(t, out)
	for i, c := range n.Cells {
		if c.CellType == "code" && c.ExecutionCount == nil {
			t.Errorf("cell %d was not executed", i+1)
		}
	}
	return n
}

// plain joins the plain-text outputs of all cells; charts counts the Vega-Lite charts.
func plain(n notebook) (all string, charts, pictures int) {
	for _, c := range n.Cells {
		for _, o := range c.Outputs {
			all += string(o.Text)
			var s text
			if json.Unmarshal(o.Data["text/plain"], &s) == nil {
				all += string(s) + "\n"
			}
			if _, ok := o.Data["application/vnd.vegalite.v5+json"]; ok {
				charts++
			}
			if _, ok := o.Data["image/png"]; ok {
				pictures++
			}
		}
	}
	return all, charts, pictures
}

// accuracy finds the best accuracy of a strategy in a summary table, in percent.
func accuracy(t *testing.T, all, strategy string) float64 {
	t.Helper()
	m := regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta(strategy) + `\s+([0-9.]+)%`).FindStringSubmatch(all)
	if m == nil {
		t.Fatalf("no row of %q in the tables of the notebook:\n%s", strategy, all)
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestQuickstart executes the quickstart on the live kernel and on GoNB as it is.
func TestQuickstart(t *testing.T) {
	for _, kernel := range []string{"tlkit", "gonb-tlkit"} {
		t.Run(kernel, func(t *testing.T) {
			if kernel != "tlkit" {
				needsSlow(t)
			}
			quickstart(t, kernel)
		})
	}
}

func quickstart(t *testing.T, kernel string) {
	all, charts, pictures := plain(execute(t, "quickstart.ipynb", kernel))
	if charts < 2 || pictures < 2 {
		t.Errorf("%d charts and %d pictures, want at least 2 of each", charts, pictures)
	}
	transfer, finetune, scratch := accuracy(t, all, "transfer"), accuracy(t, all, "finetune"), accuracy(t, all, "scratch")
	t.Logf("accuracies: transfer %.1f%%, finetune %.1f%%, scratch %.1f%%", transfer, finetune, scratch)
	// 600 validation images: the standard error of a difference is below 3 points.
	if transfer < scratch+15 || finetune < scratch+15 {
		t.Errorf("transfer %.1f%% and finetune %.1f%% should be clearly above scratch %.1f%%", transfer, finetune, scratch)
	}
}

func TestTransferVsFinetune(t *testing.T) {
	needsSlow(t)
	if dir, err := testutil.Find("data"); err == nil {
		t.Setenv("TLKIT_DATA", dir)
	} else {
		t.Setenv("TLKIT_OFFLINE", "1") // the last section then says what it lacks
	}
	all, charts, _ := plain(execute(t, "transfer_vs_finetune.ipynb"))
	if charts < 3 {
		t.Errorf("%d charts, want at least 3", charts)
	}
	late, careful := accuracy(t, all, "from-layer3"), accuracy(t, all, "careful-0.0005")
	t.Logf("from-layer3 %.1f%%, careful-0.0005 %.1f%%", late, careful)
	if late < careful+15 {
		t.Errorf("from-layer3 %.1f%% should be clearly above careful-0.0005 %.1f%%, as the text says", late, careful)
	}
}

// TestRelatives: each section's table is there, learning without forgetting forgets less than fine-tuning, and the
// lesson keeps its claims.
func TestRelatives(t *testing.T) {
	needsSlow(t)
	n := execute(t, "relatives.ipynb")
	keepsClaims(t, "relatives.ipynb", n)
	all, charts, pictures := plain(n)
	if charts < 4 || pictures < 1 {
		t.Errorf("%d charts and %d pictures, want at least 4 and 1", charts, pictures)
	}
	for _, strategy := range []string{"knn", "logistic", "head-first", "l2sp", "joint", "source-only", "adabn", "coral", "dann", "target-supervised"} {
		accuracy(t, all, strategy)
	}
	// strategy, best accuracy, at epoch, last accuracy, old task; a star marks the best of a column.
	old := regexp.MustCompile(`(?m)^ *(finetune|lwf) +[0-9.]+%[ *]+[0-9]+ +[0-9.]+%[ *]+([0-9.]+)%`)
	kept := map[string]float64{}
	for _, m := range old.FindAllStringSubmatch(all, -1) {
		v, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		kept[m[1]] = v
	}
	t.Logf("old task: %v", kept)
	if kept["lwf"] < kept["finetune"]+5 {
		t.Errorf("LwF keeps %.1f%% of the old task and fine-tuning %.1f%%; the text says that LwF keeps more", kept["lwf"], kept["finetune"])
	}
}

// TestRCNN: fine-tuned features find more than frozen ones, and the figure of the detections is there.
func TestRCNN(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Setenv("GOMLX_BACKEND", engine)
			n := execute(t, "rcnn.ipynb")
			if _, _, pictures := plain(n); pictures < 2 {
				t.Errorf("%d pictures, want at least 2", pictures)
			}
			keepsClaims(t, "rcnn.ipynb", n)
		})
	}
}

func TestYourOwn(t *testing.T) {
	files := []string{"sketches.onnx", "sketches.pth"}
	t.Cleanup(func() {
		for _, f := range files {
			os.Remove(f)
		}
	})
	all, _, _ := plain(execute(t, "your_own.ipynb"))
	accuracy(t, all, "norms-only")
	for _, f := range files {
		if !strings.Contains(all, "wrote "+f) {
			t.Errorf("%s was not exported:\n%s", f, all)
		}
	}
	if n := strings.Count(all, " looks like "); n != 5 {
		t.Errorf("%d predictions of the exported model, want 5", n)
	}
}
