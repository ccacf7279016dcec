package main

import (
	"archive/tar"
	"compress/gzip"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
)

//go:embed peer.py
var peerScript []byte

// packed is the name of the folder in the archive.
const packed = "tlkit-gpu"

// suites are the test binaries that "run" starts.
var suites = []struct{ binary, room string }{{"nn.test", "./tlkit/nn"}, {"zoo.test", "./tlkit/zoo"}}

// pack builds the programs and writes the archive.
func pack(file string) error {
	dir, err := os.MkdirTemp("", packed)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	builds := [][]string{
		{"build", "-o", filepath.Join(dir, "gpu"), "./bench/gpu"},
		{"build", "-o", filepath.Join(dir, "bench"), "./bench"},
	}
	for _, s := range suites {
		builds = append(builds, []string{"test", "-c", "-tags", "slow", "-o", filepath.Join(dir, s.binary), s.room})
	}
	for _, args := range builds {
		cmd := exec.Command("go", args...)
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("go %s: %w; run it in the top folder of the repository", args[0], err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "peer.py"), peerScript, 0o666); err != nil {
		return err
	}
	golden, err := testutil.Find("golden/torchvision")
	if err != nil {
		return err
	}
	if err := os.CopyFS(filepath.Join(dir, "shared", "golden", "torchvision"), os.DirFS(golden)); err != nil {
		return err
	}
	return archive(dir, file)
}

// archive writes a folder as a .tar.gz whose files are below the folder "tlkit-gpu".
func archive(dir, file string) (err error) {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	zipped := gzip.NewWriter(out)
	writer := tar.NewWriter(zipped)
	defer func() { err = errors.Join(err, writer.Close(), zipped.Close(), out.Close()) }()
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		header, err := tar.FileInfoHeader(info, "")
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		header.Name = packed + "/" + filepath.ToSlash(rel)
		if err := writer.WriteHeader(header); err != nil {
			return err
		}
		in, err := os.Open(path)
		if err != nil {
			return err
		}
		defer in.Close()
		_, err = io.Copy(writer, in)
		return err
	})
}
