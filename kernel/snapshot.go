package kernel

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
)

// listedPackage holds the fields of one package from `go list -json` that the snapshot needs.
type listedPackage struct {
	Dir, ImportPath, Name                       string
	GoFiles, CgoFiles, IgnoredGoFiles           []string
	CFiles, CXXFiles, HFiles, SFiles, SysoFiles []string
	EmbedFiles, IgnoredOtherFiles               []string
	// Incomplete reports whether the package, or one that it imports, can't be found or read.
	Incomplete bool
}

// files returns the names, relative to the package's folder, that a build may need.
func (l *listedPackage) files() []string {
	var all []string
	for _, names := range [][]string{l.GoFiles, l.CgoFiles, l.IgnoredGoFiles, l.CFiles, l.CXXFiles,
		l.HFiles, l.SFiles, l.SysoFiles, l.EmbedFiles, l.IgnoredOtherFiles} {
		all = append(all, names...)
	}
	return all
}

// moduleRoot returns the folder of this repository's go.mod, looking upwards from dir. It fails when dir is
// in no checkout of it.
func moduleRoot(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("kernel: source %q: %w", dir, err)
	}
	for d := abs; ; d = filepath.Dir(d) {
		data, err := os.ReadFile(filepath.Join(d, "go.mod"))
		if err == nil && modfile.ModulePath(data) == modulePath {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("kernel: %s is not inside a checkout of %s; change to one, or name it with --source", abs, modulePath)
		}
	}
}

// modulePackages lists the packages of the checkout at root that notebooks may import, sorted: all but commands, the
// kernel itself and the benchmarks; with internal ones, which the others need but notebooks may not import.
func modulePackages(ctx context.Context, gt goTool, root string) ([]listedPackage, error) {
	out, err := gt.output(ctx, root, nil, "list", "-e", "-json=Dir,ImportPath,Name,GoFiles,CgoFiles,IgnoredGoFiles,"+
		"CFiles,CXXFiles,HFiles,SFiles,SysoFiles,EmbedFiles,IgnoredOtherFiles,Incomplete", "./...")
	if err != nil {
		return nil, fmt.Errorf("kernel: listing the packages of %s: %w", root, err)
	}
	var pkgs []listedPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listedPackage
		if err := dec.Decode(&l); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("kernel: reading go list's answer: %w", err)
		}
		if !forNotebooks(l) {
			continue
		}
		if len(l.GoFiles)+len(l.CgoFiles) == 0 {
			continue // only tests, or only for another system
		}
		pkgs = append(pkgs, l)
	}
	slices.SortFunc(pkgs, func(a, b listedPackage) int { return strings.Compare(a.ImportPath, b.ImportPath) })
	return pkgs, nil
}

// forNotebooks reports whether a package of this module belongs in the snapshot.
func forNotebooks(l listedPackage) bool {
	rel := strings.TrimPrefix(strings.TrimPrefix(l.ImportPath, modulePath), "/")
	top, _, _ := strings.Cut(rel, "/")
	return l.Name != "main" && top != "kernel" && top != "bench"
}

// snapshot copies the packages, go.mod and go.sum from root to dst and removes from dst the files that are no longer in
// root. It does not touch files that have not changed, so that a second install leaves Go's build cache warm. It
// returns the number of written files.
func snapshot(root, dst string, pkgs []listedPackage) (written int, err error) {
	keep := map[string]bool{}
	names := []string{"go.mod", "go.sum", "LICENSE"}
	for _, l := range pkgs {
		rel, err := filepath.Rel(root, l.Dir)
		if err != nil {
			return 0, fmt.Errorf("kernel: package %s lies outside of %s: %w", l.ImportPath, root, err)
		}
		for _, name := range l.files() {
			names = append(names, path.Join(filepath.ToSlash(rel), name))
		}
	}
	for _, name := range names {
		name = filepath.FromSlash(name)
		keep[name] = true
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return written, fmt.Errorf("kernel: snapshot: %w", err)
		}
		to := filepath.Join(dst, name)
		if old, err := os.ReadFile(to); err == nil && bytes.Equal(old, data) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return written, fmt.Errorf("kernel: snapshot: %w", err)
		}
		if err := atomicfile.WriteBytes(to, data); err != nil {
			return written, fmt.Errorf("kernel: snapshot: %w", err)
		}
		written++
	}
	return written, removeOthers(dst, keep)
}

// removeOthers deletes the files below dir that keep does not name, then the folders left empty.
func removeOthers(dir string, keep map[string]bool) error {
	var dirs []string
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			dirs = append(dirs, p)
			return nil
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil || keep[rel] {
			return err
		}
		return os.Remove(p)
	})
	if err != nil {
		return fmt.Errorf("kernel: clearing old files of the snapshot: %w", err)
	}
	for i := len(dirs) - 1; i > 0; i-- {
		os.Remove(dirs[i]) // fails, as it should, when the folder is not empty
	}
	return nil
}
