package nn

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// HardSigmoid is min(max(x+3, 0), 6)/6, as torch.nn.Hardsigmoid (Howard et al. 2019, MobileNetV3, arXiv 1905.02244,
// section 5.2).
func HardSigmoid(x *Node) *Node { return DivScalar(ReLU6(AddScalar(x, 3)), 6) }

// HardSwish is x times [HardSigmoid] of x, as torch.nn.Hardswish (same section); its gradient is 0 up to -3 and 1 from
// 3 on.
func HardSwish(x *Node) *Node { return Mul(x, HardSigmoid(x)) }
