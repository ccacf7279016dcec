package train

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Step is a training step while its graph is built; [Plan.Loss] builds the loss from its nodes.
type Step struct {
	// Loss is the task's own loss, a scalar: the mean cross-entropy of the training images' labels, with the recipe's
	// label smoothing, class weights and mixing, plus the loss of the model's auxiliary heads.
	Loss *Node
	// Labels [batch] int32, Logits [batch, classes] and Features [batch, features] are those of the training images.
	Labels, Logits, Features *Node
	// Extra has the same for the extra images, in the order of Plan.Extra.
	Extra []Drawn
	// Teacher has the logits of Plan.Teacher for the training images, [batch, its classes]; no gradient goes there.
	Teacher *Node
	// Progress is the share of the training that is done, a scalar in [0, 1).
	Progress *Node

	model  *zoo.Model
	heads  []Head
	params []nn.Param
	pass   *nn.Pass
}

// Drawn has the nodes of an [ExtraBatch].
type Drawn struct {
	// Labels [batch] int32 have no meaning for images without labels. Logits [batch, classes] are the output of the
	// model's own head, Features [batch, features] that of the backbone.
	Labels, Logits, Features *Node
}

// Graph returns the graph that the step is built in.
func (s *Step) Graph() *Graph { return s.Logits.Graph() }

// Head returns the output of a further head of the plan for features [rows, width]: [rows, outputs].
func (s *Step) Head(name string, features *Node) *Node {
	return headNamed(s.heads, name).build(s.model, s.pass, features)
}

// Params lists the variables that this step trains.
func (s *Step) Params() []nn.Param { return s.params }

// Value returns the current value of a variable, in the variable's own axes.
func (s *Step) Value(p nn.Param) *Node { return s.model.Variable(p).NodeValue(s.Graph()) }

// CrossEntropy returns the mean cross-entropy of logits [rows, classes] and labels [rows] int32, a scalar.
func CrossEntropy(logits, labels *Node) *Node {
	return ReduceAllMean(CrossEntropyPerImage(logits, labels))
}

// CrossEntropyPerImage returns the cross-entropy of each row, [rows], for logits [rows, classes] and labels [rows]
// int32.
func CrossEntropyPerImage(logits, labels *Node) *Node {
	hot := OneHot(labels, logits.Shape().Dimensions[1], logits.DType())
	return Neg(ReduceSum(Mul(LogSoftmax(logits, -1), hot), -1))
}
