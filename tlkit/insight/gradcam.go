package insight

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/gomlx/compute"

	"github.com/tlkit-go/tlkit-notebooks/internal/optional"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/gradcam"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// CAMOptions are the options of [GradCAM]. The zero value suits every network.
type CAMOptions struct {
	// Stage is the stage whose output is read (see [zoo.Model.Stages]); "" means the last one with positions. Of a
	// transformer with a class token it is the last but one, since after the last block only that token is classified.
	// An earlier stage gives a finer map of simpler features.
	Stage string
}

// GradCAM returns the parts of an image that raise the logit of a class: Selvaraju et al. 2017, Grad-CAM
// (arXiv 1610.02391, section 3, equations 1 and 2). The channels of a stage's output are weighted by the mean of their
// gradients, summed up, and the negative sums are set to 0. Tokens of a transformer are places of a square grid; the
// class token is left out.
//
// class is a name of the model's classes, with the index of one that shares its name, as in "crane (134)"; "" means the
// most probable one. The image is prepared with the model's
// Preprocess.
func GradCAM(m *zoo.Model, img *vision.Image, class string, opts ...CAMOptions) (*Heatmap, error) {
	engine, err := backend.Default()
	if err != nil {
		return nil, err
	}
	maps, err := gradCAMs(engine.Backend, m, []*vision.Image{img}, []string{class}, opts)
	if err != nil {
		return nil, err
	}
	return maps[0], nil
}

// GradCAMs is [GradCAM] for several images of one class each; the network is compiled once. classes is as long as
// images. An interrupt ends it.
func GradCAMs(m *zoo.Model, images []*vision.Image, classes []string, opts ...CAMOptions) ([]*Heatmap, error) {
	engine, err := backend.Default()
	if err != nil {
		return nil, err
	}
	return gradCAMs(engine.Backend, m, images, classes, opts)
}

func gradCAMs(engine compute.Backend, m *zoo.Model, images []*vision.Image, classes []string, opts []CAMOptions) ([]*Heatmap, error) {
	if m == nil {
		return nil, errNoModel
	}
	o, err := optional.One("insight: GradCAM", opts)
	if err != nil {
		return nil, err
	}
	if len(classes) != len(images) {
		return nil, fmt.Errorf("insight: GradCAMs got %d images and %d classes; give one class, or \"\", per image", len(images), len(classes))
	}
	if o.Stage != "" && !slices.Contains(m.Stages(), o.Stage) {
		return nil, fmt.Errorf("insight: model %q has no stage %q; its stages are %s", m.Spec.Name, o.Stage, strings.Join(m.Stages(), ", "))
	}
	network, err := gradcam.New(engine, m, o.Stage)
	if err != nil {
		return nil, fmt.Errorf("insight: %w", err)
	}
	defer network.Finalize()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	maps := make([]*Heatmap, len(images))
	for i, img := range images {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("insight: Grad-CAM was interrupted after %d of %d images: %w", i, len(images), err)
		}
		if maps[i], err = explain(network, m, img, classes[i]); err != nil {
			return nil, err
		}
	}
	return maps, nil
}

// explain returns the map of one image.
func explain(network *gradcam.Network, m *zoo.Model, img *vision.Image, class string) (*Heatmap, error) {
	index, err := classIndex(m, class)
	if err != nil {
		return nil, err
	}
	ready, err := prepared(m, img)
	if err != nil {
		return nil, err
	}
	found, err := network.Explain(ready.Pix, index)
	switch {
	case errors.Is(err, gradcam.ErrNoMap):
		return nil, fmt.Errorf("insight: %w; insight.Occlusion needs no gradients and works with every network", err)
	case err != nil:
		return nil, fmt.Errorf("insight: %w", err)
	}
	h, err := heatmap(m, ready, found.Logits, index)
	if err != nil {
		return nil, err
	}
	h.Method, h.Stage, h.Values = "Grad-CAM", found.Stage, found.Values
	return h, nil
}
