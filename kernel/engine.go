package kernel

import (
	"context"
	"fmt"
	"strings"
)

// libDir returns the folder in which package backend looks for engines' libraries.
func (p Prefix) libDir() string { return p.join("lib") }

// installation is where engines are added.
type installation struct {
	prefix Prefix
	// venv is the Python environment whose pip downloads wheels.
	venv string
	// hasGPU: the machine has an NVIDIA GPU.
	hasGPU bool
}

// stepFunc reports a step of an installation.
type stepFunc = func(format string, args ...any)

// engine is an engine that can be added to an installation.
type engine struct {
	name string
	// add installs the engine and reports each step.
	add func(ctx context.Context, to installation, step stepFunc) error
}

// engines are the engines by the names that InstallOptions.Engine has for them. The pure-Go engine is always there.
var engines = []engine{
	{"auto", addAuto},
	{"go", func(_ context.Context, _ installation, step stepFunc) error {
		step("engine go: nothing to install, it is part of every program")
		return nil
	}},
	{"onnx", addONNX},
	{"openvino", openVINO.add},
	{"onednn", addOneDNN},
	{"xla", addXLA},
	{"cuda", addCUDA},
}

// EngineNames returns the values of InstallOptions.Engine.
func EngineNames() []string {
	var names []string
	for _, e := range engines {
		names = append(names, e.name)
	}
	return names
}

// engineNamed returns the engine of that name.
func engineNamed(name string) (engine, error) {
	for _, e := range engines {
		if e.name == name {
			return e, nil
		}
	}
	return engine{}, fmt.Errorf("kernel: unknown engine %q; known: %s", name, strings.Join(EngineNames(), ", "))
}

// addAuto takes CUDA's engine on an NVIDIA GPU; elsewhere, or where that can't be had, it takes ONNX Runtime and, where
// there are some for the processor, OpenVINO and oneDNN. An engine that can't be installed gives a line and no failure.
func addAuto(ctx context.Context, to installation, step stepFunc) error {
	if to.hasGPU {
		err := addCUDA(ctx, to, step)
		if err == nil {
			return nil
		}
		step("engine cuda can't be had, engine onnx is next: %s", oneLine(err))
	}
	if err := addONNX(ctx, to, step); err != nil {
		step("engine onnx can't be had, the pure-Go engine computes: %s", oneLine(err))
	}
	if hasUnpacked {
		if err := openVINO.add(ctx, to, step); err != nil {
			step("engine openvino can't be had, another one computes: %s", oneLine(err))
		}
		if err := addOneDNN(ctx, to, step); err != nil {
			step("engine onednn can't be had, another one computes: %s", oneLine(err))
		}
	}
	return nil
}
