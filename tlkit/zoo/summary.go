package zoo

import (
	"cmp"
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/internal/optional"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/tables"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
)

// SummaryOptions choose the content of [Model.Summary]. The zero value lists every layer, for the model's own image
// size.
type SummaryOptions struct {
	// Size is the height and width of the image in pixels; 0 means the model's input size. Vision transformers take no
	// other.
	Size int
	// StagesOnly leaves the layers out.
	StagesOnly bool
}

// Summary lists the stages and layers of a network, for one image. It is a figure, and plain data.
type Summary struct {
	// Model and Weights are the names of the network and of its values.
	Model   string `json:"model"`
	Weights string `json:"weights"`
	// Input is [1, height, width, 3].
	Input []int `json:"input"`
	// Stages are in the order of the network; the last is the head.
	Stages []SummaryStage `json:"stages"`
	// Params counts the values that training may change, Trainable those that are not frozen, and Buffers the running
	// statistics and other values that are saved but never trained.
	Params    int `json:"params"`
	Trainable int `json:"trainable"`
	Buffers   int `json:"buffers"`
	// MACs is the number of multiply-adds of all convolutions and matrix products, as torchvision counts them
	// (WeightSet.GFLOPs is the same in billions). It leaves out the auxiliary heads, which only training uses.
	MACs int64 `json:"macs"`
	// InputBytes, OutputBytes and ParamBytes are the sizes in memory of the image, of the outputs of all layers with
	// weights (about what a training step keeps per image), and of parameters and buffers, all float32.
	InputBytes  int64 `json:"input_bytes"`
	OutputBytes int64 `json:"output_bytes"`
	ParamBytes  int64 `json:"param_bytes"`

	stagesOnly bool
}

// SummaryStage is one stage with its layers.
type SummaryStage struct {
	// Name is that of zoo.Stage.
	Name string `json:"name"`
	// Out is the shape of its output: [1, height, width, channels], or [1, features].
	Out       []int `json:"out"`
	Params    int   `json:"params"`
	Trainable int   `json:"trainable"`
	MACs      int64 `json:"macs"`
	// Layers are those with weights, in order.
	Layers []SummaryLayer `json:"layers,omitempty"`
}

// SummaryLayer is one layer with weights.
type SummaryLayer struct {
	// Key is its prefix in the state dict.
	Key string `json:"key"`
	// Kind is PyTorch's name of it ("Conv2d"), or "parameter" for values that belong to no layer, such as a class
	// token.
	Kind string `json:"kind"`
	// Out is the shape of its output; nil for a layer that inference does not use.
	Out []int `json:"out,omitempty"`
	// Kernel is that of a convolution: "3x3", "3x3/2" with stride 2, "3x3/2 g32" in 32 groups.
	Kernel    string `json:"kernel,omitempty"`
	Params    int    `json:"params"`
	Trainable int    `json:"trainable"`
	MACs      int64  `json:"macs"`
}

// Summary lists the stages and layers of the model with their output shapes, kernels, parameters and multiply-adds, as
// the Python tool torchinfo does. Nothing is computed. An error names the size that does not fit.
func (m *Model) Summary(opts ...SummaryOptions) (*Summary, error) {
	o, err := optional.One("zoo: Summary", opts)
	if err != nil {
		return nil, err
	}
	size := cmp.Or(o.Size, m.ImageSize())
	if size < m.Spec.MinSize {
		return nil, fmt.Errorf("zoo: a summary of %q for images of %dx%d: the smallest that work are %dx%d",
			m.Spec.Name, size, size, m.Spec.MinSize, m.Spec.MinSize)
	}
	s := &Summary{Model: m.Spec.Name, Weights: m.Weights, Input: []int{1, size, size, 3}, stagesOnly: o.StagesOnly,
		InputBytes: int64(4 * size * size * 3)}
	var layers []nn.Layer
	err = m.build(size, &nn.Pass{RecordLayer: func(l nn.Layer) { layers = append(layers, l) }},
		func(stage string, y []int) { s.Stages = append(s.Stages, SummaryStage{Name: stage, Out: y}) })
	if err != nil {
		return nil, err
	}
	for _, p := range m.params {
		if p.Buffer {
			s.Buffers += p.Size()
			continue
		}
		l := s.layer(p.Stage, p.Key[:max(0, strings.LastIndexByte(p.Key, '.'))])
		l.Params += p.Size()
		if m.Variable(p).Trainable {
			l.Trainable += p.Size()
		}
	}
	for _, n := range layers {
		l := s.layer(n.Stage, n.Key)
		l.Kind, l.Out = n.Kind, n.Out
		l.MACs += n.MACs
		if n.Kernel != [2]int{} {
			l.Kernel = kernelText(n)
		}
		s.OutputBytes += int64(4 * product(n.Out))
	}
	for i := range s.Stages {
		st := &s.Stages[i]
		for _, l := range st.Layers {
			st.Params += l.Params
			st.Trainable += l.Trainable
			st.MACs += l.MACs
		}
		s.Params += st.Params
		s.Trainable += st.Trainable
		s.MACs += st.MACs
	}
	s.ParamBytes = int64(4 * (s.Params + s.Buffers))
	return s, nil
}

// layer returns the entry of the given key, made on first use.
func (s *Summary) layer(stage, key string) *SummaryLayer {
	st := &s.Stages[slices.IndexFunc(s.Stages, func(st SummaryStage) bool { return st.Name == stage })]
	i := slices.IndexFunc(st.Layers, func(l SummaryLayer) bool { return l.Key == key })
	if i < 0 {
		i = len(st.Layers)
		st.Layers = append(st.Layers, SummaryLayer{Key: key, Kind: "parameter"})
	}
	return &st.Layers[i]
}

func kernelText(l nn.Layer) string {
	text := fmt.Sprintf("%dx%d", l.Kernel[0], l.Kernel[1])
	switch {
	case l.Stride[0] != l.Stride[1]:
		text += fmt.Sprintf("/%dx%d", l.Stride[0], l.Stride[1])
	case l.Stride[0] > 1:
		text += fmt.Sprintf("/%d", l.Stride[0])
	}
	if l.Groups > 1 {
		text += fmt.Sprintf(" g%d", l.Groups)
	}
	return text
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// GMACs is MACs in billions, the unit of WeightSet.GFLOPs.
func (s *Summary) GMACs() float64 { return float64(s.MACs) / 1e9 }

// Bundle renders the summary as an HTML table and as plain text; see [tables.Table].
func (s *Summary) Bundle() (map[string]any, error) {
	bundle, err := s.table().Bundle()
	if err != nil {
		return nil, err
	}
	totals := s.totals()
	bundle["text/html"] = fmt.Sprint(bundle["text/html"], "<pre>", html.EscapeString(words.Lines(totals)), "</pre>\n")
	bundle["text/plain"] = fmt.Sprint(bundle["text/plain"], totals)
	return bundle, nil
}

// table has a row per stage, and one per layer where these are wanted, with the columns that only layers fill.
func (s *Summary) table() tables.Table {
	t := tables.Table{Options: tables.Options{Caption: fmt.Sprintf("%s (%s), one image of %dx%d", s.Model, s.Weights, s.Input[1], s.Input[2])}}
	if s.stagesOnly {
		t.Columns = []string{"stage", "output", "parameters", "trained", "MACs"}
		t.Options.Align, t.Options.Words = "llrlr", []int{3}
		for _, st := range s.Stages {
			t.Rows = append(t.Rows, []string{st.Name, shapeText(st.Out), thousands(st.Params), trainedText(st.Params, st.Trainable), amount(st.MACs)})
		}
		return t
	}
	t.Columns = []string{"layer", "kind", "output", "kernel", "parameters", "trained", "MACs"}
	t.Options.Align, t.Options.Words = "llllrlr", []int{5}
	for _, st := range s.Stages {
		t.Options.Marked = append(t.Options.Marked, tables.Cell{Row: len(t.Rows)})
		t.Rows = append(t.Rows, []string{st.Name, "", shapeText(st.Out), "", thousands(st.Params), trainedText(st.Params, st.Trainable),
			amount(st.MACs)})
		for _, l := range st.Layers {
			t.Rows = append(t.Rows, []string{"\u00a0\u00a0" + l.Key, l.Kind, shapeText(l.Out), l.Kernel, thousands(l.Params),
				trainedText(l.Params, l.Trainable), amount(l.MACs)})
		}
	}
	return t
}

// String returns the plain text of the summary.
func (s *Summary) String() string {
	bundle, err := s.Bundle()
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(bundle["text/plain"])
}

func (s *Summary) totals() string {
	const mb = 1e6
	return fmt.Sprintf(`parameters  %s, of which trained %s, frozen %s; buffers %s
multiply-adds  %.3f G
memory in MB  image %.2f, outputs of the layers %.2f, parameters %.2f
`, numbers.Thousands(s.Params), numbers.Thousands(s.Trainable), numbers.Thousands(s.Params-s.Trainable), numbers.Thousands(s.Buffers),
		s.GMACs(), float64(s.InputBytes)/mb, float64(s.OutputBytes)/mb, float64(s.ParamBytes)/mb)
}

func shapeText(dims []int) string {
	if dims == nil {
		return ""
	}
	return strings.ReplaceAll(fmt.Sprint(dims), " ", ", ")
}

func trainedText(params, trainable int) string {
	switch {
	case params == 0:
		return ""
	case trainable == 0:
		return "no"
	case trainable == params:
		return "yes"
	}
	return "in part"
}

// thousands writes n with commas, or nothing for 0.
func thousands(n int) string {
	if n == 0 {
		return ""
	}
	return numbers.Thousands(n)
}

// amount writes a number of multiply-adds in a unit that suits it.
func amount(n int64) string {
	switch {
	case n == 0:
		return ""
	case n < 1e6:
		return fmt.Sprintf("%.1f k", float64(n)/1e3)
	case n < 1e9:
		return fmt.Sprintf("%.2f M", float64(n)/1e6)
	}
	return fmt.Sprintf("%.3f G", float64(n)/1e9)
}
