package nn

import (
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// vjp gives the gradient with respect to one input, from the adjoint v of the output.
type vjp func(v *Node) *Node

// withGradient returns forward() with a hand-written gradient: vjps[i] for inputs[i].
//
// GoMLX lets a custom gradient be attached to an identity only, whose adjoint has the shape of its one input. So for
// each input a carrier of the output's shape is made whose two ends are such identities: the outer one catches the
// adjoint v, the inner one replaces what arrives by vjp(v). The carriers' values are never used: the gradient is
// routed to them as the "decomposed" form of the forward value, as GoMLX does for its fused operations, and engines
// run only what an output depends on.
func withGradient(forward func() *Node, inputs []*Node, vjps []vjp) *Node {
	if traitsOf(inputs[0]).Exported {
		return forward()
	}
	decomposed := func() *Node {
		y := forward()
		var sum *Node
		for i, x := range inputs {
			c := carrier(x, y, vjps[i])
			if sum == nil {
				sum = c
			} else {
				sum = Add(sum, c)
			}
		}
		// The value of y again, for the case that fused forms are switched off (GOMLX_FUSION).
		return Add(sum, StopGradient(Sub(y, sum)))
	}
	// A fresh node: the forward value itself may have been built already (GoMLX returns equal nodes anew, but the
	// alternative must hang on a node that comes later in the graph than the carriers).
	out, _ := InternalFusedOpCaller(func() *Node { return Identity(forward()) }, decomposed, true)
	return out
}

func carrier(x, y *Node, grad vjp) *Node {
	var adjoint *Node
	inner := IdentityWithCustomGradient(x, func(_, _ *Node) *Node { return grad(adjoint) })
	nx, ny := x.Shape().Size(), y.Shape().Size()
	flat := Reshape(inner, nx)
	switch {
	case nx > ny:
		flat = Slice(flat, AxisRange(0, ny))
	case nx < ny:
		flat = Concatenate([]*Node{flat, Zeros(x.Graph(), shapes.Make(y.DType(), ny-nx))}, 0)
	}
	outer := Reshape(flat, y.Shape().Dimensions...)
	return IdentityWithCustomGradient(outer, func(_, v *Node) *Node {
		adjoint = v
		return v
	})
}
