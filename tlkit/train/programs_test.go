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
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

const otherProgram = "TLKIT_TEST_OTHER_PROGRAM"

// startProgram starts the running test as another program for a folder of runs, and returns when that has written the
// line.
func startProgram(t *testing.T, dir, line string) (child *exec.Cmd, in io.WriteCloser, lines *bufio.Scanner) {
	t.Helper()
	child = exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), otherProgram+"="+dir)
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
	lines = bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != line {
	}
	return child, in, lines
}

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
		child, in, lines := startProgram(t, r.Dir, "begun")
		named := fmt.Sprintf(".lock names process %d on ", child.Process.Pid)
		_, err := r.Compare(context.Background(), "r", paint(t), m, strategy.FineTune{})
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

// TestProgramsAtOnce: of programs that begin one run at the same moment, one trains it, and each other is told so or
// finds it finished. The run is that of a program alone.
func TestProgramsAtOnce(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("on Windows a locked file can't be read")
	}
	if dir := os.Getenv(otherProgram); dir != "" {
		r, ds, m := quick(t), paint(t), pretrained(t)
		r.Epochs, r.Dir = 3, dir
		fmt.Println("ready")
		io.Copy(io.Discard, os.Stdin)
		if _, err := r.Compare(context.Background(), "r", ds, m, strategy.FineTune{}, strategy.Transfer{}); err != nil {
			fmt.Println("refused: ", err)
		} else {
			fmt.Println("trained")
		}
		return
	}
	alone := quick(t)
	alone.Epochs = 3
	whole := compare(t, alone, "r", paint(t), pretrained(t), strategy.FineTune{}, strategy.Transfer{})
	for range 5 {
		r := alone
		r.Dir = t.TempDir()
		var ends []io.Closer
		var outs []*bufio.Scanner
		var children []*exec.Cmd
		for range 4 {
			child, in, lines := startProgram(t, r.Dir, "ready")
			ends, outs, children = append(ends, in), append(outs, lines), append(children, child)
		}
		for _, in := range ends {
			in.Close()
		}
		trained := 0
		for i, child := range children {
			for outs[i].Scan() {
				switch line := outs[i].Text(); {
				case line == "trained":
					trained++
				case strings.HasPrefix(line, "refused: ") && !strings.Contains(line, "being trained by another program"):
					t.Error(line)
				}
			}
			if err := child.Wait(); err != nil {
				t.Error(err)
			}
		}
		if trained == 0 {
			t.Error("no program trained")
		}
		run, err := train.Open(r.Dir, "r")
		if err != nil || len(run.Warnings) > 0 {
			t.Fatalf("%v, warnings %q", err, run.Warnings)
		}
		for i, result := range run.Results {
			if got, want := curve(result.History), curve(whole.Results[i].History); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v, alone %+v", result.Strategy, got, want)
			}
		}
		if versions, err := run.Versions(); err != nil || len(versions) > 0 {
			t.Errorf("versions %v, %v", versions, err)
		}
	}
}
