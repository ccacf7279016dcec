package zoo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/internal/hub"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// hubScheme begins the name of a model in a repository of the Hugging Face hub: "hf://timm/resnet18.a1_in1k".
const hubScheme = "hf://"

// maxConfig bounds config.json and the index of a model in several files.
const maxConfig = 16 << 20

// hubConfig is what config.json of a timm repository says (timm.models.push_to_hf_hub writes it), and what tells a
// repository of another library.
type hubConfig struct {
	Architecture  string         `json:"architecture"`
	NumClasses    *int           `json:"num_classes"`
	GlobalPool    string         `json:"global_pool"`
	LabelNames    []string       `json:"label_names"`
	ModelArgs     map[string]any `json:"model_args"`
	PretrainedCfg *hubPreprocess `json:"pretrained_cfg"`

	ModelType string `json:"model_type"` // of transformers
	hubPreprocess
}

// hubPreprocess is pretrained_cfg; repositories from before 2023 have its fields at the top.
type hubPreprocess struct {
	Tag           string    `json:"tag"`
	InputSize     []int     `json:"input_size"` // channels, height, width
	Interpolation string    `json:"interpolation"`
	CropPct       float64   `json:"crop_pct"`
	CropMode      string    `json:"crop_mode"`
	Mean          []float32 `json:"mean"`
	Std           []float32 `json:"std"`
	License       string    `json:"license"`
}

// hubModel is a model of a repository: a network of the zoo, and how its files fit.
type hubModel struct {
	repo hub.Repo
	spec Spec
	set  WeightSet
	timm timmModel
	// headless repositories hold features only.
	headless bool
}

// hubSource reads config.json of a repository. Preprocessing and classes are taken from it, never guessed.
func hubSource(ctx context.Context, name string) (*hubModel, error) {
	repo, err := hub.Parse(strings.TrimPrefix(name, hubScheme))
	if err != nil {
		return nil, fmt.Errorf("zoo: %q: %w", name, err)
	}
	path, err := repo.File(ctx, "config.json", hub.Options{MaxBytes: maxConfig})
	if err != nil {
		return nil, fmt.Errorf("zoo: %w", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("zoo: %w", err)
	}
	var c hubConfig
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("zoo: config.json of %s: %w", repo, err)
	}
	h := &hubModel{repo: repo}
	if err := h.read(c); err != nil {
		return nil, fmt.Errorf("zoo: config.json of %s: %w", repo, err)
	}
	return h, nil
}

func (h *hubModel) read(c hubConfig) error {
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
	if h.spec, err = Info(h.timm.name); err != nil {
		return err
	}
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
	cfg := c.hubPreprocess
	if c.PretrainedCfg != nil {
		cfg = *c.PretrainedCfg
	}
	h.set = WeightSet{Name: cfg.Tag, Default: true, Licence: cfg.License, Source: "Hugging Face hub: " + h.repo.String(),
		URL: hub.Endpoint() + "/" + h.repo.ID}
	if h.set.Name == "" {
		h.set.Name = h.repo.String()
	}
	if h.set.Preprocess, err = cfg.preprocess(); err != nil {
		return err
	}
	h.spec.InputSize = h.set.Preprocess.Crop
	h.spec.Weights = nil
	n := 1000
	if c.NumClasses != nil {
		n = *c.NumClasses
	}
	switch {
	case n < 0 || n > 1<<20:
		return fmt.Errorf("num_classes is %d", n)
	case n == 0:
		h.headless = true
	case len(c.LabelNames) == n:
		h.set.Classes = c.LabelNames
	case len(c.LabelNames) > 0:
		return fmt.Errorf("%d label_names for %d classes", len(c.LabelNames), n)
	case n == 1000 && strings.HasSuffix(cfg.Tag, "in1k"):
		h.set.Classes = ImageNetClasses()
	default:
		h.set.Classes = numbered(n)
	}
	h.spec.Weights = []WeightSet{h.set}
	return nil
}

// preprocess is the evaluation transform, as timm.data.create_transform makes it: the shorter side resized to
// size/crop_pct, and the middle cut out.
func (c hubPreprocess) preprocess() (vision.Preprocess, error) {
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

// numbered are names for classes that nobody has named: "class 0" and so on.
func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("class %d", i)
	}
	return names
}

// loadHub loads a model of the Hugging Face hub.
func loadHub(name string, o LoadOptions) (*Model, error) {
	if o.Weights != "" {
		return nil, fmt.Errorf("zoo: LoadOptions.Weights is %q, but %q names the weights already; leave Weights empty", o.Weights, name)
	}
	h, err := hubSource(o.Context, name)
	if err != nil {
		return nil, err
	}
	classes := h.set.Classes
	if o.Classes != nil {
		if !h.headless && len(o.Classes) != len(classes) {
			return nil, fmt.Errorf("zoo: %s has %d classes, but LoadOptions.Classes names %d (a strategy replaces them for new images)",
				h.repo, len(classes), len(o.Classes))
		}
		classes = o.Classes
	}
	if len(classes) == 0 {
		return nil, fmt.Errorf("zoo: %s has no output layer, only features; give the classes of a new one in LoadOptions.Classes", h.repo)
	}
	m, err := unset(h.spec, classes)
	if err != nil {
		return nil, err
	}
	sd, err := h.open(o.Context)
	if err != nil {
		return nil, err
	}
	defer sd.Close()
	adapted, err := h.timm.stateDict(m, sd)
	if err != nil {
		return nil, err
	}
	if adapted, err = m.completed(adapted, h.headless, o.Seed); err != nil {
		return nil, err
	}
	if err := m.LoadStateDict(adapted); err != nil {
		return nil, err
	}
	m.Weights = hubScheme + h.repo.String()
	return m, nil
}

// completed adds what a file of timm does not have: random values for auxiliary heads and for the output layer of a
// repository that holds features only, and tables that do not depend on training.
func (m *Model) completed(sd *weights.StateDict, headless bool, seed uint64) (*weights.StateDict, error) {
	entries := sd.Entries()
	for _, p := range m.params {
		_, ok := sd.Get(p.Key)
		aux := slices.ContainsFunc(m.arch.Aux, func(a AuxHead) bool { return strings.HasPrefix(p.Key, a.Key+".") })
		if ok || !(aux || headless && m.InHead(p) || timmTables.MatchString(p.Key)) {
			continue
		}
		if err := m.Initialise(p, seed); err != nil {
			return nil, err
		}
		values, err := m.Values(p)
		if err != nil {
			return nil, err
		}
		t, err := weights.NewTensor(p.Shape, values)
		if err != nil {
			return nil, err
		}
		entries = append(entries, weights.Entry{Key: p.Key, Tensor: t})
	}
	out, err := weights.New(entries)
	if err != nil {
		return nil, err
	}
	out.Source = sd.Source
	return out, nil
}

// open gets the weights: model.safetensors, or the parts that its index lists. Pickles on the hub are not read: every
// repository of timm has safetensors.
func (h *hubModel) open(ctx context.Context) (*weights.StateDict, error) {
	o := hub.Options{Progress: func(name string) func(done, total int64) { return fetch.Printer(os.Stderr, h.repo.ID+"/"+name) }}
	path, err := h.repo.File(ctx, "model.safetensors", o)
	var missing *hub.NotFoundError
	if errors.As(err, &missing) || errors.Is(err, fetch.ErrOffline) && h.repo.Cached("model.safetensors.index.json") != "" {
		sd, shardErr := h.openShards(ctx, o)
		if shardErr == nil || !errors.As(shardErr, &missing) {
			return sd, shardErr
		}
		return nil, fmt.Errorf("zoo: repository %s has neither model.safetensors nor model.safetensors.index.json", h.repo)
	}
	if err != nil {
		return nil, fmt.Errorf("zoo: %w", err)
	}
	return weights.Open(path)
}

func (h *hubModel) openShards(ctx context.Context, o hub.Options) (*weights.StateDict, error) {
	path, err := h.repo.File(ctx, "model.safetensors.index.json", hub.Options{MaxBytes: maxConfig})
	if err != nil {
		return nil, fmt.Errorf("zoo: %w", err)
	}
	index, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("zoo: %w", err)
	}
	names, err := weights.ShardNames(index)
	if err != nil {
		return nil, fmt.Errorf("zoo: repository %s: %w", h.repo, err)
	}
	var parts []*weights.StateDict
	closeAll := func() {
		for _, p := range parts {
			p.Close()
		}
	}
	for _, name := range names {
		path, err := h.repo.File(ctx, name, o)
		if err != nil {
			closeAll()
			return nil, fmt.Errorf("zoo: %w", err)
		}
		part, err := weights.Open(path)
		if err != nil {
			closeAll()
			return nil, err
		}
		parts = append(parts, part)
	}
	sd, err := weights.Join(parts...)
	if err != nil {
		closeAll()
	}
	return sd, err
}
