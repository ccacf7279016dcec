package zoo

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// offsetTable is the ending of BEiT's tables of offsets, which stand in place of position embeddings.
const offsetTable = "relative_position_bias_table"

// positions returns the first variable whose number of rows depends on the number of patches, and the side of a patch.
func (m *Model) positions() (p nn.Param, patch int, ok bool) {
	for _, q := range m.params {
		switch {
		case patch == 0 && q.Layout == nn.ConvKernel:
			patch = q.Shape[2]
		case !ok && (strings.HasSuffix(q.Key, "pos_embed") || strings.HasSuffix(q.Key, "pos_embedding") || strings.HasSuffix(q.Key, offsetTable)):
			p, ok = q, true
		}
	}
	return p, patch, ok && patch > 0
}

// positionsFor returns the size of square images whose patches have so many learned positions, 0 if there is none.
func (m *Model) positionsFor(rows int) int {
	p, patch, ok := m.positions()
	if !ok {
		return 0
	}
	side := m.Spec.InputSize / patch
	if m.Spec.Family == "dinov2" && !m.Spec.sizeBound() {
		side = dinoV2Grid
	}
	squares := func(side int) int { return side * side }
	if strings.HasSuffix(p.Key, offsetTable) {
		squares = func(side int) int { return (2*side - 1) * (2*side - 1) }
	}
	others := p.Shape[len(p.Shape)-2] - squares(side) // of tokens that are no patches
	for side = range int(math.Sqrt(float64(max(rows, 0)))) + 1 {
		if side > 0 && squares(side)+others == rows {
			return side * patch
		}
	}
	return 0
}

// positionsIn returns the size of images that the learned positions in a file are for; 0 if that is not known.
func (m *Model) positionsIn(sd *weights.StateDict, layouts []layout, prefix string) int {
	p, _, ok := m.positions()
	if !ok || !m.Spec.sizeBound() && m.Spec.Family != "dinov2" {
		return 0
	}
	sd = unwrapped(sd)
	f, err := m.bestFit(sd, layouts, prefix)
	if err != nil {
		return 0 // adopt returns it
	}
	t, ok := sd.Get(f.from[p.Key])
	if !ok || len(t.Shape) < 2 {
		return 0
	}
	return m.positionsFor(t.Shape[len(t.Shape)-2])
}

// sized returns the model for images of the size that the file's learned positions are for: m itself, if it is that.
// Its images must be prepared at that size.
func (v *values) sized(m *Model, sd *weights.StateDict, o LoadOptions) (*Model, error) {
	size := m.positionsIn(sd, append(slices.Clip(v.layouts), m.inner()...), o.Prefix)
	if size == 0 || size == m.Spec.InputSize && m.Spec.sizeBound() {
		return m, nil
	}
	if !m.Spec.sizeBound() { // DINOv2, whose published positions are interpolated
		if size == dinoV2Grid*dinoV2Patch {
			return m, nil
		}
		if !v.whole {
			return nil, fmt.Errorf("zoo: %s: its learned positions are for images of %dx%d pixels, and those of %s for %d; name %s, with LoadOptions.Preprocess of a Crop of %d",
				sd.Source, size, size, m.Spec.Name, dinoV2Grid*dinoV2Patch, m.Spec.Name+dinoV2Sized, size)
		}
		v.spec, _ = lookup(m.Spec.Name + dinoV2Sized)
	}
	if v.preprocessAt != nil {
		var err error
		if v.preprocess, err = v.preprocessAt(size); err != nil {
			return nil, err
		}
	}
	if crop := v.preprocess.Crop; crop != 0 && crop != size {
		return nil, fmt.Errorf("zoo: %s: its learned positions are for images of %dx%d pixels, but its images are prepared at %dx%d; give LoadOptions.Preprocess with a Crop of %d",
			sd.Source, size, size, crop, crop, size)
	}
	v.spec.InputSize = size
	other, err := newModel(v.spec, v.classes)
	if err != nil {
		return nil, err
	}
	other.Preprocess, other.Weights = v.preprocess, v.name
	return other, nil
}
