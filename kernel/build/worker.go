package build

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/infolder"
)

const rtPath = "nb/rt"

// RuntimePath is the import path of package rt in worker and cells.
const RuntimePath = rtPath

// workerMain is the worker's main package, and displayMain the one with GoNB's display library.
const (
	workerMain = `package main

import "nb/rt"

func main() { rt.Main(nil) }
`
	displayPath = "github.com/janpfeifer/gonb/gonbui"
	displayMain = `package main

import (
	"nb/rt"

	"` + displayPath + `"
)

func main() { rt.Main(gonbui.Open) }
`
)

// Worker compiles the worker from the source of package rt (file names and contents), and makes rt importable for cells
// as nb/rt. It returns the program's path. With a Cache, a second call with the same settings uses the cached worker.
func (b *Builder) Worker(ctx context.Context, rt map[string]string) (string, error) {
	imports, err := importsOf(rt)
	if err != nil {
		return "", fmt.Errorf("build: worker: %w", err)
	}
	if err := b.Resolve(ctx, imports...); err != nil {
		return "", fmt.Errorf("build: what the worker imports: %w", err)
	}
	if len(b.cfg.Packages) > 0 {
		// All packages that cells may import go into one library, which the worker loads.
		var broken *ImportError
		if err := b.Resolve(ctx, slices.Concat(b.cfg.Packages, stdForCells)...); errors.As(err, &broken) {
			b.cfg.Logf("left out of the shared library: %v", err) // all others are included
		} else if err != nil {
			return "", fmt.Errorf("build: the workspace's packages: %w", err)
		}
	}
	root := cmp.Or(b.cfg.Cache, b.cfg.Dir)
	dir := filepath.Join(root, "worker-"+b.workerKey(rt))
	if !isWorker(dir) {
		// Two kernels that start together build it once.
		unlock, err := lock(ctx, root)
		if err != nil {
			return "", fmt.Errorf("build: worker: %w", err)
		}
		if !isWorker(dir) {
			err = b.buildWorker(ctx, dir, rt)
		}
		unlock()
		if err != nil {
			return "", fmt.Errorf("build: worker: %w", err)
		}
	}
	if b.cfg.Cache != "" {
		prune(root, dir)
	}
	return filepath.Join(dir, "worker"), b.useWorker(dir)
}

// isWorker reports whether dir holds a completely built worker.
func isWorker(dir string) bool {
	return isFile(filepath.Join(dir, "worker")) && isFile(filepath.Join(dir, "rt.a"))
}

// useWorker makes package rt of a compiled worker, and the shared library next to it, known for cells.
func (b *Builder) useWorker(dir string) error {
	b.mu.Lock()
	b.export[rtPath] = filepath.Join(dir, "rt.a")
	b.mu.Unlock()
	if !isFile(filepath.Join(dir, sharedName)) {
		return nil
	}
	lib, err := openShared(dir)
	if err != nil {
		return err
	}
	b.lib = lib
	b.mu.Lock()
	b.export[amdPath] = lib.addModD
	b.mu.Unlock()
	return nil
}

// importsOf returns the imports of Go source files, given by file name.
func importsOf(files map[string]string) ([]string, error) {
	var imports []string
	for name, text := range files {
		if !strings.HasSuffix(name, ".go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			return nil, err
		}
		for _, spec := range f.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return nil, err
			}
			imports = append(imports, path)
		}
	}
	return imports, nil
}

// workerKey returns a digest of all inputs of a worker: settings, package rt, and the packages that go into its
// library.
func (b *Builder) workerKey(rt map[string]string) string {
	h := sha256.New()
	fmt.Fprintln(h, b.settings)
	for _, name := range slices.Sorted(maps.Keys(rt)) {
		fmt.Fprintln(h, name, len(rt[name]), rt[name])
	}
	if len(b.cfg.Packages) > 0 {
		var lines []string
		b.mu.Lock()
		for path, export := range b.export {
			b.worker[path] = true
			// The file's name identifies its content; its folder differs where a user's cache shows another user's.
			lines = append(lines, path+"="+filepath.Base(export))
		}
		b.mu.Unlock()
		slices.Sort(lines)
		fmt.Fprintln(h, lines)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}

// stdForCells are packages of the standard library that cells use often. A package that is not in the library becomes
// part of the plugins that use it.
var stdForCells = []string{"bufio", "bytes", "cmp", "container/heap", "container/list", "context", "crypto/md5", "crypto/rand", "crypto/sha256",
	"encoding/base64", "encoding/binary", "encoding/csv", "encoding/hex", "encoding/json", "encoding/xml", "errors", "fmt", "html", "html/template",
	"image/color", "image/draw", "image/gif", "image/jpeg", "image/png", "io", "io/fs", "iter", "log", "log/slog", "maps", "math", "math/big",
	"math/bits", "math/cmplx", "math/rand", "math/rand/v2", "net/http", "net/url", "os", "os/exec", "os/signal", "path", "path/filepath", "reflect",
	"regexp", "runtime", "runtime/cgo", "runtime/debug", "slices", "sort", "strconv", "strings", "sync", "sync/atomic", "testing",
	"testing/internal/testdeps", "text/tabwriter", "text/template", "time", "unicode", "unicode/utf8"}

// buildWorker compiles package rt, the shared library and the worker into dir.
func (b *Builder) buildWorker(ctx context.Context, dir string, rt map[string]string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	// The build goes to a temporary name first, because two kernels may start at the same time.
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "worker-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := b.compileRuntime(ctx, tmp, rt); err != nil {
		return err
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
	if err := b.linkWorker(ctx, tmp, dir); err != nil {
		return err
	}
	// Other users of the installation start this program too.
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil && !errors.Is(err, fs.ErrExist) && !isDir(dir) {
		return err
	}
	return nil
}

// compileRuntime compiles package rt to tmp/rt.a.
func (b *Builder) compileRuntime(ctx context.Context, tmp string, rt map[string]string) error {
	var files []string
	asm := ""
	for _, name := range slices.Sorted(maps.Keys(rt)) {
		file := filepath.Join(tmp, name)
		if err := os.WriteFile(file, []byte(rt[name]), 0o644); err != nil {
			return err
		}
		switch {
		case strings.HasSuffix(name, "_"+b.cfg.GOARCH+".s"):
			asm = file
		case strings.HasSuffix(name, ".go"):
			files = append(files, file)
		}
	}
	cfg, archive := filepath.Join(tmp, "importcfg"), filepath.Join(tmp, "rt.a")
	if err := b.importcfg(cfg); err != nil {
		return err
	}
	if err := b.compileWith(ctx, tmp, rtPath, cfg, archive, files, asm); err != nil {
		return err
	}
	b.mu.Lock()
	b.export[rtPath] = archive
	b.mu.Unlock()
	return b.importcfg(cfg)
}

// linkWorker compiles and links the worker's program to tmp/worker, against the library in tmp if there is one. The
// program will load the library from dir.
func (b *Builder) linkWorker(ctx context.Context, tmp, dir string) error {
	main, archive, cfg := filepath.Join(tmp, "worker_main.go"), filepath.Join(tmp, "main.a"), filepath.Join(tmp, "importcfg")
	out, lib := filepath.Join(tmp, "worker"), filepath.Join(tmp, sharedName)
	program := workerMain
	b.mu.Lock()
	if b.export[displayPath] != "" && isFile(lib) {
		program = displayMain
	}
	b.mu.Unlock()
	if err := os.WriteFile(main, []byte(program), 0o644); err != nil {
		return err
	}
	if err := b.compile(ctx, tmp, "main", cfg, archive, []string{"-complete"}, []string{main}); err != nil {
		return err
	}
	if !isFile(lib) {
		return b.linkHost(ctx, tmp, anyLinkname, "-importcfg", cfg, "-o", out, "-s", "-w", "-buildmode=exe", archive)
	}
	var text []byte
	b.mu.Lock()
	for path, export := range b.export {
		text = fmt.Appendf(text, "packagefile %s=%s\npackageshlib %s=%s\n", path, export, path, lib)
	}
	b.mu.Unlock()
	cfg = filepath.Join(tmp, "importcfg.link")
	if err := os.WriteFile(cfg, text, 0o644); err != nil {
		return err
	}
	defer os.Remove(cfg)
	return b.link(ctx, cfg, out, archive, "-buildmode=exe", "-linkshared", "-r", dir)
}

// A worker that no kernel starts stays in the cache for keepUnused; of those beyond the newest keepMany, for a day.
// Each is some 120 MB, and an installation that compiles against a checkout makes one with each edit there. A kernel
// that runs longer than that and then loses its worker must be restarted.
const (
	keepUnused = 7 * 24 * time.Hour
	keepMany   = 4
)

// prune marks a worker of the cache as used, and removes unused ones.
func prune(root, dir string) {
	const mark = "used"
	os.WriteFile(filepath.Join(dir, mark), nil, 0o644)
	dirs, err := infolder.Glob(root, "worker-*")
	if err != nil {
		return
	}
	// The folder may be shared with other things (install --livecache).
	dirs = slices.DeleteFunc(dirs, func(d string) bool { return !isFile(filepath.Join(d, "importcfg")) })
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
