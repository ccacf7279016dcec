package build

import (
	"context"
	"fmt"
	gobuild "go/build"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
)

// cgo runs the cgo tool and the C compiler over a package, as the go command would. It returns the Go files to compile
// instead of the given ones, and the object files to add to the archive.
func (b *Builder) cgo(ctx context.Context, dir, path string, files []string) (goFiles, objects []string, err error) {
	// go/build reads the #cgo lines.
	bctx := gobuild.Default
	bctx.CgoEnabled = true
	pkg, err := bctx.ImportDir(dir, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("build: cgo: %w", err)
	}
	cflags, ldflags, err := b.cgoFlags(ctx, dir, pkg)
	if err != nil {
		return nil, nil, err
	}
	if err := b.Resolve(ctx, "runtime/cgo", "syscall", "unsafe"); err != nil {
		return nil, nil, err
	}
	cgoNames := map[string]bool{}
	for _, name := range pkg.CgoFiles {
		cgoNames[name] = true
	}
	obj := filepath.Join(dir, "obj")
	if err := os.Mkdir(obj, 0o755); err != nil {
		return nil, nil, fmt.Errorf("build: %w", err)
	}
	var withC []string
	for _, f := range files {
		if cgoNames[filepath.Base(f)] {
			withC = append(withC, filepath.Base(f))
		} else {
			goFiles = append(goFiles, f)
		}
	}
	args := []string{"tool", "cgo", "-objdir", obj, "-importpath", path, "-trimpath", dir, "--", "-I", obj, "-O2", "-g0", "-fPIC"}
	args = append(append(args, cflags...), withC...)
	env := []string{"CGO_LDFLAGS=" + strings.Join(ldflags, " ")}
	if _, err := b.run(ctx, dir, env, b.goCmd, args...); err != nil {
		return nil, nil, err
	}
	goFiles = append(goFiles, filepath.Join(obj, "_cgo_gotypes.go"))
	cFiles := []string{"_cgo_export.c"}
	for _, name := range withC {
		base := strings.TrimSuffix(name, ".go")
		goFiles = append(goFiles, filepath.Join(obj, base+".cgo1.go"))
		cFiles = append(cFiles, base+".cgo2.c")
	}
	objects, err = b.compileC(ctx, dir, obj, cFiles, cflags)
	return goFiles, objects, err
}

// cgoFlags returns the flags for the C compiler and the linker that the #cgo lines of a package name.
func (b *Builder) cgoFlags(ctx context.Context, dir string, pkg *gobuild.Package) (cflags, ldflags []string, err error) {
	cflags = append(append([]string{}, pkg.CgoCPPFLAGS...), pkg.CgoCFLAGS...)
	ldflags = pkg.CgoLDFLAGS
	if len(pkg.CgoPkgConfig) > 0 {
		for _, kind := range []string{"--cflags", "--libs"} {
			out, err := b.run(ctx, dir, nil, "pkg-config", append([]string{kind}, pkg.CgoPkgConfig...)...)
			if err != nil {
				return nil, nil, err
			}
			if kind == "--cflags" {
				cflags = append(cflags, strings.Fields(string(out))...)
			} else {
				ldflags = append(ldflags, strings.Fields(string(out))...)
			}
		}
	}
	return cflags, ldflags, nil
}

// compileC compiles the C files of the folder obj, all at once, and returns the object files.
func (b *Builder) compileC(ctx context.Context, dir, obj string, cFiles, cflags []string) (objects []string, err error) {
	var g errgroup.Group
	for _, c := range cFiles {
		o := filepath.Join(obj, strings.TrimSuffix(c, ".c")+".o")
		objects = append(objects, o)
		g.Go(func() error {
			args := append([]string{"-I", obj, "-I", dir, "-O2", "-g0", "-fPIC", "-pthread", "-fmessage-length=0"}, cflags...)
			_, err := b.compiler(ctx, dir, append(args, "-o", o, "-c", filepath.Join(obj, c))...)
			return err
		})
	}
	return objects, g.Wait()
}
