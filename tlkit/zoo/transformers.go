package zoo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// transformersConfig is config.json of an image classifier of transformers (Hugging Face).
type transformersConfig struct {
	ModelType     string         `json:"model_type"`
	Architectures []string       `json:"architectures"`
	Labels        labelNames     `json:"id2label"`
	Numbers       map[string]any `json:"label2id"`
	Problem       string         `json:"problem_type"`
	NumChannels   *int           `json:"num_channels"`
	Activation    string         `json:"hidden_act"`
	ImageSize     pixels         `json:"image_size"`

	// Of the residual networks and ConvNeXt.
	LayerType   string `json:"layer_type"`
	Depths      []int  `json:"depths"`
	HiddenSizes []int  `json:"hidden_sizes"`
	Embedding   int    `json:"embedding_size"`
	GroupWidth  int    `json:"groups_width"`
	InFirst     *bool  `json:"downsample_in_first_stage"` // RegNets do, if it is missing
	InNeck      bool   `json:"downsample_in_bottleneck"`

	// Of the transformers.
	HiddenSize   int     `json:"hidden_size"`
	Layers       int     `json:"num_hidden_layers"`
	Heads        any     `json:"num_attention_heads"`
	StageHeads   []int   `json:"num_heads"`
	Intermediate int     `json:"intermediate_size"`
	PatchSize    int     `json:"patch_size"`
	Window       int     `json:"window_size"`
	EmbedDim     int     `json:"embed_dim"`
	MLPRatio     float64 `json:"mlp_ratio"`
	QKVBias      *bool   `json:"qkv_bias"`
	Absolute     bool    `json:"use_absolute_embeddings"`
	AbsoluteToo  bool    `json:"use_absolute_position_embeddings"`
	Relative     bool    `json:"use_relative_position_bias"`
	Shared       bool    `json:"use_shared_relative_position_bias"`
	MeanPooling  *bool   `json:"use_mean_pooling"`
	LayerScale   float64 `json:"layer_scale_init_value"`
	Pretrained   []int   `json:"pretrained_window_sizes"` // other windows scale the relative positions otherwise
	SwiGLU       bool    `json:"use_swiglu_ffn"`
	Registers    int     `json:"num_register_tokens"`

	// Of networks of several parts.
	Tower    json.RawMessage `json:"vision_config"`
	OldTower json.RawMessage `json:"vision_config_dict"` // stands above the other

	// Of normalisations: layer_norm_eps in transformers and, for their batch norms, in MobileNets.
	Epsilon   *float64 `json:"layer_norm_eps"`
	BNEpsilon *float64 `json:"batch_norm_eps"` // of EfficientNets

	// Of the mobile networks.
	TFPadding  *bool   `json:"tf_padding"`
	Width      float64 `json:"depth_multiplier"`
	Fine       *bool   `json:"finegrained_output"`
	Expansion  *bool   `json:"first_layer_is_expansion"` // else the stem has one convolution more
	WidthScale float64 `json:"width_coefficient"`
	DepthScale float64 `json:"depth_coefficient"`
	Strides    []int   `json:"strides"`
	Pooling    string  `json:"pooling_type"`
	OutStride  int     `json:"output_stride"`
	OddBlocks  []int   `json:"depthwise_padding"` // blocks with maps of odd sides

	// Of MobileViT.
	NeckSizes []int   `json:"neck_hidden_sizes"`
	Expand    float64 `json:"expand_ratio"`
	Kernel    int     `json:"conv_kernel_size"`
}

// pixels is the height and width of a square image: a number, or two equal ones.
type pixels int

func (p *pixels) UnmarshalJSON(text []byte) error {
	var one int
	if err := json.Unmarshal(text, &one); err == nil {
		*p = pixels(one)
		return nil
	}
	var two []int
	if err := json.Unmarshal(text, &two); err != nil || len(two) != 2 || two[0] != two[1] {
		return fmt.Errorf("image_size is %.40s, expected a number of pixels", text)
	}
	*p = pixels(two[0])
	return nil
}

// transformersFamily is a model type of transformers: network names the zoo's network of a configuration, "" for none,
// and rename converts its keys.
type transformersFamily struct {
	network func(c transformersConfig) string
	rename  func(network string) func(key string) string
	// epsilon is that of a configuration without one; 0 means that of the zoo's network.
	epsilon float64
}

// always is for families whose layers have the same names in all networks.
func always(rename func(key string) string) func(string) func(string) string {
	return func(string) func(string) string { return rename }
}

// transformersFamilies are those whose networks torchvision has as well; each was compared with transformers on the
// formula's weights (testdata/transformers).
var transformersFamilies = map[string]transformersFamily{
	"resnet":                {transformersConfig.resNet, always(transformersResNet), 0},
	"regnet":                {transformersConfig.regNet, always(transformersRegNet), 0},
	"convnext":              {transformersConfig.convNeXt, always(transformersConvNeXt), 1e-12},
	"convnextv2":            {transformersConfig.convNeXtV2, always(transformersConvNeXtV2), 1e-12},
	"vit":                   {transformersConfig.viT, always(transformersViT), 1e-12},
	"beit":                  {transformersConfig.beit, always(transformersBEiT), 1e-12},
	"data2vec-vision":       {transformersConfig.beit, always(transformersBEiT), 1e-12},
	"swin":                  {transformersConfig.swin, always(transformersSwin), 0},
	"swinv2":                {transformersConfig.swin, always(transformersSwin), 0},
	"efficientnet":          {transformersConfig.efficientNet, transformersEfficientNet, 0},
	"dinov2":                {transformersConfig.dinoV2, always(transformersDinoV2), 0},
	"dinov2_with_registers": {transformersConfig.dinoV2, always(transformersDinoV2), 0},
	"clip":                  {transformersConfig.clip, always(transformersTower), 0},
	"clip_vision_model":     {transformersConfig.clip, always(transformersTower), 0},
	"siglip":                {transformersConfig.siglip, always(transformersTower), 0},
	"siglip_vision_model":   {transformersConfig.siglip, always(transformersTower), 0},
	"deit":                  {transformersConfig.deit, always(transformersDeiT), 1e-12},
	"mobilenet_v1":          {transformersConfig.mobileNetV1, always(transformersMobileNetV1), 0},
	"mobilenet_v2":          {transformersConfig.mobileNetV2, always(transformersMobileNetV2), 0},
	"mobilevit":             {transformersConfig.mobileViT, always(transformersMobileViT), 0},
}

// transformersLayouts are the layouts of transformers for a network of the zoo.
func transformersLayouts(spec Spec) []layout {
	switch spec.Family {
	case "resnet":
		if !inTransformers(spec.Name) {
			return nil
		}
	case "efficientnet":
		if !strings.HasPrefix(spec.Name, "tf_efficientnet_b") { // neither torchvision's nor timm's
			return nil
		}
	case "mobilenet_v1", "mobilenet_v2": // the authors' own networks, not torchvision's
		if !strings.HasPrefix(spec.Name, "tf_") {
			return nil
		}
	}
	family, ok := transformersFamilies[spec.Family]
	if !ok || spec.Family == "dinov2" && strings.Contains(spec.Name, "patch14") { // timm's output layer
		return nil
	}
	l := layout{name: "transformers", rename: family.rename(baseName(spec.Name)), flipped: spec.Family == "mobilevit"}
	if usual := spec.withEpsilon(family.epsilon); usual.Name != spec.Name && spec.epsilon == viTEpsilon {
		l.note = fmt.Sprintf("its names are those of transformers, whose %s adds %g to the variance unless config.json has another layer_norm_eps; %s adds %g: load the folder with config.json, or name %s",
			spec.Family, family.epsilon, spec.Name, spec.epsilon, usual.Name)
	}
	return []layout{l}
}

// towerDefaults are the values that configurations of image towers leave out.
var towerDefaults = map[string]transformersConfig{
	"clip": {HiddenSize: 768, Intermediate: 3072, Layers: 12, Heads: 12., ImageSize: 224, PatchSize: 32, Activation: "quick_gelu"},
	"siglip": {HiddenSize: 768, Intermediate: 3072, Layers: 12, Heads: 12., ImageSize: 224, PatchSize: 16,
		Activation: "gelu_pytorch_tanh"},
}

// readTransformersConfig reads config.json. Of a model with an image tower beside other parts, it reads the tower's
// values.
func readTransformersConfig(text []byte, modelType string) (transformersConfig, error) {
	c := towerDefaults[strings.TrimSuffix(modelType, "_vision_model")]
	if err := json.Unmarshal(text, &c); err != nil {
		return c, err
	}
	tower := c
	for _, part := range []json.RawMessage{c.Tower, c.OldTower} {
		if part == nil {
			continue
		}
		if err := json.Unmarshal(part, &tower); err != nil {
			return c, err
		}
	}
	// The tower's own are those of a model without classes.
	tower.ModelType, tower.Architectures, tower.Labels, tower.Numbers, tower.Problem = c.ModelType, c.Architectures, c.Labels, c.Numbers, c.Problem
	return tower, nil
}

// transformersDescription reads config.json of a model of transformers. The preprocessing is in another file.
func transformersDescription(text []byte, set WeightSet) (description, error) {
	var kind struct {
		ModelType string `json:"model_type"`
	}
	if err := json.Unmarshal(text, &kind); err != nil {
		return description{}, err
	}
	family, ok := transformersFamilies[kind.ModelType]
	if !ok {
		return description{}, fmt.Errorf("a %q model of transformers; those of type %s are read, and repositories of timm. Export an image classifier of another type to ONNX, and load that file", kind.ModelType,
			strings.Join(slices.Sorted(maps.Keys(transformersFamilies)), ", "))
	}
	c, err := readTransformersConfig(text, kind.ModelType) // other types have other values under its names
	if err != nil {
		return description{}, err
	}
	if c.SwiGLU {
		return description{}, fmt.Errorf("a %q model of transformers with use_swiglu_ffn=true; the zoo has those without SwiGLU (the published small, base and large). Export it to ONNX, and load that file", c.ModelType)
	}
	name := ""
	if c.NumChannels == nil || *c.NumChannels == 3 || *c.NumChannels == 1 {
		name = family.network(c)
	}
	if name == "" {
		return description{}, fmt.Errorf("a %q model of transformers whose numbers of layers, widths or options are those of no network of the zoo. Export it to ONNX, and load that file", c.ModelType)
	}
	d := description{layouts: []layout{{name: "transformers", rename: family.rename(name)}}, flipped: kind.ModelType == "mobilevit"}
	d.spec, _ = lookup(name) // a test checks that every name is there
	epsilon := family.epsilon
	if given := cmp.Or(c.Epsilon, c.BNEpsilon); given != nil {
		if epsilon = *given; !validEpsilon(epsilon) {
			return description{}, fmt.Errorf("a %q model of transformers whose normalisations add %g to the variance, expected a number between 0 and 1", c.ModelType, epsilon)
		}
	}
	d.spec = d.spec.withEpsilon(epsilon)
	d.differs = transformersSizes(d.spec, c)
	if c.ImageSize > 0 && (d.spec.Family != "dinov2" || d.spec.sizeBound()) { // that of DINOv2's position embeddings, which are interpolated
		d.spec.InputSize, d.sized = int(c.ImageSize), true
	}
	if len(c.Architectures) == 0 || c.made("ForImageClassification") || c.made("ForImageClassificationWithTeacher") {
		set.Classes, d.unnamed = c.labels(), c.Labels.unread
	}
	if c.Problem == "multi_label_classification" {
		d.notes = append(d.notes, "it was trained to find several classes in an image, each with a sigmoid of its logit; Predict ranks them by softmax, whose probabilities are not its own")
	}
	d.spec.Weights = []WeightSet{set}
	return d, nil
}

// labels are the names of the classes, by id2label or, where that is missing, by label2id; nil if there are none.
func (c transformersConfig) labels() []string {
	if len(c.Labels.names) > 0 || len(c.Numbers) == 0 {
		return c.Labels.names
	}
	names := make([]string, len(c.Numbers))
	for name, number := range c.Numbers { // a number, or one as text
		i, err := strconv.Atoi(fmt.Sprint(number))
		if err != nil || i < 0 || i >= len(names) || names[i] != "" {
			return nil
		}
		names[i] = name
	}
	return names
}
