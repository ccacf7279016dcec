package build

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

const rtPath = "nb/rt"

// RuntimePath is the import path of package rt in worker and cells.
const RuntimePath = rtPath

const workerMain = `package main

import "nb/rt"

func main() { rt.Main() }
`

// Worker compiles the worker from the source of package rt (file names and
// contents), and makes rt importable for cells as nb/rt. It returns the program.
// With a Cache, a second call with the same settings takes what is there.
func (b *Builder) Worker(ctx context.Context, rt map[string]string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, b.settings)
	names := make([]string, 0, len(rt))
	for name := range rt {
		names = append(names, name)
	}
	slices.Sort(names)
	var imports []string
	for _, name := range names {
		fmt.Fprintln(h, name, len(rt[name]), rt[name])
		f, err := parser.ParseFile(token.NewFileSet(), name, rt[name], parser.ImportsOnly)
		if err != nil {
			return "", fmt.Errorf("build: worker: %w", err)
		}
		for _, spec := range f.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return "", fmt.Errorf("build: worker: %w", err)
			}
			imports = append(imports, path)
		}
	}
	if err := b.Resolve(ctx, imports...); err != nil {
		return "", fmt.Errorf("build: what the worker imports: %w", err)
	}
	root := b.cfg.Cache
	if root == "" {
		root = b.cfg.Dir
	}
	dir := filepath.Join(root, fmt.Sprintf("worker-%x", h.Sum(nil)[:8]))
	program, archive := filepath.Join(dir, "worker"), filepath.Join(dir, "rt.a")
	_, err1 := os.Stat(program)
	_, err2 := os.Stat(archive)
	if err1 != nil || err2 != nil {
		if err := b.buildWorker(ctx, dir, rt, names); err != nil {
			return "", err
		}
	}
	b.mu.Lock()
	b.export[rtPath] = archive
	b.mu.Unlock()
	return program, nil
}

func (b *Builder) buildWorker(ctx context.Context, dir string, rt map[string]string, names []string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("build: worker: %w", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "worker-")
	if err != nil {
		return fmt.Errorf("build: worker: %w", err)
	}
	defer os.RemoveAll(tmp)
	var files []string
	for _, name := range names {
		files = append(files, filepath.Join(tmp, name))
		if err := os.WriteFile(filepath.Join(tmp, name), []byte(rt[name]), 0o644); err != nil {
			return fmt.Errorf("build: worker: %w", err)
		}
	}
	main := filepath.Join(tmp, "worker_main.go")
	if err := os.WriteFile(main, []byte(workerMain), 0o644); err != nil {
		return fmt.Errorf("build: worker: %w", err)
	}
	cfg, archive := filepath.Join(tmp, "importcfg"), filepath.Join(tmp, "rt.a")
	if err := b.importcfg(cfg); err != nil {
		return fmt.Errorf("build: worker: %w", err)
	}
	if err := b.compile(ctx, tmp, rtPath, cfg, archive, []string{"-complete"}, files); err != nil {
		return fmt.Errorf("build: worker: %w", err)
	}
	b.mu.Lock()
	b.export[rtPath] = archive
	b.mu.Unlock()
	if err := b.importcfg(cfg); err != nil {
		return fmt.Errorf("build: worker: %w", err)
	}
	if err := b.compile(ctx, tmp, "main", cfg, filepath.Join(tmp, "main.a"), []string{"-complete"}, []string{main}); err != nil {
		return fmt.Errorf("build: worker: %w", err)
	}
	if err := b.link(ctx, cfg, filepath.Join(tmp, "worker"), filepath.Join(tmp, "main.a"), "-buildmode=exe"); err != nil {
		return fmt.Errorf("build: worker: %w", err)
	}
	// Under a temporary name first: two kernels may start at the same time.
	if err := os.Rename(tmp, dir); err != nil && !errors.Is(err, fs.ErrExist) && !isDir(dir) {
		return fmt.Errorf("build: worker: %w", err)
	}
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
