package detect

import (
	"cmp"
	"image"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// ProposalOptions configure the two ways to propose boxes, sliding windows and selective search. The zero value uses
// both.
type ProposalOptions struct {
	// Sides are the sides in pixels of square windows, which slide by half of their side; nil means 24, 34 and 48. An
	// empty, non-nil slice means none.
	Sides []int
	// Scales are the scales of the segmentations (see Segment) that selective search starts from; nil means 100 and
	// 300. An empty, non-nil slice means none.
	Scales []float64
	// Least is the smallest side of a box in pixels; 0 means 12.
	Least int
}

// Propose returns boxes that may hold an object of any class: sliding windows, and the regions of selective search
// (Uijlings et al. 2013, "Selective Search for Object Recognition": segments are merged, the most similar neighbours
// first; here by colour, size and fill). Equal boxes are returned once.
func Propose(m *vision.Image, opts ProposalOptions) []image.Rectangle {
	if opts.Sides == nil {
		opts.Sides = []int{24, 34, 48}
	}
	if opts.Scales == nil {
		opts.Scales = []float64{100, 300}
	}
	opts.Least = cmp.Or(opts.Least, 12)
	var boxes []image.Rectangle
	seen := map[image.Rectangle]bool{}
	add := func(b image.Rectangle) {
		if !seen[b] && min(b.Dx(), b.Dy()) >= opts.Least && b != image.Rect(0, 0, m.Width, m.Height) {
			seen[b] = true
			boxes = append(boxes, b)
		}
	}
	for _, side := range opts.Sides {
		for y := 0; y+side <= m.Height; y += max(1, side/2) {
			for x := 0; x+side <= m.Width; x += max(1, side/2) {
				add(image.Rect(x, y, x+side, y+side))
			}
		}
	}
	for _, scale := range opts.Scales {
		region, n := Segment(m, scale, 20)
		for _, b := range grow(parts(m, region, n), m.Width*m.Height) {
			add(b)
		}
	}
	return boxes
}

// Recall is the share of the objects in the scenes that some proposal overlaps by an IoU of at least 0.5. It is an
// upper limit for the recall of a classifier of proposals.
func Recall(scenes []Scene, opts ProposalOptions) float64 {
	found, all := 0, 0
	for _, s := range scenes {
		boxes := Propose(s.Image, opts)
		for _, o := range s.Objects {
			all++
			for _, b := range boxes {
				if IoU(b, o.Box) >= 0.5 {
					found++
					break
				}
			}
		}
	}
	return float64(found) / float64(max(1, all))
}
