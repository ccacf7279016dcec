package read

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute-onnx/support/protos"
)

// decisions are operators that make labels of scores, with the input that they decide on.
var decisions = map[string]int{"ArgMax": 0, "TopK": 0, "ZipMap": 0, "ArrayFeatureExtractor": 1, "LabelEncoder": 0}

// metadataLabels is the key of [Net.Metadata] for the names of the classes that a graph itself holds, a JSON list.
const metadataLabels = "labels"

// cutDecisions makes outputs of the scores from which a graph decides its outputs, as Custom Vision, ML.NET and
// scikit-learn's converter write classifiers (a label, and a map from labels to probabilities), and as modules end that
// return the best classes. The names of the classes that only these operators hold become metadata. It returns a note
// about what was left out, "" if nothing was.
func cutDecisions(m *protos.ModelProto) string {
	g := m.Graph
	made := map[string]*protos.NodeProto{}
	for _, v := range g.Node {
		for _, out := range v.GetOutput() {
			made[out] = v
		}
	}
	var left []string
	var outputs []*protos.ValueInfoProto
	for _, o := range g.Output {
		scores, cut := decidedOn(o.GetName(), made)
		for _, v := range cut {
			keepLabels(m, v)
			if !slices.Contains(left, v.OpType) {
				left = append(left, v.OpType)
			}
		}
		if len(cut) > 0 {
			o = &protos.ValueInfoProto{Name: scores}
		}
		if !slices.ContainsFunc(outputs, func(other *protos.ValueInfoProto) bool { return other.GetName() == o.GetName() }) {
			outputs = append(outputs, o)
		}
	}
	if len(left) == 0 {
		return ""
	}
	g.Output = outputs
	var needed []string
	for _, o := range outputs {
		needed = append(needed, o.GetName())
	}
	prune(g, needed, "")
	return fmt.Sprintf("what makes labels of its scores is left out (%s)", strings.Join(left, ", "))
}

// decidedOn returns the value that an output is decided from, and the operators that decide; none if the
// output is no decision. Between these, operators may change type and shape. A file's graph may have cycles,
// which other steps refuse.
func decidedOn(output string, made map[string]*protos.NodeProto) (scores string, cut []*protos.NodeProto) {
	seen := map[string]bool{}
	for v := made[output]; v != nil; v = made[output] {
		if seen[output] {
			return "", nil
		}
		seen[output] = true
		at, decides := decisions[v.OpType]
		if !decides && !slices.Contains([]string{"Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten"}, v.OpType) || at >= len(v.Input) {
			break
		}
		output = v.Input[at]
		if decides {
			scores, cut = output, append(cut, v)
		}
	}
	return scores, cut
}

// keepLabels copies the names of classes from an operator that decides to the metadata, if these have none.
func keepLabels(m *protos.ModelProto, v *protos.NodeProto) {
	var labels [][]byte
	for _, a := range v.Attribute {
		if a.GetName() == "classlabels_strings" {
			labels = a.Strings
		}
	}
	for _, t := range m.Graph.Initializer {
		if v.OpType == "ArrayFeatureExtractor" && t.GetName() == v.Input[0] {
			labels = t.StringData
		}
	}
	if len(labels) == 0 || slices.ContainsFunc(m.MetadataProps, func(p *protos.StringStringEntryProto) bool { return p.GetKey() == metadataLabels }) {
		return
	}
	names := make([]string, len(labels))
	for i, l := range labels {
		names[i] = string(l)
	}
	text, err := json.Marshal(names)
	if err != nil {
		return // texts can always be written
	}
	m.MetadataProps = append(m.MetadataProps, &protos.StringStringEntryProto{Key: metadataLabels, Value: string(text)})
}

// Prepares returns the operators by which the file computes with the images and constants alone before its first layer,
// as one that normalises them itself does.
func (n *Net) Prepares() (ops []string) {
	for at := n.image; ; {
		var next *node
		for _, v := range n.nodes {
			if slices.Contains(v.in, at) {
				if next != nil {
					return ops // not a chain
				}
				next = v
			}
		}
		if next == nil || len(next.out) != 1 {
			return ops
		}
		switch next.op {
		case "Sub", "Div", "Mul", "Add":
			for _, in := range next.in {
				if in != at && n.depends[n.original(in)] != (dependency{}) {
					return ops
				}
			}
			ops = append(ops, next.op)
		case "Transpose", "Identity", "Cast":
		default:
			return ops
		}
		at = next.out[0]
	}
}
