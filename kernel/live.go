package kernel

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/environ"
	"github.com/tlkit-go/tlkit-notebooks/internal/envpath"
	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
	"github.com/tlkit-go/tlkit-notebooks/kernel/language"
	"github.com/tlkit-go/tlkit-notebooks/kernel/protocol"
	"github.com/tlkit-go/tlkit-notebooks/kernel/session"
)

// Live runs the live kernel: it serves Jupyter until it is told to shut down. Run starts it, with a separate folder in
// TLKIT_KERNEL_DIR.
func Live(p Prefix, connectionFile string) (int, error) {
	m, err := ReadManifest(p)
	if err != nil {
		return 1, err
	}
	dir := os.Getenv(envKernelDir)
	if dir == "" {
		return 1, fmt.Errorf("kernel: %s is not set; tlkernel run starts the live kernel", envKernelDir)
	}
	installed := m
	if m, err = installed.forUser(p, dir); err != nil {
		return 1, err
	}
	connection, err := protocol.ReadConnection(connectionFile)
	if err != nil {
		return 1, err
	}
	log, err := openLog()
	if err != nil {
		return 1, err
	}
	defer log.Close()
	logf := func(format string, args ...any) {
		fmt.Fprintf(log, time.Now().Format("15:04:05.000 ")+format+"\n", args...)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	sess, err := liveSession(ctx, p, m, dir, connection.ID, logf)
	if err != nil {
		// The kernel runs all the same: each cell's error then gives the reason.
		logf("no session: %v", err)
	}
	engine := &liveEngine{session: sess, err: err}
	if sess != nil {
		engine.language = language.New(language.Config{Source: liveSource{sess, make(chan struct{}, 1), logf}, Gopls: p.Bin("gopls"),
			Env: languageEnv(p, sess.SourceDir(), installed, m), Commands: liveCommands(), Logf: logf})
	}
	config := protocol.Config{Connection: connection, Engine: engine, Info: liveInfo(m), WidgetScript: widgetScript(p, connection.ID), Log: log}
	if engine.language != nil {
		config.Language = liveLanguage{engine.language}
	}
	server, err := protocol.NewServer(config)
	if err != nil {
		return 1, err
	}
	engine.followSignals(cancel)
	server.Serve(ctx)
	engine.close()
	return 0, nil
}

// openLog opens the file that TLKIT_KERNEL_LOG names, else one that keeps nothing.
func openLog() (*os.File, error) {
	path, err := envpath.Get(envKernelLog)
	if err != nil {
		return nil, fmt.Errorf("kernel: log: %w", err)
	}
	path = cmp.Or(path, os.DevNull)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("kernel: log: %w", err)
	}
	return file, nil
}

// followSignals makes an interrupt, of a terminal or of a client that sends no messages, stop the running cell, and
// other signals end the kernel.
func (e *liveEngine) followSignals(end func()) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		for sig := range signals {
			if sig == os.Interrupt {
				e.Interrupt()
			} else {
				end()
			}
		}
	}()
}

// liveSession starts a session whose cells compile against the workspace of p.
func liveSession(ctx context.Context, p Prefix, m *Manifest, dir, id string, logf func(string, ...any)) (*session.Session, error) {
	own := filepath.Join(dir, "session")
	if err := os.MkdirAll(own, 0o755); err != nil {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	cells := append(cellEnv(m.GoCache), "GOMODCACHE="+m.GoModCache, "GONB_JUPYTER_KERNEL_ID="+id)
	env := append(build.CleanEnv(os.Environ(), dir), "GOTOOLCHAIN=local")
	return session.New(ctx, session.Config{Workspace: p.workspaceDir(), Dir: own, Go: filepath.Join(m.GoRoot, "bin", "go"),
		Env: append(env, cells...), CommandEnv: append(build.CommandEnv(os.Environ()), cells...),
		Packages: m.Packages, Cache: m.liveCache(p), Offline: true, Logf: logf})
}

// languageEnv returns the environment of the language server for cells in dir. In an installation of another user it
// reads modules from the installation's folder until cells have others: Go's build cache keeps what cgo writes by the
// path of a module, and the user's own folder is another path.
func languageEnv(p Prefix, dir string, installed, own *Manifest) func() []string {
	want, wantErr := os.ReadFile(filepath.Join(p.workspaceDir(), "go.mod"))
	return func() []string {
		modules := installed.GoModCache
		if have, err := os.ReadFile(filepath.Join(dir, "go.mod")); errors.Join(wantErr, err) == nil && !bytes.Equal(have, want) {
			modules = own.GoModCache
		}
		return environ.Set(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=mod", "GOMODCACHE="+modules)
	}
}

func liveInfo(m *Manifest) protocol.Info {
	version := strings.TrimPrefix(m.GoVersion, "go")
	return protocol.Info{Implementation: "tlkernel", ImplementationVersion: Version, GoVersion: version,
		Banner: "Go " + version + ", live cells: what a cell declares stays for the next. %help lists the kernel's commands.",
		HelpLinks: [][2]string{{"Go", "https://go.dev/doc"}, {"Go packages", "https://pkg.go.dev"},
			{"GoMLX", "https://pkg.go.dev/github.com/gomlx/gomlx"}}}
}

// liveEngine runs cells in a session for the protocol.
type liveEngine struct {
	session  *session.Session // nil when err holds the reason
	err      error
	language *language.Service
}

func (e *liveEngine) Execute(ctx context.Context, cell *protocol.Cell, out *protocol.Output) *protocol.Error {
	if e.session == nil {
		text := e.err.Error() + "; kernel \"" + gonbDisplayName + "\" may work"
		return &protocol.Error{Name: "NoLiveCells", Value: text, Traceback: []string{text}}
	}
	c := &session.Cell{Code: cell.Code, Count: cell.Count, ID: cell.ID, Silent: cell.Silent, Fields: cell.Fields, UserExpressions: cell.Expressions}
	cellCtx, ended := context.WithCancel(ctx)
	defer ended() // input requests that the cell left open
	shown := liveOutput{cellCtx, out}
	if cell.Fields == nil {
		if form := e.session.Form(cell.Code); form != nil {
			out.Form(liveForm(form))
		}
	}
	failure := e.session.Execute(ctx, c, shown)
	cell.Values = c.Values
	if !cell.Silent {
		e.session.SetIdleOutput(liveOutput{context.WithoutCancel(ctx), out})
	}
	// Now, and not before the first cell, because it takes processor time that the cell needs.
	e.language.Start()
	if failure == nil {
		return nil
	}
	return &protocol.Error{Name: failure.Name, Value: failure.Value, Traceback: failure.Traceback}
}

// liveForm returns a session's form in the protocol's form.
func liveForm(f *session.Form) protocol.Form {
	out := protocol.Form{Title: f.Title, Problems: f.Problems}
	bound := func(x float64) *float64 {
		if math.IsNaN(x) {
			return nil
		}
		return &x
	}
	for _, field := range f.Fields {
		out.Fields = append(out.Fields, protocol.FormField{Name: field.Name, Kind: field.Kind, Value: field.Value, Options: field.Options, Free: field.Free, Placeholder: field.Placeholder,
			Min: bound(field.Min), Max: bound(field.Max), Step: bound(field.Step)})
	}
	return out
}

func (e *liveEngine) Interrupt() {
	if e.session != nil {
		e.session.Interrupt()
	}
}

func (e *liveEngine) Stop() {
	if e.session != nil {
		e.session.Stop()
	}
}

func (e *liveEngine) IsComplete(code string) (status, indent string) {
	if e.session == nil {
		return "unknown", ""
	}
	return e.session.IsComplete(code)
}

func (e *liveEngine) Deliver(address string, value any) {
	if e.session != nil {
		e.session.SendComm(address, value)
	}
}

func (e *liveEngine) close() {
	if e.session != nil {
		e.session.Close()
		e.language.Close()
	}
}

// warmLive runs two cells, one that needs nothing and one that imports all that notebooks may import, so that the first
// cell of a notebook finds everything compiled. Its error is the reason why there can be no live cells on this machine.
func warmLive(ctx context.Context, p Prefix, m *Manifest) error {
	dir, err := os.MkdirTemp("", "tlkit-kernel-")
	if err != nil {
		return fmt.Errorf("kernel: %w", err)
	}
	defer os.RemoveAll(dir)
	sess, err := liveSession(ctx, p, m, dir, "", func(string, ...any) {})
	if err != nil {
		return err
	}
	defer sess.Close()
	var imports strings.Builder
	imports.WriteString("import (\n")
	for _, path := range m.Packages {
		fmt.Fprintf(&imports, "\t_ %q\n", path)
	}
	imports.WriteString(")\n")
	for i, code := range []string{"6 * 7", imports.String()} {
		shown := new(warmOutput)
		if failure := sess.Execute(ctx, &session.Cell{Code: code, Count: i + 1}, shown); failure != nil {
			if i > 0 && ctx.Err() == nil {
				return nil // a package that does not compile is reported by warm
			}
			return failure
		}
		if i == 0 && shown.text != "42" {
			return fmt.Errorf("a cell of 6 * 7 gave %q", shown.text)
		}
	}
	return nil
}

// warmOutput keeps the text of a result.
type warmOutput struct{ text string }

func (o *warmOutput) Result(bundle, metadata map[string]any) {
	o.text = fmt.Sprint(bundle["text/plain"])
}
func (*warmOutput) Stream(name, text string)                          {}
func (*warmOutput) Display(bundle, metadata map[string]any, _ string) {}
func (*warmOutput) Update(bundle, metadata map[string]any, _ string)  {}
func (*warmOutput) ClearOutput(wait bool)                             {}
func (*warmOutput) Input(string, bool) (string, error)                { return "", errors.New("no input at install") }
func (*warmOutput) Comm(session.CommRequest)                          {}
func (*warmOutput) Page(map[string]any)                               {}
func (*warmOutput) NextInput(string, bool)                            {}
