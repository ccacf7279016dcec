package zoo_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestLoadMemory loads weights of ResNet-50's size in a process of its own: at no time may that need more than twice
// the file's size above what the process had before.
func TestLoadMemory(t *testing.T) {
	m, err := zoo.Load("resnet50", zoo.LoadOptions{Weights: zoo.Random})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := m.StateDict()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, write := range map[string]func(path string) error{
		"w.pth":         func(path string) error { return weights.WritePTH(path, entries) },
		"w.safetensors": func(path string) error { return weights.WriteSafetensors(path, entries, nil) },
	} {
		path := filepath.Join(dir, name)
		if err := write(path); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() < 100e6 {
			t.Fatalf("%s has %d bytes", name, info.Size())
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestLoadMemoryChild$", "-test.v")
		cmd.Env = append(os.Environ(), "TLKIT_TEST_LOAD="+path)
		out, err := cmd.CombinedOutput()
		var before, peak int64
		var read, load time.Duration
		at := strings.Index(string(out), "loaded ")
		if err != nil || at < 0 {
			t.Fatalf("%v\n%s", err, out)
		}
		if _, err := fmt.Sscanf(string(out[at:]), "loaded %d %d %d %d", &before, &peak, &read, &load); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		ratio := float64(peak-before) / float64(info.Size())
		t.Logf("%s: %.1f MB; from %.1f to %.1f MB, %.2f times the file; %v, reading the file alone %v",
			name, float64(info.Size())/1e6, float64(before)/1e6, float64(peak)/1e6, ratio, load, read)
		if ratio > 2 {
			t.Errorf("%s: loading took %.2f times the file's size in memory, at most 2 is allowed", name, ratio)
		}
		if ratio < 0.5 {
			t.Errorf("%s: %.2f times the file's size can't hold the model: the measurement is wrong", name, ratio)
		}
	}
}

// TestLoadMemoryChild is the process of TestLoadMemory.
func TestLoadMemoryChild(t *testing.T) {
	path := os.Getenv("TLKIT_TEST_LOAD")
	if path == "" {
		t.Skip("started by TestLoadMemory")
	}
	if _, err := zoo.Info("resnet50"); err != nil { // the registry with its tables
		t.Fatal(err)
	}
	start := time.Now()
	if err := readAll(path); err != nil {
		t.Fatal(err)
	}
	read := time.Since(start)
	runtime.GC()
	before := status(t, "VmRSS")
	start = time.Now()
	m, err := zoo.Load("resnet50", zoo.LoadOptions{Weights: path})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("loaded", before, status(t, "VmHWM"), int64(read), int64(time.Since(start)))
	runtime.KeepAlive(m)
}

func readAll(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, 128<<10)
	for {
		n, err := f.Read(buf)
		if n == 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// status reads a size of this process in bytes.
func status(t *testing.T, name string) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("this system does not say how much memory a process has:", err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kB, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kB * 1024
		}
	}
	t.Fatalf("no %s", name)
	return 0
}
