package zoo

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/hub"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// timmConfig is what config.json of a timm repository says (timm.models.push_to_hf_hub writes it), and what tells a
// repository of another library.
type timmConfig struct {
	Architecture  string          `json:"architecture"`
	NumClasses    *int            `json:"num_classes"`
	GlobalPool    string          `json:"global_pool"`
	LabelNames    []string        `json:"label_names"`
	ModelArgs     map[string]any  `json:"model_args"`
	PretrainedCfg *timmPreprocess `json:"pretrained_cfg"`

	ModelType string `json:"model_type"` // of transformers
	timmPreprocess
}

// timmPreprocess is pretrained_cfg; repositories from before 2023 have its fields at the top.
type timmPreprocess struct {
	Tag           string    `json:"tag"`
	InputSize     []int     `json:"input_size"` // channels, height, width
	Interpolation string    `json:"interpolation"`
	CropPct       float64   `json:"crop_pct"`
	CropMode      string    `json:"crop_mode"`
	Mean          []float32 `json:"mean"`
	Std           []float32 `json:"std"`
	License       string    `json:"license"`
}

func (h *hubModel) read(c timmConfig) error {
	if c.Architecture == "" {
		if c.ModelType != "" {
			return fmt.Errorf("a model of transformers (%q); repositories of timm are read, for example hf://timm/resnet50.a1_in1k", c.ModelType)
		}
		return errors.New("no architecture; expected the configuration of a timm model, as in hf://timm/resnet50.a1_in1k")
	}
	var err error
	if h.timm, err = timmArchitecture(c.Architecture); err != nil {
		return err
	}
	h.spec, _ = lookup(h.timm.name) // a test holds that every name is there
	for key, value := range c.ModelArgs {
		if key != "img_size" && key != "num_classes" {
			return fmt.Errorf("the model was made with %s=%v, which changes the network; only timm's own form of %q is read", key, value, c.Architecture)
		}
	}
	pool := "avg"
	if h.spec.Family == "vit" {
		pool = "token"
	}
	if c.GlobalPool != "" && c.GlobalPool != pool {
		return fmt.Errorf("global_pool is %q, but torchvision's %s has %q; the numbers would be wrong", c.GlobalPool, h.spec.Name, pool)
	}
	cfg := c.timmPreprocess
	if c.PretrainedCfg != nil {
		cfg = *c.PretrainedCfg
	}
	set := WeightSet{Name: cfg.Tag, Default: true, Licence: cfg.License, Source: "Hugging Face hub: " + h.repo.String(),
		URL: hub.Endpoint() + "/" + h.repo.ID}
	if set.Name == "" {
		set.Name = h.repo.String()
	}
	if set.Preprocess, err = cfg.preprocess(); err != nil {
		return err
	}
	h.spec.InputSize = set.Preprocess.Crop
	n := 1000
	if c.NumClasses != nil {
		n = *c.NumClasses
	}
	switch {
	case n < 0 || n > 1<<20:
		return fmt.Errorf("num_classes is %d", n)
	case n == 0: // only features
	case len(c.LabelNames) == n:
		set.Classes = c.LabelNames
	case len(c.LabelNames) > 0:
		return fmt.Errorf("%d label_names for %d classes", len(c.LabelNames), n)
	case n == 1000 && strings.HasSuffix(cfg.Tag, "in1k"):
		set.Classes = ImageNetClasses()
	default:
		set.Classes = numbered(n)
	}
	h.spec.Weights = []WeightSet{set}
	return nil
}

// preprocess is the evaluation transform, as timm.data.create_transform makes it: the shorter side resized to
// size/crop_pct, and the middle cut out.
func (c timmPreprocess) preprocess() (vision.Preprocess, error) {
	var p vision.Preprocess
	if len(c.InputSize) != 3 || c.InputSize[0] != 3 || c.InputSize[1] != c.InputSize[2] || c.InputSize[1] < 1 || c.InputSize[1] > 4096 {
		return p, fmt.Errorf("input_size is %v, expected [3, SIZE, SIZE]", c.InputSize)
	}
	if len(c.Mean) != 3 || len(c.Std) != 3 {
		return p, fmt.Errorf("mean is %v and std %v, expected three numbers each", c.Mean, c.Std)
	}
	if c.CropMode != "" && c.CropMode != "center" {
		return p, fmt.Errorf("crop_mode is %q; only \"center\" is known here", c.CropMode)
	}
	pct := c.CropPct
	if pct == 0 {
		pct = 0.875 // timm.data.constants.DEFAULT_CROP_PCT
	}
	if !(pct > 0.1 && pct <= 1) {
		return p, fmt.Errorf("crop_pct is %g, expected a share of up to 1", pct)
	}
	interpolation := c.Interpolation
	if interpolation == "" {
		interpolation = "bilinear"
	}
	size := c.InputSize[1]
	p = vision.Preprocess{Resize: int(math.Floor(float64(size) / pct)), Crop: size, Interpolation: vision.Interpolation(interpolation),
		Mean: [3]float32(c.Mean), Std: [3]float32(c.Std)}
	return p, p.Validate()
}
