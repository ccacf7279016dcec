// Command gpu measures TLKit on a machine with an NVIDIA GPU that has no network, no Go and no checkout: it packs
// everything that is needed into one file here, which brings back one JSON file from there.
//
//	GOEXPERIMENT=simd go run ./bench/gpu pack tlkit-gpu.tar.gz      here; for linux/amd64 and a glibc as new as here
//	tar xzf tlkit-gpu.tar.gz && ./tlkit-gpu/gpu run                 there: gpu.json
//
// There must be NVIDIA's driver, and a Python with torch, torchvision and jax's CUDA plugin (jax[cuda12] or
// jax[cuda13]), whose library is the engine. "run" first tests the engine (layers, gradients, golden logits of
// PyTorch), then times inferences and training steps of TLKit and of PyTorch in turn. A test that fails is a result:
// the exit code is 1 only if the JSON file could not be written, or nothing could be measured.
//
// "gpu run --engine go --python=" does the same on a processor, without PyTorch.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

// settings are the command line of "run".
type settings struct {
	engine, python, out string
	models              []string
	networks            string
	batch, steps        int
	limit               time.Duration
	// folder has the unpacked files.
	folder string
}

// testedNetworks have every kind of layer: compiling all of the zoo takes longer than such a machine is lent.
const testedNetworks = "^(resnet18|resnet50|mobilenet_v1_025|mobilenet_v2|densenet121|efficientnet_b0|regnet_y_400mf|shufflenet_v2_x1_0|squeezenet1_0|vit_b_16|swin_t|convnext_tiny)$"

func main() { os.Exit(command(os.Args[1:])) }

func command(args []string) int {
	err := errors.New("usage: gpu pack FILE.tar.gz, or gpu run [flags]; gpu run -h lists them")
	switch {
	case len(args) == 2 && args[0] == "pack":
		err = pack(args[1])
	case len(args) > 0 && args[0] == "run":
		var s settings
		if s, err = parse(args[1:]); errors.Is(err, flag.ErrHelp) {
			return 0
		}
		if err == nil {
			err = run(s)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gpu:", err)
		return 1
	}
	return 0
}

func parse(args []string) (s settings, err error) {
	fs := flag.NewFlagSet("gpu run", flag.ContinueOnError)
	fs.StringVar(&s.engine, "engine", "xla:cuda", "engine, as in GOMLX_BACKEND")
	fs.StringVar(&s.python, "python", "python3", "Python with torch, torchvision and jax's CUDA plugin; \"\" for none")
	fs.StringVar(&s.out, "json", "gpu.json", "file for the result")
	models := fs.String("model", "resnet18,resnet50,mobilenet_v2,vit_b_16,convnext_tiny,efficientnet_b0", "models to time")
	fs.StringVar(&s.networks, "networks", testedNetworks, "regular expression for the networks that are tested")
	fs.IntVar(&s.batch, "batch", 64, "images in a batch of 224")
	fs.IntVar(&s.steps, "steps", 12, "inferences and steps of each; the first two don't count")
	fs.DurationVar(&s.limit, "limit", 4*time.Minute, "longest time of one test or measurement")
	fs.StringVar(&s.folder, "folder", "", "folder with the unpacked files; default that of this program")
	if err := fs.Parse(args); err != nil {
		return s, err
	}
	if fs.NArg() > 0 || s.steps < 3 || s.batch < 1 || s.limit <= 0 {
		return s, fmt.Errorf("flags only, --steps of at least 3, --batch of at least 1 and a positive --limit; got %q", args)
	}
	for name := range strings.SplitSeq(*models, ",") {
		if name = strings.TrimSpace(name); name != "" {
			s.models = append(s.models, name)
		}
	}
	return s, nil
}
