// Gallery executes lessons and writes their executed copies to docs/gallery, as GitHub shows them: pictures compressed,
// what only JupyterLab can show left out, and photographs too, which are not ours to publish. Run it from the repository root:
//
//	go run ./notebooks/gallery [-executed DIR] [LESSON...]
//
// A lesson is a name such as 02_transfer_and_finetuning; without names all lessons are written. With -executed, notebooks
// that tlkernel exec has executed already are taken from DIR.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/installdir"
)

// folder is where the pages are kept, maxBytes is the size up to which GitHub shows them quickly.
const (
	folder   = "docs/gallery"
	maxBytes = 400_000
)

func main() {
	executed := flag.String("executed", "", "folder with notebooks that are executed already")
	flag.Parse()
	if err := run(*executed, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "gallery:", err)
		os.Exit(1)
	}
}

func run(executed string, names []string) error {
	if _, err := os.Stat("notebooks"); err != nil {
		return fmt.Errorf("there is no folder notebooks here; run it from the repository root: %w", err)
	}
	if len(names) == 0 {
		paths, err := filepath.Glob("notebooks/[0-9][0-9]_*.ipynb")
		if err != nil {
			return err
		}
		for _, p := range paths {
			names = append(names, strings.TrimSuffix(filepath.Base(p), ".ipynb"))
		}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, name := range names {
		if err := page(executed, strings.TrimSuffix(filepath.Base(name), ".ipynb")); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// page writes the page of one lesson.
func page(executed, name string) error {
	path := filepath.Join(executed, name+".ipynb")
	if executed == "" {
		dir, err := os.MkdirTemp("", "gallery-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if path, err = execute(name, dir); err != nil {
			return err
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var out []byte
	for _, l := range allLimits {
		var n map[string]any
		if err := json.Unmarshal(data, &n); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if _, err := leaveOutPhotographs(n); err != nil {
			return err
		}
		if err := reduce(n, l); err != nil {
			return err
		}
		if out, err = encode(n); err != nil {
			return err
		}
		if len(out) <= maxBytes {
			break
		}
	}
	for _, private := range privatePaths() {
		if strings.Contains(string(out), private) {
			return fmt.Errorf("an output has the path %s of this machine; execute the lesson without TLKIT_RUNS", private)
		}
	}
	if len(out) > maxBytes {
		return fmt.Errorf("the page has %d bytes, the limit is %d", len(out), maxBytes)
	}
	to := filepath.Join(folder, name+".ipynb")
	fmt.Printf("%s: %d kB\n", to, len(out)/1000)
	return os.WriteFile(to, out, 0o644)
}

// execute runs a copy of the lesson in dir, so that the files it makes do not land in the repository, and returns the
// executed copy.
func execute(name, dir string) (string, error) {
	tlkernel, err := installdir.Dir(os.Getenv, "bin", "tlkernel")
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(filepath.Join("notebooks", name+".ipynb"))
	if err != nil {
		return "", err
	}
	in, out := filepath.Join(dir, name+".ipynb"), filepath.Join(dir, "executed.ipynb")
	if err := os.WriteFile(in, data, 0o644); err != nil {
		return "", err
	}
	cmd := exec.Command(tlkernel, "exec", in, "-o", out, "--html", "none")
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TLKIT_RUNS=") })
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w; ./install.sh installs the kernel", cmd, err)
	}
	return out, nil
}

// privatePaths returns folders of this machine that no page may name.
func privatePaths() []string {
	paths := []string{os.TempDir() + "/"}
	if home, err := os.UserHomeDir(); err == nil && len(home) > 1 {
		paths = append(paths, home+"/")
	}
	if wd, err := os.Getwd(); err == nil {
		paths = append(paths, wd+"/")
	}
	return paths
}
