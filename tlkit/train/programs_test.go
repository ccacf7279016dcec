package train_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

const otherProgram = "TLKIT_TEST_OTHER_PROGRAM"

// TestTwoPrograms: of two programs that train one run, the second is told which has it, whatever it calls. Once the
// first one has ended, by itself or killed, the second goes on: to the bit as one that was alone.
func TestTwoPrograms(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("on Windows a locked file can't be read")
	}
	if dir := os.Getenv(otherProgram); dir != "" { // the first program: it says when it is in its second epoch, and waits
		r := quick(t)
		r.Epochs, r.MemoryLimit, r.Dir = 3, 1, dir
		ds := paint(t)
		ds.Train = painted(t, 1, 5, (&counter{when: 20, at: func() {
			fmt.Println("begun")
			io.Copy(io.Discard, os.Stdin)
		}}).asked)
		compare(t, r, "r", ds, pretrained(t), strategy.FineTune{})
		return
	}
	m, alone := pretrained(t), quick(t)
	alone.Epochs, alone.MemoryLimit = 3, 1
	whole := compare(t, alone, "r", paint(t), m, strategy.FineTune{})
	for _, end := range []string{"ends", "is killed"} {
		r := alone
		r.Dir = t.TempDir()
		child := exec.Command(os.Args[0], "-test.run=^TestTwoPrograms$")
		child.Env = append(os.Environ(), otherProgram+"="+r.Dir)
		in, err := child.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for lines.Scan() && lines.Text() != "begun" {
		}
		named := fmt.Sprintf(".lock names process %d on ", child.Process.Pid)
		_, err = r.Compare(context.Background(), "r", paint(t), m, strategy.FineTune{})
		wantError(t, err, "being trained by another program", named, "another name")
		_, err = r.Compare(context.Background(), "r", paint(t), m, strategy.FineTune{LearningRate: 0.5}) // would move its files
		wantError(t, err, named)
		wantError(t, train.Remove(r.Dir, "r"), named)
		if run, err := train.Open(r.Dir, "r"); err != nil || len(run.Results[0].History) != 1 || len(run.Warnings) > 0 {
			t.Errorf("%s: opened meanwhile: %v", end, err)
		}
		if end == "is killed" {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		} else if err := in.Close(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // to its end
		}
		if err := child.Wait(); (err == nil) != (end == "ends") {
			t.Errorf("%s: the first program: %v", end, err)
		}
		run := compare(t, r, "r", paint(t), m, strategy.FineTune{})
		if got, want := curve(run.Results[0].History), curve(whole.Results[0].History); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, alone %+v", end, got, want)
		}
	}
}
