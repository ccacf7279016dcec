package zoo_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// BenchmarkLoadFile loads weights of ResNet-50's size, 102.5 MB, and in turn only reads that file: from the disk (cold)
// and from the system's memory (warm). x-read is how many times as long the load takes, load-MB/s its speed, and
// read-MB/s that of reading alone. Run it where temporary files are on a disk.
func BenchmarkLoadFile(b *testing.B) {
	m, err := zoo.Load("resnet50", zoo.LoadOptions{Weights: zoo.Random})
	if err != nil {
		b.Fatal(err)
	}
	entries, err := m.StateDict()
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	for name, write := range map[string]func(path string) error{
		"resnet50.pth":         func(path string) error { return weights.WritePTH(path, entries) },
		"resnet50.safetensors": func(path string) error { return weights.WriteSafetensors(path, entries, nil) },
	} {
		path := filepath.Join(dir, name)
		if err := write(path); err != nil {
			b.Fatal(err)
		}
		for _, cold := range []bool{true, false} {
			b.Run(filepath.Ext(name)[1:]+map[bool]string{true: "/cold", false: "/warm"}[cold], func(b *testing.B) {
				timed := func(f func() error) time.Duration {
					if cold {
						forget(b, path)
					}
					start := time.Now()
					if err := f(); err != nil {
						b.Fatal(err)
					}
					return time.Since(start)
				}
				var read, load time.Duration
				for b.Loop() {
					read += timed(func() error { return readAll(path) })
					load += timed(func() error {
						_, err := zoo.Load("resnet50", zoo.LoadOptions{Weights: path})
						return err
					})
				}
				b.ReportMetric(load.Seconds()/read.Seconds(), "x-read")
				b.ReportMetric(102.5*float64(b.N)/load.Seconds(), "load-MB/s")
				b.ReportMetric(102.5*float64(b.N)/read.Seconds(), "read-MB/s")
			})
		}
	}
}

// forget makes the system drop what it holds of a file in memory.
func forget(b *testing.B, path string) {
	b.Helper()
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		b.Fatal(err)
	}
}
