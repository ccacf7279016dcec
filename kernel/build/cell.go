package build

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Package is the source of one run.
type Package struct {
	// N is the run's number; the import path is Path(N).
	N int
	// Files are Go source by file name.
	Files map[string]string
	// Imports are the import paths that the files use, other runs' included.
	Imports []string
	// Cgo reports whether a file imports "C".
	Cgo bool
	// Edit changes the file of the compiled package before it is linked; it may be nil.
	Edit func(file string) error
}

// Plugin is a compiled run.
type Plugin struct {
	// File is the plugin's file. It may be deleted once the plugin is open.
	File string
	// Compile and Link are how long each took.
	Compile, Link time.Duration
}

// Path returns the import path of run n.
func Path(n int) string { return "nb/r" + strconv.Itoa(n) }

// Cell compiles and links one run. The package stays importable for later runs until Drop.
func (b *Builder) Cell(ctx context.Context, p Package) (*Plugin, error) {
	if err := b.Resolve(ctx, p.Imports...); err != nil {
		return nil, err
	}
	start := time.Now()
	dir := filepath.Join(b.cfg.Dir, "pkg", "r"+strconv.Itoa(p.N))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, fmt.Errorf("build: run %d: %w", p.N, err) // also if the number was used before
	}
	defer os.RemoveAll(dir)
	cfg := filepath.Join(dir, "importcfg")
	archive, err := b.compileCell(ctx, dir, cfg, p)
	if err != nil {
		return nil, err
	}
	compiled := time.Now()
	b.mu.Lock()
	b.export[Path(p.N)] = archive
	b.mu.Unlock()
	plugin := filepath.Join(b.cfg.Dir, "r"+strconv.Itoa(p.N)+".so")
	if b.lib != nil {
		if err = b.linkShared(ctx, dir, p.N, plugin, archive); err != nil {
			b.cfg.Logf("linking run %d against the shared library: %v", p.N, err)
		}
	}
	if (b.lib == nil || err != nil) && ctx.Err() == nil {
		err = b.linkWhole(ctx, cfg, p.N, plugin, archive)
	}
	if err != nil {
		b.Drop(p.N)
		return nil, err
	}
	return &Plugin{File: plugin, Compile: compiled.Sub(start), Link: time.Since(compiled)}, nil
}

// compileCell compiles a run in dir, with the import configuration in the file cfg, and returns its archive.
func (b *Builder) compileCell(ctx context.Context, dir, cfg string, p Package) (archive string, err error) {
	if err := b.importcfg(cfg); err != nil {
		return "", fmt.Errorf("build: %w", err)
	}
	files, err := b.writeFiles(dir, p)
	if err != nil {
		return "", fmt.Errorf("build: %w", err)
	}
	archive = filepath.Join(b.cfg.Dir, "pkg", "r"+strconv.Itoa(p.N)+".a")
	flags := []string{"-d=wrapglobalmapctl=1"}
	var objects []string
	if p.Cgo {
		if files, objects, err = b.cgo(ctx, dir, Path(p.N), files); err != nil {
			return "", err
		}
		if err := b.importcfg(cfg); err != nil { // cgo's own imports
			return "", fmt.Errorf("build: %w", err)
		}
	} else {
		flags = append(flags, "-complete")
	}
	if err := b.compile(ctx, dir, Path(p.N), cfg, archive, flags, files); err != nil {
		return "", err
	}
	if p.Edit != nil {
		if err := p.Edit(archive); err != nil {
			return "", fmt.Errorf("build: %w", err)
		}
	}
	return archive, b.pack(ctx, dir, archive, objects)
}

// writeFiles writes a run's source into dir and returns the paths, sorted.
func (b *Builder) writeFiles(dir string, p Package) (files []string, err error) {
	sources := maps.Clone(p.Files)
	if b.lib != nil {
		sources["amd.go"] = packageClause(p.Files) + "\n\nimport _ \"" + amdPath + "\"\n"
	}
	for name, src := range sources {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(src), 0o644); err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	slices.Sort(files)
	return files, nil
}

// packageClause returns the package clause of a package's files.
func packageClause(files map[string]string) string {
	for _, text := range files {
		line, _, _ := strings.Cut(text, "\n")
		return line
	}
	return ""
}

// linkWhole links a run with all packages that it uses. For those that the worker already has, the dynamic linker takes
// the worker's.
func (b *Builder) linkWhole(ctx context.Context, cfg string, n int, plugin, archive string) error {
	var with []string
	if b.lib != nil { // the runtime in the plugin has its own addmoduledata
		with = []string{amdPath, b.lib.noAddModD}
	}
	if err := b.importcfg(cfg, with...); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	link := func(archive string) error {
		return b.link(ctx, cfg, plugin, archive, "-buildmode=plugin", "-pluginpath="+Path(n))
	}
	err := link(archive)
	missing := undefined(err)
	if len(missing) == 0 {
		return err
	}
	// The library has bodies for methods that only exist as instructions; without it the plugin needs them.
	object, err := b.defineMissing(ctx, filepath.Dir(cfg), missing)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(archive)
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	whole := filepath.Join(filepath.Dir(cfg), "whole.a") // a copy: later cells must not define them again
	if err := os.WriteFile(whole, data, 0o644); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	if err := b.pack(ctx, filepath.Dir(cfg), whole, []string{object}); err != nil {
		return err
	}
	return link(whole)
}

// Drop removes a run that failed: no later run may import it.
func (b *Builder) Drop(n int) {
	b.mu.Lock()
	archive := b.export[Path(n)]
	delete(b.export, Path(n))
	b.mu.Unlock()
	if archive != "" {
		os.Remove(archive)
	}
}

// pack adds the objects of cgo to a package.
func (b *Builder) pack(ctx context.Context, dir, archive string, objects []string) error {
	if len(objects) == 0 {
		return nil
	}
	_, err := b.run(ctx, dir, nil, b.goCmd, append([]string{"tool", "pack", "r", archive}, objects...)...)
	return err
}

// PositionDir is the folder of file names in line directives. It is not in compiled code: after //line
// PositionDir/cell 6:3, runtime.Caller and package log have the file name cell 6.
const PositionDir = "/nb-cells"

func (b *Builder) compile(ctx context.Context, dir, path, importcfg, archive string, flags, files []string) error {
	args := append([]string{"-p", path, "-o", archive, "-dynlink", "-linkshared", "-pack", "-trimpath", dir + ";" + PositionDir, "-importcfg", importcfg}, flags...)
	_, err := b.run(ctx, dir, toolEnv, filepath.Join(b.toolDir, "compile"), append(args, files...)...)
	return err
}

// toolEnv turns the garbage collector off in compiler and linker: they end within a second.
var toolEnv = []string{"GOGC=off"}

func (b *Builder) link(ctx context.Context, importcfg, out, archive string, flags ...string) error {
	args := append([]string{"-importcfg", importcfg, "-o", out, "-s", "-w", "-extld=" + compilerText()}, flags...)
	said, err := b.run(ctx, b.cfg.Dir, toolEnv, filepath.Join(b.toolDir, "link"), append(args, archive)...)
	b.logLines("link", said)
	return err
}

// ForgetRuns drops all runs, for a fresh worker. Their numbers are not used again.
func (b *Builder) ForgetRuns() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for path, archive := range b.export {
		if path != rtPath && path != amdPath && strings.HasPrefix(path, "nb/") {
			os.Remove(archive)
			delete(b.export, path)
		}
	}
}
