//go:build linux

package session

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
	"github.com/tlkit-go/tlkit-notebooks/kernel/worker"
)

func (s *Session) start() error {
	var err error
	s.b, err = build.New(s.ctx, build.Config{Go: s.cfg.Go, Env: s.cfg.Env, Workspace: s.cfg.Workspace, Dir: s.cfg.Dir,
		Cache: s.cfg.Cache, Offline: s.cfg.Offline, Packages: s.cfg.Packages, Logf: s.cfg.Logf})
	if err != nil {
		return err
	}
	s.libs = newLibraries(s.fset, s.b)
	s.env.modDir = s.b.ModDir()
	if s.program, err = s.b.Worker(s.ctx, worker.Source()); err != nil {
		return err
	}
	if err := s.launch(); err != nil {
		return err
	}
	if err := s.selfTest(); err != nil {
		s.process().Close()
		return err
	}
	if len(s.cfg.Packages) > 0 {
		go func() {
			// The packages that cells probably import are looked up in advance.
			if err := s.b.Resolve(s.ctx, s.cfg.Packages...); err != nil {
				s.cfg.Logf("looking up the workspace's packages: %v", err)
			}
		}()
	}
	return nil
}

// launch starts a worker.
func (s *Session) launch() error {
	dir, _ := s.env.folder()
	if !isFolder(dir) { // a cell removed it
		dir = s.cfg.WorkDir
		s.env.changed(nil, nil, dir)
	}
	return s.runner.launch(worker.Config{Program: s.program, Dir: s.cfg.Dir, WorkDir: dir, Env: s.env.list(), Sink: s.out})
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// selfTest tests that the linker keeps a map literal that only a later cell uses; see package build. With a cache, the
// test runs once per worker program.
func (s *Session) selfTest() error {
	marker := filepath.Join(filepath.Dir(s.program), "maps-kept")
	if _, err := os.Stat(marker); err == nil {
		return nil
	}
	rt := build.RuntimePath
	first := "package cell\nimport rt \"" + rt + "\"\nvar M = map[string]int{\"a\": 1, \"b\": 2, \"c\": 3, \"d\": 4, \"e\": 5, \"f\": 6, \"g\": 7, \"h\": 8, \"i\": 9, \"j\": 10, \"k\": 11}\nfunc run() {}\nfunc init() { rt.Register(%d, run, nil) }\n"
	second := "package cell\nimport rt \"" + rt + "\"\nimport c \"%s\"\nfunc run() { if len(c.M) != 11 { panic(\"map literal lost\") } }\nfunc init() { rt.Register(%d, run, nil) }\n"
	n1, n2 := s.runner.takeRun(), s.runner.takeRun()
	for _, p := range []build.Package{
		{N: n1, Files: map[string]string{"t.go": fmt.Sprintf(first, n1)}, Imports: []string{rt}},
		{N: n2, Files: map[string]string{"t.go": fmt.Sprintf(second, build.Path(n1), n2)}, Imports: []string{rt, build.Path(n1)}},
	} {
		plugin, err := s.b.Cell(s.ctx, p)
		if err != nil {
			return fmt.Errorf("session: self-test of plugins: %w", err)
		}
		_, failure, err := s.process().Run(p.N, plugin.File, worker.With{Args: []string{"selftest"}})
		os.Remove(plugin.File)
		if err != nil {
			return fmt.Errorf("session: self-test of plugins: %w", err)
		}
		if failure != nil {
			return fmt.Errorf("session: this Go toolchain loses values between plugins (%s): live cells would go wrong silently; use the GoNB kernel", failure.Message)
		}
	}
	s.b.Drop(n1)
	s.b.Drop(n2)
	return os.WriteFile(marker, nil, 0o644)
}

// waitReady waits for the first worker.
func (s *Session) waitReady(ctx context.Context) error {
	select {
	case <-s.ready:
		return s.startErr
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fresh starts a new worker. With lost, it records the names as gone.
func (s *Session) fresh(lost bool) error {
	s.process().Close()
	s.names.forget(lost)
	s.b.ForgetRuns()
	return s.launch()
}
