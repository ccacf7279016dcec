package read

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute-onnx/support/protos"
)

// chooseOutput leaves one output of a graph with several: the one named logits, or the only one that
// comes from a linear layer, or the one whose linear layer needs those of all others, as the logits after an embedding.
// Others are refused: which of two classifiers is meant can't be seen.
func (n *Net) chooseOutput(g *protos.GraphProto, inits map[string]*protos.TensorProto) error {
	if len(g.Output) < 2 || slices.Contains(g.Output, nil) {
		return nil
	}
	names := outputNames(g)
	var candidates []*protos.ValueInfoProto
	var layers []*node
	for _, o := range g.Output {
		if layer := n.layerOf(o.Name, inits); layer != nil && !slices.Contains(layers, layer) { // logits and their softmax are one
			candidates, layers = append(candidates, o), append(layers, layer)
		}
	}
	if len(candidates) == 0 {
		return nil // the error about the first output says what is missing
	}
	at := slices.IndexFunc(candidates, func(o *protos.ValueInfoProto) bool { return strings.EqualFold(o.Name, "logits") })
	if at < 0 {
		at = n.last(layers)
	}
	if at < 0 {
		return fmt.Errorf("the graph has the outputs %s, and several come from a linear layer: which of them are the logits? Name that one in LoadOptions.Output, or export the network with it alone",
			names)
	}
	if candidates[at] != g.Output[0] { // else the graph stays as it is, and is that of runs made before
		g.Output = []*protos.ValueInfoProto{candidates[at]}
	}
	n.Notes = append(n.Notes, fmt.Sprintf("of its outputs %s, %.80q is taken for the logits", names, candidates[at].Name))
	return nil
}

// keepOutput leaves the output of a name.
func keepOutput(g *protos.GraphProto, name string) error {
	for _, o := range g.Output {
		if o.GetName() == name {
			g.Output = []*protos.ValueInfoProto{o}
			return nil
		}
	}
	return fmt.Errorf("the graph has no output %q (LoadOptions.Output); expected one of %s", name, outputNames(g))
}

// outputNames lists the names of a graph's outputs for messages.
func outputNames(g *protos.GraphProto) string {
	var names []string
	for _, o := range g.Output {
		names = append(names, fmt.Sprintf("%.80q", o.GetName()))
	}
	return strings.Join(names, ", ")
}

// layerOf returns the node of the linear layer, or the sum of some, that an output comes from; nil if it comes from
// none.
func (n *Net) layerOf(output string, inits map[string]*protos.TensorProto) *node {
	at := n.beforePasses(output)
	if len(n.summands(at, 1, inits, 0)) > 0 {
		return n.byOutput[at]
	}
	if h, err := n.outputLayer(output, inits); err == nil && n.depends[h.node.in[0]].image {
		return h.node
	}
	return nil
}

// last returns the index of the layer that needs all others; -1 if there is none.
func (n *Net) last(layers []*node) int {
	return slices.IndexFunc(layers, func(l *node) bool {
		before := n.ancestors(l.out[0])
		return !slices.ContainsFunc(layers, func(other *node) bool { return !slices.Contains(before, other) })
	})
}
