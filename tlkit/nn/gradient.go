package nn

import (
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
)

// vjp returns the gradient with respect to one input, from the adjoint v of the output (vector-Jacobian product).
type vjp func(v *Node) *Node

// withGradient returns forward() with a hand-written gradient: vjps[i] for inputs[i].
//
// GoMLX attaches a custom gradient only to an identity, whose adjoint has the shape of its one input. So for each input
// a carrier of the output's shape is made that begins and ends with such an identity: the outer one records the adjoint
// v, the inner one replaces the adjoint that reaches it by vjp(v). The carriers' values are never used. They are the
// "decomposed" form of the forward value, as in GoMLX's fused operations, so that the gradient goes through them.
// Engines run only nodes that an output depends on.
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
		// This sum has the value of y, for the case that fused forms are switched off (GOMLX_FUSION).
		return Add(sum, StopGradient(Sub(y, sum)))
	}
	// Identity makes a new node: the forward value may already exist in the graph (GoMLX returns the same node for
	// equal ones), but the alternative must belong to a node that comes after the carriers.
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
