package goengine

import (
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// TestJoined: adjoints of slices that lie next to each other are put together, whatever the order of their sum; others
// are added.
func TestJoined(t *testing.T) {
	e, err := New("")
	if err != nil {
		t.Fatal(err)
	}
	f := newBuilder(e.(*Engine), "joins").main
	must := func(v val, err error) val {
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	zero := must(f.Constant([]float32{0}))
	among := func(name string, before, n, after int) val {
		x := must(f.Parameter(name, shapes.Make(dtypes.Float32, 4, n), nil))
		return must(f.Pad(x, zero, compute.PadAxis{}, compute.PadAxis{Start: before, End: after}))
	}
	a, b, c := among("a", 0, 2, 7), among("b", 2, 3, 4), among("c", 5, 4, 0)
	add := func(a, b val) val { return must(f.Add(a, b)) }
	for _, test := range []struct {
		what  string
		sum   val
		op    compute.OpType
		parts int
	}{
		{"all", add(add(a, b), c), compute.OpTypeConcatenate, 3},
		{"from the end", add(add(c, b), a), compute.OpTypeConcatenate, 3},
		{"the last two", add(b, c), compute.OpTypePad, 2},
		{"with a gap", add(a, c), compute.OpTypeAdd, 2},
		{"one twice", add(b, b), compute.OpTypeAdd, 2},
	} {
		n := test.sum.(*value).node
		if n.op != test.op || len(n.inputs) != test.parts {
			t.Errorf("%s: %s of %d, want %s of %d", test.what, n.op, len(n.inputs), test.op, test.parts)
		}
	}
}
