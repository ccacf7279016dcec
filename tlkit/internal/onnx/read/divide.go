package read

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// divide builds the network once, without computing it, and cuts it into stages at the places where a single value is
// passed on.
func (n *Net) divide() error {
	shape, err := n.trial()
	if err != nil {
		return err
	}
	features := n.head.node.in[0]
	want := []int{n.fileBatch(), n.head.features}
	if d := shape[features]; n.head.conv && len(d) == 4 {
		want = append(want, 1, 1)
		if n.head.mean {
			copy(want[2:], d[2:])
		}
	}
	if d := shape[features]; n.head.conv && len(d) == 4 && d[2]*d[3] > 1 && len(want) == 4 && want[2] == 1 {
		return fmt.Errorf("the output layer %s has an output for each of %dx%d positions, as networks of segmentation have; image classifiers are read, whose features are pooled before it", n.head.node, d[2], d[3])
	}
	if d := shape[features]; !slices.Equal(d, want) {
		return fmt.Errorf("for a batch of %d images the output layer %s gets features of shape %v, expected %v",
			n.fileBatch(), n.head.node, d, want)
	}
	cuts := n.cuts(shape, features)
	n.nameStages(cuts)
	for _, x := range n.vars {
		x.stage = -1
	}
	for i, sp := range n.stages {
		n.assign(i, n.nodes[sp.from:sp.to], map[string]bool{})
	}
	return nil
}

// trialBatches is the number of file batches in the trial: a size that networks hardly have elsewhere.
const trialBatches = 11

// trial builds everything before the output layer, and returns the shapes of the values that depend on the images.
// Values that depend only on the size of the images are constants from then on.
func (n *Net) trial() (map[string][]int, error) {
	backend, err := compute.NewWithConfig("go")
	if err != nil {
		return nil, err
	}
	defer backend.Finalize()
	shape := map[string][]int{}
	err = nn.Try(func() {
		store := model.NewStore()
		g := NewGraph(backend, "onnx")
		store.SetTraining(g, true)
		x := Parameter(g, "images", shapes.Make(dtypes.Float32, trialBatches*n.fileBatch(), n.InputSize, n.InputSize, 3))
		r := &run{net: n, s: nn.NewScope(store, &nn.Pass{}), g: g, stage: -1, batches: trialBatches, vals: map[string]value{}, taken: map[*variable]bool{}}
		r.vals[n.image] = r.entered(n.image, x)
		for _, v := range n.nodes {
			if n.depends[v.out[0]].image {
				r.eval(v)
			}
		}
		for name, v := range r.vals {
			switch {
			case v.c != nil:
				n.depends[name] = dependency{}
			case v.batched:
				shape[name] = slices.Clone(v.dims())
			}
		}
		if _, ok := r.vals[n.head.node.in[0]]; !ok {
			exceptions.Panicf("the features of the output layer are made nowhere")
		}
	})
	return shape, err
}

// cut is a place where the network may be divided: after a number of nodes, with the one value that is passed on.
type cut struct {
	after int
	value string
}

// cuts finds all cuts; the last is at the features.
func (n *Net) cuts(shape map[string][]int, features string) []cut {
	last := map[string]int{features: len(n.nodes)} // the last use of each value
	for i, v := range n.nodes {
		for _, in := range v.in {
			if n.depends[in].image && last[in] < i {
				last[in] = i
			}
		}
	}
	var found []cut
	live := map[string]bool{n.image: true}
	for i, v := range n.nodes {
		for _, out := range v.out {
			if _, used := last[out]; used && n.depends[out].image {
				live[out] = true
			}
		}
		for name := range live {
			if last[name] <= i {
				delete(live, name)
			}
		}
		if len(live) != 1 || i == len(n.nodes)-1 {
			continue
		}
		for name := range live {
			// A value that is no tensor of the batch (windows in place of images) is not passed between stages.
			if d := shape[name]; len(d) >= 2 && d[0] == n.fileBatch() && name != n.image {
				found = append(found, cut{i + 1, name})
			}
		}
	}
	return append(found, cut{len(n.nodes), features})
}

// depths is the number of levels of PyTorch's modules that are searched for names of stages.
const depths = 6

// pieces describe the nodes between cuts.
type pieces struct {
	names     []string // of the PyTorch module that each belongs to; "" if it is not known
	variables []bool   // whether it has variables
	// anonymous: the exporter kept no names that differ.
	anonymous bool
}

// describe finds the names of the pieces, at the first level of modules with enough different names: networks put their
// stages at the top (layer1) or below (features.1).
func (n *Net) describe(cuts []cut) pieces {
	p := pieces{variables: make([]bool, len(cuts))}
	var names [depths][]string
	var distinct [depths]map[string]bool
	from := 0
	for i, c := range cuts {
		var label [depths]string
		for _, v := range n.nodes[from:c.after] {
			p.variables[i] = p.variables[i] || n.takesVariable(v)
			if label[0] == "" {
				label = n.label(v)
			}
		}
		for depth := range depths {
			names[depth] = append(names[depth], label[depth])
			if distinct[depth] == nil {
				distinct[depth] = map[string]bool{}
			}
			if p.variables[i] && label[depth] != "" {
				distinct[depth][label[depth]] = true
			}
		}
		from = c.after
	}
	depth := 0
	for d := range depths {
		if len(distinct[depth]) < 5 && len(distinct[d]) > len(distinct[depth]) {
			depth = d
		}
	}
	p.names, p.anonymous = names[depth], len(distinct[depth]) < 2
	return p
}

// takesVariable reports whether a node has a variable among its inputs.
func (n *Net) takesVariable(v *node) bool {
	if _, ok := n.alias[v.out[0]]; ok {
		return false
	}
	return slices.ContainsFunc(v.in, func(in string) bool { return n.vars[n.original(in)] != nil })
}

// nameStages makes stages from the pieces between cuts. It joins pieces with the same name of a PyTorch module, which
// exporters keep.
func (n *Net) nameStages(cuts []cut) {
	p := n.describe(cuts)
	taken := map[string]int{}
	begin, in, current, has := 0, n.image, "", false
	finish := func(end cut) {
		current = cmp.Or(current, "stage")
		if taken[current]++; taken[current] > 1 || p.anonymous {
			current = fmt.Sprintf("%s_%d", current, taken[current])
		}
		n.Stages = append(n.Stages, current)
		n.stages = append(n.stages, span{begin, end.after, in, end.value})
		begin, in, has = end.after, end.value, false
	}
	for i := range cuts {
		label := p.names[i]
		if p.anonymous {
			label = ""
		}
		if i > 0 && has && p.variables[i] && (p.anonymous || label != "" && label != current) {
			finish(cuts[i-1])
			current = label
		}
		current = cmp.Or(current, label)
		has = has || p.variables[i]
	}
	finish(cuts[len(cuts)-1])
}

// label returns the module that a node belongs to, at each depth, from its name by torch.onnx.export:
// "/layer1/layer1.0/conv1/Conv" belongs to layer1 and to layer1.0.
func (n *Net) label(v *node) (label [depths]string) {
	if _, ok := n.alias[v.out[0]]; ok {
		return label // a weight under another name
	}
	parts := strings.Split(strings.Trim(v.name, "/"), "/")
	parts = parts[:len(parts)-1] // the operator
	if len(parts) == 0 {
		// Else the name of a weight: "layer1.0.conv1.weight".
		for _, in := range v.in {
			if x := n.vars[in]; x != nil && strings.Contains(x.key, ".") && !strings.Contains(x.key, ":") {
				parts = strings.Split(x.key, ".")
				parts = parts[:len(parts)-1]
				for i := 1; i < len(parts); i++ {
					parts[i] = parts[i-1] + "." + parts[i]
				}
				break
			}
		}
	}
	if len(parts) == 0 {
		return label
	}
	for depth := range depths {
		part := parts[min(depth, len(parts)-1)]
		label[depth] = strings.Map(func(r rune) rune {
			if r == '.' || r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
				return r
			}
			return '_'
		}, part[:min(len(part), 60)])
	}
	return label
}

// assign records for each variable the first stage that uses it, directly or through nodes that do not depend on the
// image.
func (n *Net) assign(stage int, nodes []*node, seen map[string]bool) {
	for _, v := range nodes {
		if _, ok := n.alias[v.out[0]]; ok {
			continue
		}
		if stage >= 0 && !n.depends[v.out[0]].image && !seen[v.out[0]] {
			continue // made by the node that needs it
		}
		for _, in := range v.in {
			if a, ok := n.alias[in]; ok {
				in = a
			}
			if x := n.vars[in]; x != nil && x.stage < 0 {
				x.stage = stage
			}
			if d := n.depends[in]; !d.image && d.variable && !seen[in] {
				seen[in] = true
				if m := n.byOutput[in]; m != nil {
					seen[m.out[0]] = true
					n.assign(stage, []*node{m}, seen)
				}
			}
		}
	}
}
