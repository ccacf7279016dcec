//go:build linux

package session

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// path expands ~ and variables, relative to the kernel's folder.
func (s *Session) path(p string) string {
	p = os.Expand(p, func(name string) string {
		for i := len(s.env) - 1; i >= 0; i-- {
			if v, ok := strings.CutPrefix(s.env[i], name+"="); ok {
				return v
			}
		}
		return os.Getenv(name)
	})
	if rest, ok := strings.CutPrefix(p, "~"); ok && (rest == "" || rest[0] == '/') {
		if home, err := os.UserHomeDir(); err == nil {
			p = home + rest
		}
	}
	if !filepath.IsAbs(p) {
		p = filepath.Join(s.workDir, p)
	}
	return p
}

func (s *Session) chdir(dir string, say func(string, ...any)) *Error {
	if dir != "" {
		dir = s.path(dir)
		if err := s.process().Chdir(dir); err != nil {
			return magicError("%%cd: %v", err)
		}
		s.workDir = dir
		if err := s.process().Setenv("GONB_DIR", dir); err != nil {
			return magicError("%%cd: %v", err)
		}
	}
	say("%s", s.workDir)
	return nil
}

// shell runs a ! or !* line.
func (s *Session) shell(ctx context.Context, line string, m *magic, out Output) *Error {
	dir := s.workDir
	star := strings.HasPrefix(line, "*")
	if star {
		line, dir = line[1:], s.b.ModDir()
	}
	stdin := ""
	if m.withInputs {
		text, err := out.Input("", m.password)
		if err != nil {
			return magicError("!%s: no input: %v", line, err)
		}
		stdin = text + "\n"
		m.withInputs, m.password = false, false
	}
	if err := s.command(ctx, dir, stdin, star, "bash", "-c", line); err != nil {
		return err
	}
	if star {
		return s.modulesChanged(ctx)
	}
	return nil
}

// command runs a program with the cell's output.
func (s *Session) command(ctx context.Context, dir, stdin string, online bool, name string, args ...string) *Error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = s.commandEnv()
	if online {
		cmd.Env = append(s.b.Env(), s.env...)
	}
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Stdout, cmd.Stderr = &shellOutput{s.out, "stdout"}, &shellOutput{s.out, "stderr"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second // a child in the background may keep the pipes
	err := cmd.Run()
	s.out.flush()
	if ctx.Err() != nil {
		return interrupted()
	}
	if err != nil {
		return magicError("%s: %v", strings.TrimSpace(strings.Join(append([]string{name}, args...), " ")), err)
	}
	return nil
}

type shellOutput struct {
	k    *sink
	name string
}

func (o *shellOutput) Write(p []byte) (int, error) {
	o.k.Stream(o.name, p)
	return len(p), nil
}

func (s *Session) modulesChanged(ctx context.Context) *Error {
	changed, conflicts, err := s.b.ModulesChanged(ctx)
	if err != nil {
		return magicError("go.mod changed: %v", err)
	}
	if changed && len(conflicts) > 0 {
		s.out.text("stderr", fmt.Sprintf("go.mod changed packages that are loaded already: %s. Cells go on with the old version; the new one counts after a restart (%%reset keeps go.mod's new version only with the kernel's own restart: run the cells again after it).\n", strings.Join(conflicts, ", ")))
	}
	return nil
}

// runCellMagic runs %%writefile, %%script, %%bash and %%sh.
func (s *Session) runCellMagic(ctx context.Context, m *magic, out Output) *Error {
	word, rest, _ := strings.Cut(m.cellMagic, " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "writefile":
		flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
		if a, ok := strings.CutPrefix(rest, "-a "); ok {
			rest, flags = strings.TrimSpace(a), os.O_CREATE|os.O_WRONLY|os.O_APPEND
		}
		if rest == "" {
			return magicError("%%%%writefile needs a file: %%%%writefile [-a] FILE")
		}
		f, err := os.OpenFile(s.path(rest), flags, 0o644)
		if err != nil {
			return magicError("%%%%writefile: %v", err)
		}
		_, err = f.WriteString(m.rest)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return magicError("%%%%writefile: %v", err)
		}
		s.out.text("stdout", "wrote "+s.path(rest)+"\n")
		return nil
	case "script":
		if rest == "" {
			return magicError("%%%%script needs a command")
		}
		return s.command(ctx, s.workDir, m.rest, false, "bash", "-c", rest)
	}
	return s.command(ctx, s.workDir, m.rest, false, "bash", splitArgs(rest)...)
}

// capture copies the cell's output to a file, for %capture.
func (s *Session) capture(m *magic) (restore func(), err *Error) {
	if m.captureTo == "" {
		return func() {}, nil
	}
	flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	if m.captureAppend {
		flags = os.O_CREATE | os.O_WRONLY | os.O_APPEND
	}
	f, ferr := os.OpenFile(m.captureTo, flags, 0o644)
	if ferr != nil {
		return nil, magicError("%%capture: %v", ferr)
	}
	s.out.mu.Lock()
	s.out.copyTo = func(b []byte) { f.WriteString(strip(string(b))) }
	s.out.mu.Unlock()
	return func() {
		s.out.mu.Lock()
		s.out.copyTo = nil
		s.out.mu.Unlock()
		f.Close()
	}, nil
}
