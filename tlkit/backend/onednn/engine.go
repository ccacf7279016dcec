//go:build cgo && linux && amd64

package onednn

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute"

	"github.com/tlkit-go/tlkit-notebooks/internal/envpath"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine/kernels"
)

// Name is the engine's name, also its key in package compute and in tlkit/backend/traits.
const Name = "onednn"

// LibraryEnv is the environment variable that names the file of oneDNN's library, such as libdnnl.so.3.2, built for
// libgomp.
const LibraryEnv = "ONEDNN_LIBRARY_PATH"

func init() { compute.Register(Name, New) }

// New opens the library that LibraryEnv names, for as many threads as Go uses (GOMAXPROCS) and OMP_THREAD_LIMIT allows.
// The error says why it can't be opened, or that a convolution's result is wrong. The configuration is empty, or has
// options for GoMLX's pure-Go engine, which computes what neither oneDNN nor package kernels do.
func New(config string) (compute.Backend, error) {
	path, err := envpath.Get(LibraryEnv)
	if err != nil {
		return nil, fmt.Errorf("onednn: %w", err)
	}
	if path == "" {
		return nil, errors.New("onednn: no library; set " + LibraryEnv + " to libdnnl.so")
	}
	version, threads, err := open(path, kernels.Workers())
	if err != nil {
		return nil, err
	}
	if err := tryOut(); err != nil {
		return nil, fmt.Errorf("onednn: %s is not used: %w", path, err)
	}
	return goengine.NewWith(config, goengine.Parts{EngineName: Name, Kernels: set{}, Team: team, NewRunner: newRunner,
		What: fmt.Sprintf("oneDNN %s on %d threads, with %s's plan", version, threads, goengine.FullName)})
}
