package read

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute-onnx/support/protos"
)

// node is an operation of the graph.
type node struct {
	op, name string
	in, out  []string
	attrs    map[string]*protos.AttributeProto
	proto    *protos.NodeProto
}

// ofShape reports whether the node uses only the shape of its input.
func (v *node) ofShape() bool { return v.op == "Shape" || v.op == "Size" }

// String names a node in messages: its operator and its name or output.
func (v *node) String() string {
	name := v.name
	if name == "" && len(v.out) > 0 {
		name = v.out[0]
	}
	return fmt.Sprintf("%s (%.60q)", v.op, name)
}

// int returns a whole number among the attributes, or def.
func (v *node) int(name string, def int) int {
	if a := v.attrs[name]; a != nil {
		return int(a.I)
	}
	return def
}

// float returns a number among the attributes, or def.
func (v *node) float(name string, def float64) float64 {
	if a := v.attrs[name]; a != nil {
		return float64(a.F)
	}
	return def
}

// ints returns a list attribute, or n times def.
func (v *node) ints(name string, n, def int) []int {
	a := v.attrs[name]
	if a == nil || len(a.Ints) == 0 {
		return slices.Repeat([]int{def}, n)
	}
	out := make([]int, len(a.Ints))
	for i, x := range a.Ints {
		out[i] = int(x)
	}
	return out
}

// str returns a text among the attributes, or def.
func (v *node) str(name, def string) string {
	if a := v.attrs[name]; a != nil && len(a.S) > 0 {
		return string(a.S)
	}
	return def
}

// plainGemm reports whether a Gemm is x W' + b and nothing else.
func (v *node) plainGemm() bool {
	return v.float("alpha", 1) == 1 && v.float("beta", 1) == 1 && v.int("transA", 0) == 0
}
