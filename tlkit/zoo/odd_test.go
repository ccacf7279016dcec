package zoo_test

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// oddHead has an operation that the ONNX writer does not know.
func oddHead(s *nn.Scope, x *Node, classes int) *Node {
	return nn.Linear(s, Sign(x), classes)
}
