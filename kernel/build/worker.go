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
	"time"
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
	if len(b.cfg.Packages) > 0 {
		// Everything that cells may import goes into one library, which the worker loads.
		imports = append(append(imports, b.cfg.Packages...), stdForCells...)
		var broken *ImportError
		if err := b.Resolve(ctx, imports...); errors.As(err, &broken) {
			b.cfg.Logf("left out of the shared library: %v", err) // all others are in
		} else if err != nil {
			return "", fmt.Errorf("build: the workspace's packages: %w", err)
		}
		var lines []string
		b.mu.Lock()
		for path, export := range b.export {
			b.worker[path] = true
			// The file's name says what it holds; where it is differs where a user's cache shows another's.
			lines = append(lines, path+"="+filepath.Base(export))
		}
		b.mu.Unlock()
		slices.Sort(lines)
		fmt.Fprintln(h, lines)
	}
	root := b.cfg.Cache
	if root == "" {
		root = b.cfg.Dir
	}
	dir := filepath.Join(root, fmt.Sprintf("worker-%x", h.Sum(nil)[:8]))
	program, archive := filepath.Join(dir, "worker"), filepath.Join(dir, "rt.a")
	if !isFile(program) || !isFile(archive) {
		// Two kernels that start together need it once.
		unlock, err := lock(ctx, root)
		if err != nil {
			return "", fmt.Errorf("build: worker: %w", err)
		}
		if !isFile(program) || !isFile(archive) {
			err = b.buildWorker(ctx, dir, rt, names)
		}
		unlock()
		if err != nil {
			return "", err
		}
	}
	if b.cfg.Cache != "" {
		prune(root, dir)
	}
	b.mu.Lock()
	b.export[rtPath] = archive
	b.mu.Unlock()
	if _, err := os.Stat(filepath.Join(dir, sharedName)); err == nil {
		if b.lib, err = openShared(dir); err != nil {
			return "", err
		}
		b.mu.Lock()
		b.export[amdPath] = b.lib.addModD
		b.mu.Unlock()
	}
	return program, nil
}

// stdForCells are packages of the standard library that cells use often; what is not in
// the library becomes part of the plugins that use it.
var stdForCells = []string{"bufio", "bytes", "cmp", "container/heap", "container/list", "context", "crypto/md5", "crypto/rand", "crypto/sha256",
	"encoding/base64", "encoding/binary", "encoding/csv", "encoding/hex", "encoding/json", "encoding/xml", "errors", "fmt", "html", "html/template",
	"image/color", "image/draw", "image/gif", "image/jpeg", "image/png", "io", "io/fs", "iter", "log", "log/slog", "maps", "math", "math/big",
	"math/bits", "math/cmplx", "math/rand", "math/rand/v2", "net/http", "net/url", "os", "os/exec", "os/signal", "path", "path/filepath", "reflect",
	"regexp", "runtime", "runtime/cgo", "runtime/debug", "slices", "sort", "strconv", "strings", "sync", "sync/atomic", "testing",
	"testing/internal/testdeps", "text/tabwriter", "text/template", "time", "unicode", "unicode/utf8"}

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
	if len(b.cfg.Packages) > 0 {
		if err := b.buildShared(ctx, tmp); err != nil {
			if ctx.Err() != nil {
				return err
			}
			b.cfg.Logf("the shared library could not be made, cells will be slower: %v", err)
			os.Remove(filepath.Join(tmp, sharedName))
		}
	}
	flags := []string{"-buildmode=exe"}
	if lib := filepath.Join(tmp, sharedName); isFile(lib) {
		var text []byte
		b.mu.Lock()
		for path, export := range b.export {
			text = fmt.Appendf(text, "packagefile %s=%s\npackageshlib %s=%s\n", path, export, path, lib)
		}
		b.mu.Unlock()
		linkCfg := filepath.Join(tmp, "importcfg.link")
		if err := os.WriteFile(linkCfg, text, 0o644); err != nil {
			return fmt.Errorf("build: worker: %w", err)
		}
		flags = append(flags, "-linkshared", "-r", dir)
		defer os.Remove(linkCfg)
	}
	if err := b.compile(ctx, tmp, "main", cfg, filepath.Join(tmp, "main.a"), []string{"-complete"}, []string{main}); err != nil {
		return fmt.Errorf("build: worker: %w", err)
	}
	linkCfg := cfg
	if len(flags) > 1 {
		linkCfg = filepath.Join(tmp, "importcfg.link")
	}
	if err := b.link(ctx, linkCfg, filepath.Join(tmp, "worker"), filepath.Join(tmp, "main.a"), flags...); err != nil {
		return fmt.Errorf("build: worker: %w", err)
	}
	// Other users of the installation start it too.
	if err := os.Chmod(tmp, 0o755); err != nil {
		return fmt.Errorf("build: worker: %w", err)
	}
	// Under a temporary name first: two kernels may start at the same time.
	if err := os.Rename(tmp, dir); err != nil && !errors.Is(err, fs.ErrExist) && !isDir(dir) {
		return fmt.Errorf("build: worker: %w", err)
	}
	return nil
}

// Workers that nothing starts stay in the cache for keepUnused, and beyond the
// newest keepMany for a day: each is some 120 MB, and an installation that
// compiles against a checkout makes one with each edit there. A kernel that runs longer
// than that and then loses its worker must be restarted.
const (
	keepUnused = 7 * 24 * time.Hour
	keepMany   = 4
)

// prune marks a worker of the cache as used, and removes those that are not.
func prune(root, dir string) {
	const mark = "used"
	os.WriteFile(filepath.Join(dir, mark), nil, 0o644)
	dirs, err := filepath.Glob(filepath.Join(root, "worker-*"))
	if err != nil {
		return
	}
	used := map[string]time.Time{}
	for _, d := range dirs {
		info, err := os.Stat(filepath.Join(d, mark))
		if err != nil {
			info, err = os.Stat(d)
		}
		if err == nil {
			used[d] = info.ModTime()
		}
	}
	slices.SortFunc(dirs, func(a, b string) int { return used[b].Compare(used[a]) })
	for i, d := range dirs {
		age := time.Since(used[d])
		if d != dir && (age > keepUnused || i >= keepMany && age > 24*time.Hour) {
			os.RemoveAll(d)
		}
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
