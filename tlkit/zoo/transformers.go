package zoo

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
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
	InFirst     bool   `json:"downsample_in_first_stage"`
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
	Epsilon   float64 `json:"layer_norm_eps"`
	BNEpsilon float64 `json:"batch_norm_eps"`

	// Of the mobile networks.
	TFPadding  *bool   `json:"tf_padding"`
	Width      float64 `json:"depth_multiplier"`
	Fine       *bool   `json:"finegrained_output"`
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
	"convnext":              {transformersConfig.convNeXt, always(transformersConvNeXt), 0},
	"convnextv2":            {transformersConfig.convNeXtV2, always(transformersConvNeXtV2), 0},
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
	epsilon := cmp.Or(c.Epsilon, c.BNEpsilon, family.epsilon)
	if epsilon != 0 && !validEpsilon(epsilon) {
		return description{}, fmt.Errorf("a %q model of transformers whose normalisations add %g to the variance, expected a number between 0 and 1",
			c.ModelType, epsilon)
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
	if !is(c.Activation, "relu") || c.Embedding != 64 || c.InFirst || c.InNeck {
		return ""
	}
	widths := map[string][]int{"basic": {64, 128, 256, 512}, "bottleneck": {256, 512, 1024, 2048}}
	if len(c.Depths) != 4 || !slices.Equal(c.HiddenSizes, widths[c.LayerType]) {
		return ""
	}
	return transformersResNets[c.LayerType][[4]int(c.Depths)]
}

func (c transformersConfig) regNet() string {
	if !is(c.Activation, "relu") || c.Embedding != 32 {
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

// flatEpsilon reports whether ConvNeXt's epsilon is rounding: transformers uses it for the norm under the output layer
// alone, on means over the image, whose variance is far above; all others add 1e-6.
func (c transformersConfig) flatEpsilon() bool { return c.Epsilon <= convNeXtEpsilon }

func (c transformersConfig) convNeXt() string {
	if !is(c.Activation, "gelu") || c.PatchSize != 4 || !c.flatEpsilon() {
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
	if !is(c.Activation, "gelu") || c.PatchSize != 4 || !c.flatEpsilon() {
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
		c.OutStride != 0 && c.OutStride != 32 {
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
		c.Heads != nil && c.Heads != any(4.) || c.QKVBias != nil && !*c.QKVBias || cmp.Or(c.Epsilon, mobileViTEpsilon) != mobileViTEpsilon {
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

// processor is preprocessor_config.json.
type processor struct {
	Type      string        `json:"image_processor_type"`
	OldType   string        `json:"feature_extractor_type"`
	Resize    *bool         `json:"do_resize"`
	Size      sides         `json:"size"`
	Crop      *bool         `json:"do_center_crop"`
	CropSize  sides         `json:"crop_size"`
	CropPct   float64       `json:"crop_pct"`
	Resample  *int          `json:"resample"`
	Rescale   *bool         `json:"do_rescale"`
	Factor    *float64      `json:"rescale_factor"`
	Offset    bool          `json:"rescale_offset"`
	Normalize *bool         `json:"do_normalize"`
	Mean      channelValues `json:"image_mean"`
	Std       channelValues `json:"image_std"`
	ImageSize sides         `json:"image_size"` // of the network, which the geometry must give
	Channels  *int          `json:"num_channels"`
	Twice     bool          `json:"include_top"`           // EfficientNet's divides by the deviation once more
	Flip      *bool         `json:"do_flip_channel_order"` // blue, green, red
}

// processorNotes are fields of preprocessor_config.json that change nothing of an image in a classifier; those that
// begin with "_" are such, too.
var processorNotes = []string{"image_processor_type", "feature_extractor_type", "processor_class", "transformers_version", "auto_map", "model_input_names", "name_or_path",
	"do_convert_rgb", "do_reduce_labels", "reduce_labels", "return_tensors", "data_format", "input_data_format", "device", "disable_grouping", "default_to_square"}

// unknownField returns a field of preprocessor_config.json with a value that this package does not know, "" if there is
// none.
func unknownField(text []byte) (string, error) {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return "", err
	}
	known := reflect.TypeFor[processor]()
	for i := range known.NumField() {
		delete(fields, known.Field(i).Tag.Get("json"))
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		value := strings.TrimSpace(string(fields[name]))
		if !strings.HasPrefix(name, "_") && !slices.Contains(processorNotes, name) && !slices.Contains([]string{"null", "false", "{}", "[]", `""`}, value) {
			return fmt.Sprintf("%s is %.40s", name, value), nil
		}
	}
	return "", nil
}

// sides are the sides of an image: a number, both sides, or the shorter one.
type sides struct {
	Height   int `json:"height"`
	Width    int `json:"width"`
	Shortest int `json:"shortest_edge"`
	one      int
}

func (s *sides) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &s.one); err == nil {
		return nil
	}
	var two []int
	if err := json.Unmarshal(text, &two); err == nil && len(two) == 2 {
		s.Height, s.Width = two[0], two[1]
		return nil
	}
	type plain sides
	if err := json.Unmarshal(text, (*plain)(s)); err != nil {
		return fmt.Errorf("a size is %.40s, expected a number of pixels, two of them, or an object with height and width or with shortest_edge", text)
	}
	return nil
}

// channelValues are numbers, one for each channel, or one for all.
type channelValues []float32

func (n *channelValues) UnmarshalJSON(text []byte) error {
	var one float32
	if err := json.Unmarshal(text, &one); err == nil {
		*n = channelValues{one}
		return nil
	}
	return json.Unmarshal(text, (*[]float32)(n))
}

// on reports whether a step is done: as the file has it, or usual if the file lacks it.
func on(step *bool, usual bool) bool {
	if step == nil {
		return usual
	}
	return *step
}

// processorKind is a kind of transformers' processors, by the beginning of its name, with what it does where a file
// does not say it.
type processorKind struct {
	name     string
	resample vision.Interpolation
	crop     int // the side of the middle that it cuts out; 0 for none
}

// processorKinds are the processors that are read.
var processorKinds = []processorKind{
	{"ViT", vision.Bilinear, 0}, {"MobileNet", vision.Bilinear, 224}, {"MobileViT", vision.Bicubic, 256}, {"Beit", vision.Bicubic, 0},
	{"CLIP", vision.Bicubic, 224}, {"Bit", vision.Bicubic, 224}, {"ConvNext", vision.Bicubic, 0}, {"EfficientNet", vision.Bicubic, 0},
	{"Siglip", vision.Bicubic, 0}, {"DeiT", vision.Bicubic, 224},
}

// kind finds the processor's kind; of one without a name, that of ViT.
func (c processor) kind() (processorKind, bool) {
	i := slices.IndexFunc(processorKinds, func(k processorKind) bool { return c.isOf(k.name) })
	if i < 0 {
		return processorKinds[0], c.Type+c.OldType == ""
	}
	return processorKinds[i], true
}

// readProcessor reads preprocessor_config.json of transformers. A field or a processor that is not known is an error
// with its name.
func readProcessor(text []byte) (c processor, err error) {
	if err := json.Unmarshal(text, &c); err != nil {
		return c, err
	}
	unknown, err := unknownField(text)
	if err != nil {
		return c, err
	}
	for _, name := range []*string{&c.Type, &c.OldType} {
		if strings.HasPrefix(*name, "Auto") { // AutoImageProcessor, AutoFeatureExtractor: of any kind
			*name = ""
		}
	}
	switch _, known := c.kind(); {
	case unknown != "":
		return c, fmt.Errorf("%s, which is not known here", unknown)
	case !known:
		return c, fmt.Errorf("image_processor_type is %q, which is not known here", cmp.Or(c.Type, c.OldType))
	case c.flips() && !c.isOf("MobileViT"):
		return c, fmt.Errorf("do_flip_channel_order is true, which only MobileViT's processor is known to have")
	}
	return c, nil
}

// flips reports whether the network takes blue, green and red in this order.
func (c processor) flips() bool { return on(c.Flip, c.isOf("MobileViT")) }

// preprocess returns one transform of pixels in [0, 1].
func (c processor) preprocess() (vision.Preprocess, error) {
	var p vision.Preprocess
	if err := c.geometry(&p); err != nil {
		return p, err
	}
	if side := cmp.Or(c.ImageSize.Height, c.ImageSize.Shortest, c.ImageSize.one); side != 0 && (side != p.Crop || cmp.Or(c.ImageSize.Width, side) != side) {
		return p, fmt.Errorf("image_size is %d, but images become %dx%d by the other fields", side, p.Crop, p.Crop)
	}
	if c.Channels != nil && *c.Channels != 3 {
		return p, fmt.Errorf("num_channels is %d, expected 3", *c.Channels)
	}
	switch resample := c.Resample; {
	case resample == nil:
		kind, _ := c.kind()
		p.Interpolation = kind.resample
	case *resample == 2:
		p.Interpolation = vision.Bilinear
	case *resample == 3:
		p.Interpolation = vision.Bicubic
	case *resample == 0:
		p.Interpolation = vision.Nearest
	case *resample == 1:
		p.Interpolation = vision.Lanczos
	default:
		return p, fmt.Errorf("resample is %d; 0 (nearest), 1 (Lanczos), 2 (bilinear) and 3 (bicubic) are known here", *resample)
	}
	if err := c.scale(&p); err != nil {
		return p, err
	}
	return p, p.Validate()
}

// isOf reports whether the processor's class begins with a name.
func (c processor) isOf(name string) bool { return strings.HasPrefix(c.Type+c.OldType, name) }

// geometry sets how images are resized and cropped.
func (c processor) geometry(p *vision.Preprocess) error {
	convNeXt := c.isOf("ConvNext")
	shortest := c.Size.Shortest
	if shortest == 0 && (convNeXt || c.isOf("CLIP") || c.isOf("Siglip") || c.isOf("Bit") || c.isOf("Mobile")) {
		shortest = c.Size.one
	}
	square := c.Size.Height
	if shortest == 0 && square == 0 {
		square = c.Size.one
	}
	kind, _ := c.kind()
	cropped, crop := on(c.Crop, kind.crop > 0), cmp.Or(c.CropSize.Height, c.CropSize.one, kind.crop)
	if cropped && c.CropSize.Width != 0 && c.CropSize.Width != crop {
		return fmt.Errorf("crop_size is %dx%d, expected a square", c.CropSize.Height, c.CropSize.Width)
	}
	switch {
	case !on(c.Resize, true):
	case convNeXt && shortest >= 384: // transformers' ConvNextImageProcessor: no cropping from 384 on
		p.Resize, p.Squash, p.Crop = shortest, true, shortest
	case convNeXt && shortest > 0:
		share := c.CropPct
		if share == 0 {
			share = 224. / 256
		}
		p.Resize, p.Crop = int(float64(shortest)/share), shortest
	case square > 0 && (c.Size.Width == 0 || c.Size.Width == square):
		p.Resize, p.Squash, p.Crop = square, true, square
	case shortest > 0:
		p.Resize = shortest
	default:
		return fmt.Errorf("size is %+v, expected a square or the shorter edge", c.Size)
	}
	if cropped && crop > 0 {
		p.Crop = crop
	}
	if p.Crop == 0 {
		return errors.New("images are not brought to one size; give LoadOptions.Preprocess")
	}
	return nil
}

// scale sets mean and deviation for pixels in [0, 1]. transformers computes (255*factor*x - offset - mean)/std.
func (c processor) scale(p *vision.Preprocess) error {
	factor, offset := float32(1./255), float32(0)
	if c.Factor != nil && on(c.Rescale, true) {
		factor = float32(*c.Factor)
	}
	if c.Offset {
		offset = 1
	}
	mean, std := [3]float32{}, [3]float32{1, 1, 1}
	if on(c.Normalize, true) && !c.isOf("MobileViT") { // which has no such step
		var ok1, ok2 bool
		mean, ok1 = perChannel(c.Mean, len(c.Mean))
		std, ok2 = perChannel(c.Std, len(c.Std))
		if !ok1 || !ok2 {
			return fmt.Errorf("image_mean is %v and image_std %v, expected three numbers each", c.Mean, c.Std)
		}
	}
	if !on(c.Rescale, true) {
		return errors.New("do_rescale is false: pixels up to 255 go into the network, which is not known here")
	}
	unit := 255 * factor
	for i := range mean {
		if c.Twice {
			std[i] *= std[i]
		}
		p.Mean[i], p.Std[i] = (offset+mean[i])/unit, std[i]/unit
	}
	return nil
}
