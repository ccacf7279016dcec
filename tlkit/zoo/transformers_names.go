package zoo

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// is reports whether an option has its usual value, or is not given.
func is(option, usual string) bool { return option == "" || option == usual }

// transformersResNets are the residual networks of transformers, by the kind of their blocks and the numbers of them.
var transformersResNets = map[string]map[[4]int]string{
	"basic":      {{2, 2, 2, 2}: "resnet18", {3, 4, 6, 3}: "resnet34"},
	"bottleneck": {{2, 2, 2, 2}: "resnet26", {3, 4, 6, 3}: "resnet50", {3, 4, 23, 3}: "resnet101", {3, 8, 36, 3}: "resnet152"},
}

// inTransformers reports whether a residual network of the zoo is one of transformers, too.
func inTransformers(network string) bool {
	for _, networks := range transformersResNets {
		for _, name := range networks {
			if name == network {
				return true
			}
		}
	}
	return false
}

func (c transformersConfig) resNet() string {
	if !is(c.Activation, "relu") || c.Embedding != 64 || c.InFirst != nil && *c.InFirst || c.InNeck {
		return ""
	}
	widths := map[string][]int{"basic": {64, 128, 256, 512}, "bottleneck": {256, 512, 1024, 2048}}
	if len(c.Depths) != 4 || !slices.Equal(c.HiddenSizes, widths[c.LayerType]) {
		return ""
	}
	return transformersResNets[c.LayerType][[4]int(c.Depths)]
}

func (c transformersConfig) regNet() string {
	if !is(c.Activation, "relu") || c.Embedding != 32 || c.InFirst != nil && !*c.InFirst {
		return ""
	}
	for _, r := range regNetConfigs {
		stages := r.stages()
		same := len(stages) == len(c.Depths) && len(stages) == len(c.HiddenSizes) && (r.squeezed > 0) == (c.LayerType == "y")
		for i, s := range stages {
			same = same && s.blocks == c.Depths[i] && s.width == c.HiddenSizes[i] && s.width/s.groupWidth == max(1, s.width/max(1, c.GroupWidth))
		}
		if same {
			return r.name
		}
	}
	return ""
}

// hasStages reports whether the four stages have so many blocks, and channels that double from the first one's.
func (c transformersConfig) hasStages(blocks [4]int, channels int) bool {
	return slices.Equal(c.Depths, blocks[:]) && slices.Equal(c.HiddenSizes, []int{channels, 2 * channels, 4 * channels, 8 * channels})
}

func (c transformersConfig) convNeXt() string {
	if !is(c.Activation, "gelu") || c.PatchSize != 4 {
		return ""
	}
	for _, x := range convNeXtConfigs {
		if c.hasStages(x.blocks, x.channels) {
			return x.name
		}
	}
	return ""
}

func (c transformersConfig) convNeXtV2() string {
	if !is(c.Activation, "gelu") || c.PatchSize != 4 {
		return ""
	}
	for _, x := range convNeXtV2Configs {
		if c.hasStages(x.blocks, x.channels) {
			return x.name
		}
	}
	return ""
}

func (c transformersConfig) viT() string {
	if !is(c.Activation, "gelu") || c.QKVBias != nil && !*c.QKVBias || c.ImageSize == 0 {
		return ""
	}
	for _, v := range viTConfigs {
		if c.PatchSize == v.patch && c.Layers == v.layers && c.Heads == any(float64(v.heads)) && c.HiddenSize == v.width && c.Intermediate == v.mlp {
			return v.name
		}
	}
	return ""
}

// made reports whether the class of the model ends in this.
func (c transformersConfig) made(class string) bool {
	return slices.ContainsFunc(c.Architectures, func(a string) bool { return strings.HasSuffix(a, class) })
}

// clip finds the network of a classifier, or the one with the features of a tower alone.
func (c transformersConfig) clip() string {
	quick := c.Activation == "quick_gelu"
	if !quick && c.Activation != "gelu" {
		return ""
	}
	for _, t := range clipConfigs() {
		if c.PatchSize == t.patch && c.Layers == t.layers && c.Heads == any(float64(t.heads)) && c.HiddenSize == t.width &&
			c.Intermediate == 4*t.width && quick == t.quick && t.mean == c.made("ForImageClassification") {
			return t.name
		}
	}
	return ""
}

// siglip finds the network of a classifier, or the one with the features of a tower alone.
func (c transformersConfig) siglip() string {
	tanh := c.Activation == "gelu_pytorch_tanh"
	if !tanh && c.Activation != "gelu" {
		return ""
	}
	for _, t := range siglipConfigs() {
		if c.PatchSize == t.patch && c.Layers == t.layers && c.Heads == any(float64(t.heads)) && c.HiddenSize == t.width &&
			c.Intermediate == t.mlp && tanh == t.tanh && t.mean == c.made("ForImageClassification") {
			return t.name
		}
	}
	return ""
}

// deit finds the network with two output layers, or the one with a layer on the class token alone.
func (c transformersConfig) deit() string {
	if !is(c.Activation, "gelu") || c.QKVBias != nil && !*c.QKVBias || c.ImageSize == 0 {
		return ""
	}
	for _, d := range deitConfigs {
		if d.distilled && c.PatchSize == d.patch && c.Layers == d.layers && c.Heads == any(float64(d.heads)) &&
			c.HiddenSize == d.width && c.Intermediate == 4*d.width && d.alone != c.made("ForImageClassificationWithTeacher") {
			return d.name
		}
	}
	return ""
}

func (c transformersConfig) beit() string {
	if !is(c.Activation, "gelu") || !c.Relative || c.Shared || c.AbsoluteToo || c.LayerScale <= 0 ||
		c.MeanPooling != nil && !*c.MeanPooling || c.PatchSize != beitPatch || c.ImageSize == 0 || c.Intermediate != 4*c.HiddenSize {
		return ""
	}
	for _, b := range beitConfigs {
		if c.Layers == b.layers && c.Heads == any(float64(b.heads)) && c.HiddenSize == b.width {
			return b.name
		}
	}
	return ""
}

func (c transformersConfig) swin() string {
	if !is(c.Activation, "gelu") || c.QKVBias != nil && !*c.QKVBias || c.Absolute || c.PatchSize != 4 || c.MLPRatio != 4 {
		return ""
	}
	for _, s := range swinConfigs {
		if s.v2 == (c.ModelType == "swinv2") && c.EmbedDim == s.channels && slices.Equal(c.Depths, s.blocks[:]) &&
			slices.Equal(c.StageHeads, s.heads[:]) && c.Window == s.window && s.scaledBy(c.Pretrained) {
			return s.name
		}
	}
	return ""
}

// scaledBy reports whether the stages scale distances by these windows; 0 means a stage's own.
func (s swinConfig) scaledBy(pretrained []int) bool {
	for i, window := range pretrained {
		if i >= len(s.blocks) || window != s.ofStage(i).pretrained {
			return false
		}
	}
	return len(pretrained) > 0 || s.pretrained == 0
}

// dinoV2 finds the network: that of the published position embeddings, for images of 518x518, or a sized one.
func (c transformersConfig) dinoV2() string {
	if !is(c.Activation, "gelu") || c.QKVBias != nil && !*c.QKVBias || c.SwiGLU || c.MLPRatio != 4 || c.PatchSize != dinoV2Patch || c.ImageSize == 0 {
		return ""
	}
	for _, v := range dinoV2Configs() {
		if !v.token && v.sized == (c.ImageSize != dinoV2Grid*dinoV2Patch) && c.Layers == v.layers && c.Heads == any(float64(v.heads)) && c.HiddenSize == v.width && c.Registers == v.registers {
			return v.name
		}
	}
	return ""
}

func (c transformersConfig) efficientNet() string {
	if !is(c.Activation, "swish") || !is(c.Pooling, "mean") ||
		c.Strides != nil && !slices.Equal(c.Strides, []int{1, 2, 2, 2, 1, 2, 1}) {
		return ""
	}
	for i, scale := range efficientNetScales {
		if c.WidthScale == scale.width && c.DepthScale == scale.depth {
			return fmt.Sprintf("tf_efficientnet_b%d", i)
		}
	}
	return ""
}

func (c transformersConfig) mobileNetV1() string {
	if !is(c.Activation, "relu6") || c.TFPadding != nil && !*c.TFPadding {
		return ""
	}
	for _, w := range tfMobileNetV1Widths {
		if c.Width == w.width {
			return w.name
		}
	}
	return ""
}

func (c transformersConfig) mobileNetV2() string {
	if !is(c.Activation, "relu6") || c.TFPadding != nil && !*c.TFPadding ||
		c.OutStride != 0 && c.OutStride != 32 || c.Expansion != nil && !*c.Expansion {
		return ""
	}
	if c.Width < 1 && c.Fine != nil && !*c.Fine { // fewer features
		return ""
	}
	return map[float64]string{1: "tf_mobilenet_v2", 0.35: "tf_mobilenet_v2_035", 0.5: "tf_mobilenet_v2_050", 0.75: "tf_mobilenet_v2_075",
		1.4: "tf_mobilenet_v2_140"}[c.Width]
}

// mobileViT finds the network of a configuration, whose missing values are those of MobileViTConfig.
func (c transformersConfig) mobileViT() string {
	if !is(c.Activation, "silu") || cmp.Or(c.PatchSize, 2) != 2 || cmp.Or(c.Kernel, 3) != 3 || cmp.Or(c.OutStride, 32) != 32 || cmp.Or(c.MLPRatio, 2) != 2 ||
		c.Heads != nil && c.Heads != any(4.) || c.QKVBias != nil && !*c.QKVBias {
		return ""
	}
	if c.HiddenSizes == nil {
		c.HiddenSizes = []int{144, 192, 240}
	}
	if c.NeckSizes == nil {
		c.NeckSizes = []int{16, 32, 64, 96, 128, 160, 640}
	}
	for _, v := range mobileViTConfigs {
		if slices.Equal(c.HiddenSizes, v.widths[:]) && slices.Equal(c.NeckSizes, append([]int{16}, v.channels[:]...)) && cmp.Or(c.Expand, 4) == float64(v.expand) {
			return v.name
		}
	}
	return ""
}
