package nn

import (
	"math"

	. "github.com/gomlx/gomlx/core/graph"
)

// GELU is x*Phi(x), Phi being the distribution function of the standard normal distribution (Hendrycks and Gimpel
// 2016, arXiv 1606.08415, section 2): the exact form with erf, as torch.nn.GELU by default, not the tanh one.
func GELU(x *Node) *Node {
	// Phi(x) = (1 + erf(x/sqrt(2)))/2
	phi := func() *Node { return MulScalar(AddScalar(Erf(MulScalar(x, 1/math.Sqrt2)), 1), 0.5) }
	return withGradient(func() *Node { return Mul(x, phi()) }, []*Node{x}, []vjp{func(v *Node) *Node {
		density := MulScalar(Exp(MulScalar(Mul(x, x), -0.5)), 1/math.Sqrt(2*math.Pi))
		return Mul(v, Add(phi(), Mul(x, density)))
	}})
}
