package kernel

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDetached starts a training in a notebook whose kernel ends at once; another notebook watches it to its end, and
// the real command lists it.
func TestDetached(t *testing.T) {
	p, tmp := installed(t)
	dir := t.TempDir()
	const imports = `import (
	"os"
	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit"
)
`
	for name, code := range map[string]string{
		"1-start.ipynb": imports + `training := tlkit.MustDetach(tlkit.Recipe{Epochs: 2}, "away", datasets.MustLoad("sketches"), tlkit.MustLoad("resnet20.shapes"), tlkit.Transfer{})`,
		"2-watch.ipynb": imports + `run, err := tlkit.MustAttach("away").Watch(context.Background())
if err != nil { panic(err) }
fmt.Println(len(run.Results), "strategy,", len(run.Results[0].History), "epochs")`,
	} {
		if err := writeNotebook(filepath.Join(dir, name), code); err != nil {
			t.Fatal(err)
		}
	}
	execute := func(name string) {
		t.Helper()
		if err := Execute(t.Context(), filepath.Join(dir, name), ExecuteOptions{Prefix: string(p), Out: filepath.Join(dir, "out-"+name), HTML: "none"}); err != nil {
			log, _ := exec.Command("tail", filepath.Join(dir, "runs", "away", ".detached", "log.txt")).CombinedOutput()
			t.Fatalf("%s: %v\nlog of the training: %s", name, err, log)
		}
	}
	execute("1-start.ipynb")
	execute("2-watch.ipynb")
	text, err := os.ReadFile(filepath.Join(dir, "out-2-watch.ipynb"))
	if err != nil || !strings.Contains(string(text), "1 strategy, 2 epochs") {
		t.Errorf("watched: %v\n%s", err, text)
	}
	cmd := exec.Command(p.Bin("tlkernel"), "runs", "--prefix", string(p))
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if fields := strings.Fields(string(out)); err != nil || !strings.Contains(strings.Join(fields, " "), "away finished 2 of 2 transfer") {
		t.Errorf("tlkernel runs: %v\n%s", err, out)
	}
	wantNothingLeft(t, tmp)
}
