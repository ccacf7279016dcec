package zoo

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// quantised returns an error if the file has a scale, which the network has not, beside a matrix in few bits: without
// the scale its values are others than in Python. Weights that were cast to 8 bits have none, and are read.
func (f *fit) quantised(sd *weights.StateDict) error {
	matrices := map[string]weights.Entry{} // by their module
	for _, e := range sd.Entries() {
		if fewBits(e.DType) && len(e.Shape) > 1 && !bookkeeping(e.Key) {
			matrices[owner(e.Key)] = e
		}
	}
	for _, key := range f.over {
		for _, module := range []string{owner(key), owner(owner(key))} { // "fc.weight_scale", "fc.weight.absmax"
			if e, ok := matrices[module]; ok && e.Key != key && isScale(key) {
				return fmt.Errorf("zoo: %s: %s is quantised (%v, with %s): load the checkpoint that it was made from, or save floats in Python (for transformers, model.dequantize() and save_pretrained)",
					sd.Source, e.Key, e.DType, key)
			}
		}
	}
	return nil
}

// fewBits reports whether elements have so few bits that weights in them may need a scale; the 32 bits of GPTQ and AWQ
// hold several weights.
func fewBits(d weights.DType) bool {
	return slices.Contains([]weights.DType{weights.F8E4M3, weights.F8E5M2, weights.I8, weights.U8, weights.I32, weights.U32}, d)
}

// isScale reports whether a key is of a tensor that quantised weights are multiplied with, by the names of torchao,
// compressed-tensors, Quanto, GPTQ and others, and by those of bitsandbytes.
func isScale(key string) bool {
	name := key[strings.LastIndexByte(key, '.')+1:]
	return strings.Contains(name, "scale") || name == "absmax" || name == "SCB"
}

// owner returns a key without its last name: that of the module of a tensor.
func owner(key string) string { return key[:max(0, strings.LastIndexByte(key, '.'))] }
