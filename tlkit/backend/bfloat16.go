package backend

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/gomlx/compute"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/traits"
)

// bfloat16 has the engines of [InBfloat16], which are opened once: tensors belong to the engine that they were made on.
var bfloat16 struct {
	sync.Mutex
	oneDNN, openVINO *Engine
}

// InBfloat16 returns the engines that round the operands of convolutions and matrix products to bfloat16: oneDNN
// for training steps, and OpenVINO for inference where it is installed, else oneDNN. The error says what is
// missing; no engine that computes in float32 takes their place. GOMLX_BACKEND may name one of the two, with or
// without the option bf16.
func InBfloat16() (Choice, error) {
	asked := os.Getenv("GOMLX_BACKEND")
	word, _, _ := strings.Cut(asked, ":")
	if asked != "" && word != "onednn" && word != "openvino" {
		return Choice{}, fmt.Errorf("tlkit: GOMLX_BACKEND is %s, which does not compute in bfloat16; unset it, or set it to onednn", asked)
	}
	general, err := Default()
	if err != nil {
		return Choice{}, err
	}
	if asked == "" && onGPU(general.Config) {
		return Choice{}, fmt.Errorf("tlkit: engine %q does not compute in bfloat16; set GOMLX_BACKEND=onednn to compute on the processor",
			general.Config)
	}
	bfloat16.Lock()
	defer bfloat16.Unlock()
	if bfloat16.oneDNN == nil {
		if bfloat16.oneDNN, err = Open("onednn:bf16"); err != nil {
			return Choice{}, fmt.Errorf("tlkit: bfloat16 needs oneDNN and a processor with AVX512-BF16 or AMX: %w", err)
		}
	}
	c := Choice{Infer: bfloat16.oneDNN, Step: bfloat16.oneDNN, Why: "bfloat16 is asked for"}
	if word == "onednn" || openVINOLibrary(os.Getenv) == "" {
		return c, nil
	}
	if bfloat16.openVINO == nil {
		if bfloat16.openVINO, err = Open("openvino:bf16"); err != nil {
			fmt.Fprintf(Notify, "%s; %s computes instead\n", firstLine(err), c.Step.Config)
			return c, nil
		}
	}
	c.Infer = bfloat16.openVINO
	return c, nil
}

// General returns the engine for graphs that an engine for inference alone can't compute: that of [Default], or one in
// bfloat16 for an engine in bfloat16.
func General(inference compute.Backend) (*Engine, error) {
	if !traits.Of(inference).Bfloat16 {
		return Default()
	}
	c, err := InBfloat16()
	return c.Step, err
}
