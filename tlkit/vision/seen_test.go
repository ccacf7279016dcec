package vision_test

import (
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// TestSeen holds that the pixels which Apply keeps are those of the part that Seen names.
func TestSeen(t *testing.T) {
	for _, c := range []struct {
		p             vision.Preprocess
		width, height int
		want          vision.Part
	}{
		{vision.Preprocess{}, 7, 5, vision.Part{Right: 1, Bottom: 1}},
		{vision.Preprocess{Resize: 4, Squash: true, Crop: 4}, 9, 5, vision.Part{Right: 1, Bottom: 1}},
		{vision.Preprocess{Crop: 2}, 8, 4, vision.Part{Left: 3. / 8, Top: 1. / 4, Right: 5. / 8, Bottom: 3. / 4}},
		{vision.Preprocess{Crop: 2}, 5, 3, vision.Part{Left: 2. / 5, Top: 0, Right: 4. / 5, Bottom: 2. / 3}}, // 1.5 and 0.5 are rounded to even
		{vision.Preprocess{Crop: 8}, 4, 4, vision.Part{Left: -0.5, Top: -0.5, Right: 1.5, Bottom: 1.5}},
		{vision.Preprocess{Resize: 8, Crop: 4}, 16, 8, vision.Part{Left: 6. / 16, Top: 2. / 8, Right: 10. / 16, Bottom: 6. / 8}},
		{vision.Preprocess{Resize: 8, Crop: 4}, 32, 16, vision.Part{Left: 6. / 16, Top: 2. / 8, Right: 10. / 16, Bottom: 6. / 8}},
	} {
		if got := c.p.Seen(c.width, c.height); got != c.want {
			t.Errorf("%+v of %dx%d: %+v, want %+v", c.p, c.width, c.height, got, c.want)
		}
		if c.p.Resize > 0 {
			continue
		}
		whole := vision.New(c.width, c.height)
		for i := range whole.Pix {
			whole.Pix[i] = uint8(i + 1)
		}
		kept := c.p.Apply(whole)
		left, top := int(c.want.Left*float64(c.width)), int(c.want.Top*float64(c.height))
		for y := range kept.Height {
			for x := range kept.Width {
				want := uint8(0) // around the image
				if fx, fy := left+x, top+y; fx >= 0 && fy >= 0 && fx < c.width && fy < c.height {
					want = whole.Pix[3*(fy*c.width+fx)]
				}
				if got := kept.Pix[3*(y*kept.Width+x)]; got != want {
					t.Fatalf("%+v of %dx%d: pixel (%d, %d) is %d, want %d", c.p, c.width, c.height, x, y, got, want)
				}
			}
		}
	}
}
