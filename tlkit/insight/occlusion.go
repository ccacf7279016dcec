package insight

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/tlkit-go/tlkit-notebooks/internal/optional"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// OcclusionOptions are the options of [Occlusion], in pixels of the prepared image.
type OcclusionOptions struct {
	// Window is the side of the square that covers the image; 0 means a quarter of the image's side.
	Window int
	// Stride is the distance from one place of the square to the next; 0 means half a window.
	Stride int
	// BatchSize is the number of covered images computed at once; 0 means 32.
	BatchSize int
}

// Occlusion covers one part of the image after the other with a square of the mean colour and measures how much the
// probability of a class falls: Zeiler and Fergus 2014, Visualizing and Understanding Convolutional Networks (arXiv
// 1311.2901, section 4.2). It needs no gradient and works with every network, but runs it once for each place of
// the square, until an interrupt. The value of a pixel is the mean fall over the squares that cover it; a pixel
// that none covers has 0.
//
// class is a name of the model's classes; "" means the most probable one.
func Occlusion(m *zoo.Model, img *vision.Image, class string, opts ...OcclusionOptions) (*Heatmap, error) {
	ready, err := prepared(m, img)
	if err != nil {
		return nil, err
	}
	index, err := classIndex(m, class)
	if err != nil {
		return nil, err
	}
	o, err := occlusionDefaults(ready.Width, opts)
	if err != nil {
		return nil, err
	}
	logits, err := m.LogitsOf(append([]uint8(nil), ready.Pix...), 1)
	if err != nil {
		return nil, err
	}
	h, err := heatmap(m, ready, logits[0], index)
	if err != nil {
		return nil, err
	}
	h.Method = "occlusion"
	c := covering{model: m, image: ready, o: o, grey: meanColour(m.Preprocess)}
	var places [][2]int
	for y := 0; y+o.Window <= ready.Height; y += o.Stride {
		for x := 0; x+o.Window <= ready.Width; x += o.Stride {
			places = append(places, [2]int{y, x})
		}
	}
	falls := make([]float64, 0, len(places))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for from := 0; from < len(places); from += o.BatchSize {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("insight: the occlusion was interrupted after %d of %d places: %w", from, len(places), err)
		}
		rows, err := c.logits(places[from:min(from+o.BatchSize, len(places))])
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if err := m.CheckLogits(row); err != nil {
				return nil, fmt.Errorf("insight: %w", err)
			}
			falls = append(falls, h.Probability-m.Probabilities(row)[h.Index])
		}
	}
	h.Values = c.mean(places, falls)
	return h, nil
}

// occlusionDefaults fills in the defaults for an image of the given side.
func occlusionDefaults(size int, opts []OcclusionOptions) (OcclusionOptions, error) {
	o, err := optional.One("insight: Occlusion", opts)
	if err != nil {
		return o, err
	}
	if o.Window < 0 || o.Window > size || o.Stride < 0 || o.BatchSize < 0 {
		return o, fmt.Errorf("insight: Occlusion with window %d, stride %d and batch size %d; the window must be 1 to %d pixels (0: a quarter), the others positive or 0",
			o.Window, o.Stride, o.BatchSize, size)
	}
	o.Window = cmp.Or(o.Window, max(1, size/4))
	o.Stride = cmp.Or(o.Stride, max(1, o.Window/2))
	o.BatchSize = cmp.Or(o.BatchSize, 32)
	return o, nil
}

// meanColour is the colour that is normalised to about 0, as bytes.
func meanColour(p vision.Preprocess) [3]uint8 {
	var c [3]uint8
	for i, v := range p.Mean {
		c[i] = uint8(min(max(255*v+0.5, 0), 255))
	}
	return c
}

// covering makes the covered copies of an image.
type covering struct {
	model *zoo.Model
	image *vision.Image
	o     OcclusionOptions
	grey  [3]uint8
}

// logits returns those of the image covered at each of the places (top, left).
func (c covering) logits(places [][2]int) ([][]float32, error) {
	each := len(c.image.Pix)
	pix := make([]uint8, 0, len(places)*each)
	for k, at := range places {
		pix = append(pix, c.image.Pix...)
		one := pix[k*each:]
		for y := at[0]; y < at[0]+c.o.Window; y++ {
			for x := at[1]; x < at[1]+c.o.Window; x++ {
				copy(one[3*(y*c.image.Width+x):], c.grey[:])
			}
		}
	}
	return c.model.LogitsOf(pix, len(places))
}

// mean returns for each pixel the mean of the values of the squares that cover it.
func (c covering) mean(places [][2]int, values []float64) [][]float64 {
	sum, count := make([][]float64, c.image.Height), make([][]float64, c.image.Height)
	for y := range sum {
		sum[y], count[y] = make([]float64, c.image.Width), make([]float64, c.image.Width)
	}
	for k, at := range places {
		for y := at[0]; y < at[0]+c.o.Window; y++ {
			for x := at[1]; x < at[1]+c.o.Window; x++ {
				sum[y][x] += values[k]
				count[y][x]++
			}
		}
	}
	for y := range sum {
		for x := range sum[y] {
			sum[y][x] /= max(1, count[y][x])
		}
	}
	return sum
}
