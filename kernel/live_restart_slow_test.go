//go:build slow

package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRestartSaves: Jupyter's restart, an interrupt and at once a shutdown request, in the middle of a training. The
// checkpoint is there, and the same cell goes on from it in the new kernel:
//
//	go test -tags slow -run RestartSaves -v ./kernel
func TestRestartSaves(t *testing.T) {
	runs := t.TempDir() // before installed, whose folder for temporary files must be empty in the end
	p, _ := installed(t)
	needLive(t, p, KernelName)
	needPackage(t, p, modulePath+"/tlkit")
	cell := func(epochs int) string {
		return fmt.Sprintf("run := tlkit.Recipe{Epochs: %d, Dir: %q, Quiet: true}.MustCompare(\"restarted\", "+
			"datasets.MustLoad(\"sketches\"), tlkit.MustLoad(\"resnet20.shapes\"), tlkit.FineTune{})", epochs, runs)
	}
	const epochs = 4
	history := func() string { // a line an epoch
		data, err := os.ReadFile(filepath.Join(runs, "restarted", "finetune", "history.jsonl"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		_, epochs, _ := strings.Cut(string(data), "\n") // after the checksum
		return epochs
	}
	for _, way := range []string{"restart", "shutdown"} {
		t.Run(way, func(t *testing.T) {
			os.RemoveAll(filepath.Join(runs, "restarted"))
			p, tmp := installed(t)
			s := newSession(t, KernelName, p)
			s.do("start")
			s.do("begin", "code", cell(epochs))
			if !await(5*time.Minute, func() bool { return strings.Contains(history(), "\n") }) {
				t.Fatal("no epoch has ended")
			}
			if way == "restart" {
				s.do("restart")
			} else {
				if r := s.do("shutdown"); r.Status != "ShutdownRequest" {
					t.Errorf("the kernel did not end by itself: %s", r.Status)
				}
				s = newSession(t, KernelName, p)
				s.do("start")
			}
			saved := history()
			if _, err := os.Stat(filepath.Join(runs, "restarted", "finetune", "checkpoint.safetensors")); err != nil {
				t.Error(err)
			}
			if n := strings.Count(saved, "\n"); n == 0 || n == epochs {
				t.Fatalf("%d epochs of %d before the restart: the training was not cut off", n, epochs)
			}
			code := cell(epochs) + "\nfmt.Print(len(run.Best().History), \" epochs\")"
			if r := s.do("execute", "code", code, "timeout", 900); r.Status != "ok" || !strings.Contains(r.Stdout, fmt.Sprint(epochs, " epochs")) {
				t.Errorf("the same cell: %s, %q\n%s", r.Status, r.Stdout, r.Traceback)
			}
			if now := history(); !strings.HasPrefix(now, saved) || strings.Count(now, "\n") != epochs {
				t.Errorf("before the restart\n%s\nthen\n%s\nwant the same lines first, %d in all", saved, now, epochs)
			}
			s.do("shutdown")
			wantNothingLeft(t, tmp)
		})
	}
}
