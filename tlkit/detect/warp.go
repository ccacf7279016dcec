package detect

import (
	"image"
	"math"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// Warp stretches a box of any shape to a square of the given size ("warp with context" in R-CNN, appendix A). The box
// fills the square except for context pixels on each side, which show the surroundings of the box. R-CNN has 16 pixels
// of context in 227. Pixels outside of the image get its mean colour.
func Warp(m *vision.Image, box image.Rectangle, size, context int) *vision.Image {
	inner := float64(size - 2*context)
	dx, dy := float64(context)*float64(box.Dx())/inner, float64(context)*float64(box.Dy())/inner
	x1, y1 := int(math.Round(float64(box.Min.X)-dx)), int(math.Round(float64(box.Min.Y)-dy))
	x2, y2 := int(math.Round(float64(box.Max.X)+dx)), int(math.Round(float64(box.Max.Y)+dy))
	wide := image.Rect(x1, y1, max(x2, x1+1), max(y2, y1+1))
	whole := image.Rect(0, 0, m.Width, m.Height)
	cut := vision.Crop(m, wide)
	if !wide.In(whole) {
		mean := meanColour(m)
		for y := range cut.Height {
			for x := range cut.Width {
				if !(image.Point{wide.Min.X + x, wide.Min.Y + y}).In(whole) {
					copy(cut.Pix[3*(y*cut.Width+x):], mean[:])
				}
			}
		}
	}
	return vision.Resize(cut, size, size, vision.Bilinear)
}

func meanColour(m *vision.Image) [3]uint8 {
	var sum [3]int
	for i, v := range m.Pix {
		sum[i%3] += int(v)
	}
	var mean [3]uint8
	for c := range mean {
		mean[c] = uint8(sum[c] / max(1, m.Width*m.Height))
	}
	return mean
}
