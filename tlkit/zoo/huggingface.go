package zoo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/internal/hub"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// hubScheme begins the name of a model in a repository of the Hugging Face hub: "hf://timm/resnet18.a1_in1k".
const hubScheme = "hf://"

// maxConfig bounds config.json and the index of a model in several files.
const maxConfig = 16 << 20

// hubModel is the source of a model in a repository: a network of the zoo, and how its files fit.
type hubModel struct {
	noFile
	repo hub.Repo
	spec Spec
	timm timmModel
}

// openHub reads config.json of a repository. Preprocessing and classes are taken from it, never guessed.
func openHub(ctx context.Context, name string) (source, error) {
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
	var c timmConfig
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("zoo: config.json of %s: %w", repo, err)
	}
	h := &hubModel{repo: repo}
	if err := h.read(c); err != nil {
		return nil, fmt.Errorf("zoo: config.json of %s: %w", repo, err)
	}
	return h, nil
}

func (h *hubModel) network() Spec { return h.spec }

func (h *hubModel) choose(o LoadOptions) (*values, error) {
	if o.Weights != "" {
		return nil, fmt.Errorf("zoo: LoadOptions.Weights is %q, but %q names the weights already; leave Weights empty", o.Weights, hubScheme+h.repo.String())
	}
	set := h.spec.Weights[0]
	v := &values{spec: h.spec, classes: set.Classes, preprocess: set.Preprocess, name: hubScheme + h.repo.String(),
		layouts: h.timm.layouts(), described: true}
	if len(v.classes) == 0 {
		v.classes = numbered(len(ImageNetClasses())) // only features: any number will do until the head is replaced
	}
	if o.Preprocess != nil {
		v.preprocess = *o.Preprocess
	}
	v.open = func() (*weights.StateDict, error) { return h.open(o.Context) }
	return v, nil
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
