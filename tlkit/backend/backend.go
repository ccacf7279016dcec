package backend

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// Engine is an engine that was opened and tested.
type Engine struct {
	// Backend runs graphs. It is not embedded: GoMLX compares engines by identity, and a wrapper would be another
	// engine.
	Backend compute.Backend
	// Config is the value of GOMLX_BACKEND that selects this engine: "go", "onnx:cpu", "xla:cuda".
	Config string
	// Why is half a sentence with the reason for the choice.
	Why string
	// Notices has a line for each engine that was tried before it and failed.
	Notices []string
}

// candidate is an engine that might work.
type candidate struct {
	config, why string
}

var (
	mu                   sync.Mutex
	opened, steps, infer *Engine
)

// Notify receives a line for each engine that can't be used.
var Notify io.Writer = os.Stderr

// NotifyMoved tells [Notify] that a network moves from an engine for inference alone to that of [General], and why.
func NotifyMoved(network string, from compute.Backend, err error) {
	to := "another engine"
	if e, err := General(from); err == nil {
		to = e.Config
	}
	fmt.Fprintf(Notify, "tlkit: %s runs on %s and not on %s, which can't compute it (%s)\n", network, to, from.Name(), firstLine(err))
}

// Default returns the engine of this process; the first call opens it. An error means that even the pure-Go engine
// failed; if another engine fails, the next one is used.
func Default() (*Engine, error) {
	mu.Lock()
	defer mu.Unlock()
	if opened != nil {
		return opened, nil
	}
	e, err := choose(candidates(os.Getenv))
	if err != nil {
		return nil, err
	}
	for _, n := range e.Notices {
		fmt.Fprintln(Notify, n)
	}
	opened = e
	return e, nil
}

// beside returns the engine for a part of the work, which choose takes for that of [Default] at the first
// call and chosen keeps.
func beside(chosen **Engine, choose func(general *Engine) *Engine) (*Engine, error) {
	general, err := Default()
	if err != nil {
		return nil, err
	}
	mu.Lock()
	defer mu.Unlock()
	if *chosen == nil {
		*chosen = choose(general)
	}
	return *chosen, nil
}

// candidates lists the engines to try, in the order of preference. It only checks files and environment variables, and
// opens nothing.
func candidates(getenv func(string) string) []candidate {
	var list []candidate
	if config := getenv("GOMLX_BACKEND"); config != "" && !inferenceOnly(config) {
		list = append(list, candidate{config: config, why: "GOMLX_BACKEND asks for it"})
	}
	return append(append(list, native(getenv)...), candidate{config: "go", why: goWhy()})
}

func goWhy() string {
	why := "no faster engine is installed (install.sh --engine onnx adds ONNX Runtime)"
	if runtime.GOARCH == "amd64" && !SIMD {
		why += "; it would be up to half faster again built with GOEXPERIMENT=simd"
	}
	return why
}

// choose opens the first candidate that works: it opens and passes a small computation.
func choose(list []candidate) (*Engine, error) {
	var notices []string
	for _, c := range list {
		b, err := open(c)
		if err == nil {
			return &Engine{Backend: b, Config: c.config, Why: c.why, Notices: notices}, nil
		}
		notices = append(notices, fmt.Sprintf("tlkit: engine %q can't be used (%s); trying the next one", c.config, firstLine(err)))
	}
	return nil, errors.New("tlkit: no engine works: " + strings.Join(notices, "; "))
}

// patience is the time limit for opening and testing an engine: a plugin that hangs must not hang the notebook.
const patience = 30 * time.Second

func open(c candidate) (compute.Backend, error) {
	type result struct {
		b   compute.Backend
		err error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		err := exceptions.TryCatch[error](func() { r.b, r.err = openAndTry(c) })
		if err != nil {
			r.err = err
		}
		done <- r
	}()
	select {
	case r := <-done:
		return r.b, r.err
	case <-time.After(patience):
		return nil, fmt.Errorf("it did not start within %s", patience)
	}
}

func openAndTry(c candidate) (compute.Backend, error) {
	config, prepare := resolve(c.config)
	if prepare != nil {
		if err := prepare(); err != nil {
			return nil, err
		}
	}
	b, err := compute.NewWithConfig(config)
	if err != nil {
		return nil, err
	}
	if opened := kindOf(c.config).opened; opened != nil {
		opened(b)
	}
	out, err := graph.CallOnce(b, func(x *graph.Node) *graph.Node { return graph.AddScalar(x, 1) }, []float32{1})
	if err != nil {
		return nil, fmt.Errorf("it opened but could not compute: %w", err)
	}
	if got := out.Value().([]float32)[0]; got != 2 {
		return nil, fmt.Errorf("it computed 1+1 = %g", got)
	}
	return b, nil
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
