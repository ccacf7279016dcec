//go:build cgo && linux && amd64

package onednn

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute"

	"github.com/tlkit-go/tlkit-notebooks/internal/envpath"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine/kernels"
)

// Name is the engine's name, also its key in package compute and in tlkit/backend/traits.
const Name = "onednn"

// NameBfloat16 is the name of an engine with the option Bfloat16, and the key of its row in tlkit/backend/traits.
const NameBfloat16 = Name + ":" + Bfloat16

// LibraryEnv is the environment variable that names the file of oneDNN's library, such as libdnnl.so.3.2, built for
// libgomp.
const LibraryEnv = "ONEDNN_LIBRARY_PATH"

func init() { compute.Register(Name, New) }

// Bfloat16 is the option with which convolutions, their gradients and products of matrices round their operands to
// bfloat16, and add up and return float32. Those that gain nothing (see worthRounding), and all else, are computed in
// float32.
const Bfloat16 = "bf16"

// New opens the library that LibraryEnv names, for as many threads as Go uses (GOMAXPROCS) and OMP_THREAD_LIMIT allows.
// The error says why it can't be opened, or that a convolution's result is wrong. The configuration has options,
// separated by commas: Bfloat16, and those of GoMLX's pure-Go engine, which computes what neither oneDNN nor package
// kernels do.
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
	name, options, s, in := Name, strings.Split(config, ","), set{inFloat32}, ""
	if slices.Contains(options, Bfloat16) {
		if !computesBfloat16() {
			return nil, errors.New("onednn: option " + Bfloat16 + ": oneDNN finds no instructions for bfloat16 " +
				"(AVX512-BF16 or AMX) on this processor; compute in float32, without the option")
		}
		options = slices.DeleteFunc(options, func(o string) bool { return o == Bfloat16 })
		name, s, in = NameBfloat16, set{inBfloat16}, ", products in bfloat16"
	}
	if err := tryOut(s.operands); err != nil {
		return nil, fmt.Errorf("onednn: %s is not used: %w", path, err)
	}
	return goengine.NewWith(strings.Join(options, ","), goengine.Parts{EngineName: name, Kernels: s, Team: team,
		NewRunner: newRunner, What: fmt.Sprintf("oneDNN %s on %d threads%s, with %s's plan", version, threads, in, goengine.FullName)})
}
