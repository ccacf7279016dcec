package zoo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// timmConfig is config.json of a timm model: timm.models.push_to_hf_hub and save_for_hf write it, and, with
// transformers' fields around it, transformers' TimmWrapper.
type timmConfig struct {
	Architecture      string            `json:"architecture"`
	NumClasses        *int              `json:"num_classes"`
	Labels            labelNames        `json:"labels"` // the name of label_names before 2023
	GlobalPool        string            `json:"global_pool"`
	LabelNames        labelNames        `json:"label_names"`
	LabelDescriptions map[string]string `json:"label_descriptions"`
	ModelArgs         map[string]any    `json:"model_args"`
	PretrainedCfg     *timmPreprocess   `json:"pretrained_cfg"`
	timmPreprocess
}

// timmPreprocess is pretrained_cfg; repositories from before 2023 have its fields at the top. Fields for other images
// than those of an evaluation at input_size have no effect (test_input_size, test_crop_pct, min_input_size, pool_size).
type timmPreprocess struct {
	Tag           string    `json:"tag"`
	InputSize     []int     `json:"input_size"` // channels, height, width
	Interpolation string    `json:"interpolation"`
	CropPct       float64   `json:"crop_pct"`
	CropMode      string    `json:"crop_mode"`
	Mean          []float32 `json:"mean"`
	Std           []float32 `json:"std"`
	License       string    `json:"license"`
	LabelOffset   int       `json:"label_offset"`
}

// labelNames are names of classes in order: a list in JSON, or an object from the index to the name. Numbers are names,
// too, as of data sets whose classes have no other.
type labelNames struct {
	names []string
	// unread is why the names can't be read: the caller's may stand in.
	unread error
}

func (l *labelNames) UnmarshalJSON(text []byte) error {
	l.names, l.unread = readLabelNames(text)
	return nil
}

func readLabelNames(text []byte) ([]string, error) {
	var list []labelName
	if err := json.Unmarshal(text, &list); err == nil {
		return plainNames(list), nil
	}
	var byIndex map[string]labelName
	if err := json.Unmarshal(text, &byIndex); err != nil {
		return nil, fmt.Errorf("the names of the classes are %.40s, expected a list, or an object from \"0\", \"1\", ... to names", text)
	}
	names := make([]labelName, len(byIndex))
	for key, name := range byIndex {
		i, err := strconv.Atoi(key)
		if err != nil || i < 0 || i >= len(names) || names[i] != "" {
			return nil, fmt.Errorf("the names of %d classes have one for %q, expected \"0\" to \"%d\"", len(names), key, len(names)-1)
		}
		names[i] = name
	}
	return plainNames(names), nil
}

// labelName is a name, or a number that stands for one.
type labelName string

func (n *labelName) UnmarshalJSON(text []byte) error {
	var number json.Number
	if err := json.Unmarshal(text, &number); err == nil && text[0] != '"' {
		*n = labelName(number)
		return nil
	}
	return json.Unmarshal(text, (*string)(n))
}

func plainNames(names []labelName) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = string(name)
	}
	return out
}

// timmDescription reads config.json of a timm model.
func timmDescription(text []byte, set WeightSet) (description, error) {
	var c timmConfig
	if err := json.Unmarshal(text, &c); err != nil {
		return description{}, err
	}
	name, _, _ := strings.Cut(c.Architecture, ".") // without the tag of its weights
	t, err := timmArchitecture(name)
	if err != nil {
		return description{}, err
	}
	d := description{layouts: t.layouts()}
	d.spec, _ = lookup(t.name) // a test checks that every name is there
	if err := c.checkNetwork(d.spec); err != nil {
		return description{}, err
	}
	cfg := c.timmPreprocess
	if c.PretrainedCfg != nil {
		cfg = *c.PretrainedCfg
	}
	if cfg.LabelOffset != 0 {
		return description{}, fmt.Errorf("label_offset is %d, expected none: the first outputs are for no class; save the model with timm's save_for_hf, which leaves them out", cfg.LabelOffset)
	}
	if c.LabelNames.names == nil && c.LabelNames.unread == nil {
		c.LabelNames = c.Labels
	}
	if err := d.setSize(c, cfg, name); err != nil {
		return description{}, err
	}
	d.differs = timmSizes(d.spec)
	if cfg.Tag != "" {
		set.Name = cfg.Tag
	}
	set.Licence = cfg.License
	set.Classes, d.unnamed = c.classes(cfg.Tag)
	d.spec.Weights = []WeightSet{set}
	if cfg.InputSize == nil && cfg.Mean == nil {
		return d, nil // transformers' TimmWrapper writes no pretrained_cfg for a model made anew
	}
	at := func(size int) (vision.Preprocess, error) {
		cfg := cfg
		if cfg.InputSize == nil {
			cfg.InputSize = []int{3, size, size}
		}
		return cfg.preprocess()
	}
	size := timmSize
	if d.spec.sizeBound() {
		size = d.spec.InputSize
	}
	p, err := at(size)
	if err != nil {
		d.unread = fmt.Errorf("config.json: %w", err)
		return d, nil
	}
	d.setPreprocess(p)
	if !d.sized {
		d.preprocessAt = at
	}
	return d, nil
}

// timmSize is the size of images that timm takes where a description names none.
const timmSize = 224

// sizeInName is the size of images in the name of an architecture of timm: "vit_base_patch16_384".
var sizeInName = regexp.MustCompile(`_(\d{3,4})$`)

// setSize finds the size of images that the network is made for: that of model_args or pretrained_cfg, else that in the
// architecture's name, which the learned positions in the file may contradict.
func (d *description) setSize(c timmConfig, cfg timmPreprocess, architecture string) error {
	size, err := c.imageSize()
	if err != nil && d.spec.sizeBound() {
		return err
	}
	if size == 0 && len(cfg.InputSize) == 3 {
		size = cfg.InputSize[1]
	}
	d.sized = size > 0
	if d.spec.Family == "dinov2" && size > 0 && size != dinoV2Grid*dinoV2Patch {
		d.spec, _ = lookup(d.spec.Name + dinoV2Sized)
	}
	if m := sizeInName.FindStringSubmatch(architecture); size == 0 && m != nil {
		size, _ = strconv.Atoi(m[1])
	}
	if size > 0 && d.spec.sizeBound() {
		d.spec.InputSize = size
	}
	return nil
}

// imageSize is img_size of the arguments that the model was made with, a number or two equal ones; 0 if
// it is not given.
func (c timmConfig) imageSize() (int, error) {
	sides, ok := c.ModelArgs["img_size"].([]any)
	if !ok {
		sides = []any{c.ModelArgs["img_size"], c.ModelArgs["img_size"]}
	}
	if sides[0] == nil {
		return 0, nil
	}
	size, number := sides[0].(float64)
	if len(sides) != 2 || sides[1] != sides[0] || !number || size < 1 || size > 4096 || size != math.Trunc(size) {
		return 0, fmt.Errorf("the model was made with img_size=%v, expected the side of a square; export it to ONNX, and load that file", c.ModelArgs["img_size"])
	}
	return int(size), nil
}

// timmDefaults are arguments of timm's constructors with the values that leave the network as torchvision has it. timm
// writes every argument it was called with, so the value decides, not its presence.
var timmDefaults = map[string][]any{
	"in_chans":      {3., 1.}, // one channel is spread over three
	"output_stride": {32.},
	"scriptable":    {true},
	"exportable":    {true},
	"pretrained":    {true},
	"qkv_bias":      {true},
	"class_token":   {true},
	"mlp_ratio":     {4.},
	"pos_embed":     {"learn"},
}

// timmPool is timm's name of what the output layer takes from the tokens or the map.
func (s Spec) timmPool() string {
	switch {
	case s.Family == "siglip" && !strings.Contains(s.Name, "_gap"):
		return "map"
	case slices.Contains([]string{"vit", "dinov2", "clip", "deit"}, s.Family), strings.HasPrefix(s.Name, "eva02") && strings.HasSuffix(baseName(s.Name), "_clip"):
		return "token"
	}
	return "avg"
}

// checkNetwork refuses arguments that make another network of the architecture.
func (c timmConfig) checkNetwork(spec Spec) error {
	pool := spec.timmPool()
	if c.GlobalPool != "" && c.GlobalPool != pool {
		return fmt.Errorf("global_pool is %q, but %s has %q; the numbers would be wrong", c.GlobalPool, spec.Name, pool)
	}
	for key, value := range c.ModelArgs {
		switch {
		case value == nil || value == false || value == "":
		case key == "img_size" || key == "num_classes":
		case strings.Contains(key, "drop") && strings.HasSuffix(key, "_rate"): // of training only
		case key == "global_pool" && value == pool:
		case slices.Contains(timmDefaults[key], value):
		default:
			return fmt.Errorf("the model was made with %s=%v, which changes the network; only timm's own form of %q is read", key, value, c.Architecture)
		}
	}
	return nil
}

// classes returns the names of the classes; nil for a model without an output layer.
func (c timmConfig) classes(tag string) ([]string, error) {
	n := 1000
	if c.NumClasses != nil {
		n = *c.NumClasses
	}
	switch names := c.LabelNames.names; {
	case c.LabelNames.unread != nil:
		return nil, c.LabelNames.unread
	case n < 0 || n > 1<<20:
		return nil, fmt.Errorf("num_classes is %d", n)
	case n == 0:
		return nil, nil
	case len(names) == n:
		out := make([]string, n)
		for i, name := range names { // "n01440764" has a description
			out[i] = name
			if d := c.LabelDescriptions[name]; d != "" {
				out[i] = d
			}
		}
		return out, nil
	case len(names) > 0:
		return nil, fmt.Errorf("%d label_names for %d classes", len(names), n)
	case n == 1000 && strings.HasSuffix(tag, "in1k"):
		return ImageNetClasses(), nil
	}
	return numbered(n), nil
}

// preprocess returns the evaluation transform, as timm.data.create_transform makes it: the shorter side resized to
// size/crop_pct, or with crop_mode squash both sides, and the middle cut out.
func (c timmPreprocess) preprocess() (vision.Preprocess, error) {
	var p vision.Preprocess
	if len(c.InputSize) != 3 || c.InputSize[0] != 3 && c.InputSize[0] != 1 || c.InputSize[1] != c.InputSize[2] || c.InputSize[1] < 1 || c.InputSize[1] > 4096 {
		return p, fmt.Errorf("input_size is %v, expected [3, SIZE, SIZE] or [1, SIZE, SIZE]", c.InputSize)
	}
	if c.InputSize[0] == 3 && c.Mean == nil {
		c.Mean = vision.ImageNetMean[:]
	}
	if c.InputSize[0] == 3 && c.Std == nil {
		c.Std = vision.ImageNetStd[:]
	}
	mean, ok1 := perChannel(c.Mean, c.InputSize[0])
	std, ok2 := perChannel(c.Std, c.InputSize[0])
	if !ok1 || !ok2 {
		return p, fmt.Errorf("mean is %v and std %v, expected a number for each of the %d channels", c.Mean, c.Std, c.InputSize[0])
	}
	if c.CropMode != "" && c.CropMode != "center" && c.CropMode != "squash" {
		return p, fmt.Errorf("crop_mode is %q; \"center\" and \"squash\" are known here", c.CropMode)
	}
	pct := cmp.Or(c.CropPct, 0.875) // timm.data.constants.DEFAULT_CROP_PCT
	if !(pct > 0.1 && pct <= 1) {
		return p, fmt.Errorf("crop_pct is %g, expected a share of up to 1", pct)
	}
	interpolation := cmp.Or(c.Interpolation, "bicubic") // as resolve_data_config of timm.data
	size := c.InputSize[1]
	p = vision.Preprocess{Resize: int(math.Floor(float64(size) / pct)), Squash: c.CropMode == "squash", Crop: size,
		Interpolation: vision.Interpolation(interpolation), Mean: mean, Std: std}
	return p, p.Validate()
}

// perChannel returns a number for each of three channels, from three or one; false for other counts.
func perChannel(v []float32, channels int) ([3]float32, bool) {
	switch {
	case len(v) == 3 && channels == 3:
		return [3]float32(v), true
	case len(v) == 1:
		return [3]float32{v[0], v[0], v[0]}, true
	}
	return [3]float32{}, false
}
