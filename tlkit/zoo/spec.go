package zoo

import (
	"slices"
	"strings"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// Spec describes an architecture of the zoo and the weight sets published for it.
type Spec struct {
	// Name is torchvision's name where it has the model, "resnet18"; of many others timm's, "resnet50d".
	Name string
	// Family is the file it lives in: "resnet".
	Family string
	// Paper names the source, with section.
	Paper string
	// InputSize is the height and width that the published weights are evaluated at; MinSize the smallest that works.
	InputSize, MinSize int
	// Weights lists the published weight sets; the first with Default set is what a bare name loads.
	Weights []WeightSet
	// Build returns the network.
	Build func() Architecture
	// Graph, when set, is the network of an imported .onnx file, without its weights; [GraphSpec] makes the spec from
	// it.
	Graph []byte
	// Rename, when set, converts a key of a weight file to the model's; it is for published files older than today's
	// keys, and leaves all other keys as they are.
	Rename func(key string) string
	// Version is that of torchvision's class, for classes that refuse a state dict without it; 0 for the others.
	Version int

	// written, when set, converts the entries of a state dict to those of PyTorch's network, and read converts them
	// back and leaves others as they are; nil where both are the same.
	written func(entries []weights.Entry) ([]weights.Entry, error)
	read    func(sd *weights.StateDict) (*weights.StateDict, error)
	// constant, when set, returns the values of a tensor of state dicts that is a constant of the network.
	constant func(key string) ([]float32, bool)
	// epsilon is added to the variance in the network's normalisations; 0 for families that know one number only.
	epsilon float64
	// normed returns the network with another epsilon.
	normed func(epsilon float64) Architecture
}

// sizeBound reports whether weights are for images of one size: learned positions fix the number of patches.
func (s Spec) sizeBound() bool {
	return slices.Contains([]string{"vit", "beit", "clip", "deit", "siglip", "eva02"}, s.Family) || strings.HasSuffix(baseName(s.Name), dinoV2Sized)
}

// unbiasedKeys reports whether the keys of the network's attention have no bias, while queries and values have one.
func (s Spec) unbiasedKeys() bool { return strings.HasPrefix(s.Name, "swin_v2_") }

// Architecture is a network: stages from the image on, then the head.
type Architecture struct {
	// Stages in order; the first takes images [batch, height, width, 3], normalised, and the last gives the
	// features [batch, features] that the head classifies.
	Stages []Stage
	// Head is the output layer, the part that transfer learning replaces.
	Head Head
	// Aux are the auxiliary heads, which only training uses; most networks have none.
	Aux []AuxHead
}

// Stage is a named part of a network.
type Stage struct {
	Name    string                           // unique in its network; Freeze and Features take it
	Forward func(s *nn.Scope, x *Node) *Node // from the output of the stage before to its own
}

// Head is the output layer.
type Head struct {
	// Key is its prefix in the state dict: "fc".
	Key string
	// Forward maps features to logits [batch, classes].
	Forward func(s *nn.Scope, features *Node, classes int) *Node
}

// AuxHead is a second classifier on the output of a stage in the middle of a network, whose loss helps to train the
// stages before it (Szegedy et al. 2014, arXiv 1409.4842, section 5). It is loaded and saved with the model, and built
// in training only, where Pass.Aux returns its logits; it is left out if its output layer is frozen.
type AuxHead struct {
	// After names the stage whose output it classifies. Its variables count as that stage's, so that it is frozen
	// together with it.
	After string
	// Key is its prefix in the state dict: "aux1".
	Key string
	// Output is the name of its own output layer under Key: "fc2". A new head replaces that layer, too.
	Output string
	// Weight is the factor of its loss, which is added to that of the head.
	Weight float64
	// Forward maps the stage's output to logits [batch, classes].
	Forward func(s *nn.Scope, x *Node, classes int) *Node
}

// WeightSet is one published set of weights with all that is needed to use it.
type WeightSet struct {
	// Name as in torchvision's enums: "IMAGENET1K_V1".
	Name string `json:"name"`
	// URL of the file; the eight hex digits in the file's name start its SHA-256. Empty for sets that are embedded or
	// have no stable address.
	URL string `json:"url"`
	// File names an embedded file.
	File string `json:"-"`
	// Licence of the weights as their publisher states it, where known: an SPDX name. The images they were trained on
	// may add conditions: ImageNet's terms allow research only.
	Licence string `json:"-"`
	// Source says where the set comes from.
	Source string `json:"-"`
	// Params is the number of trained values.
	Params int `json:"num_params"`
	// Top1 and Top5 are the published accuracies in percent on the set's own test data.
	Top1 float64 `json:"acc1"`
	Top5 float64 `json:"acc5"`
	// GFLOPs is the number of multiply-adds for one image, in billions, as torchvision counts.
	GFLOPs float64 `json:"gflops"`
	// FileMB is the size of the file in megabytes.
	FileMB float64 `json:"file_mb"`
	// Preprocess is the evaluation transform for the weights.
	Preprocess vision.Preprocess `json:"-"`
	// Classes are the class names in the order of the logits.
	Classes []string `json:"-"`
	// Default marks the set that a bare model name means.
	Default bool `json:"default"`
}

// baseName is a network's name without the epsilon.
func baseName(name string) string {
	base, _, _ := strings.Cut(name, epsilonMark)
	return base
}
