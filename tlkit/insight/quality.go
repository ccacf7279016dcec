package insight

import (
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// Bounds of the quality of an image, rules of thumb.
const (
	// darkest is the mean luminance, in [0, 255], below which an image is too dark; brightest that above which it is
	// too bright.
	darkest, brightest = 25, 240
	// blurriest is the variance of the Laplacian below which an image is blurred (Pech-Pacheco et al. 2000, Diatom
	// autofocusing in brightfield microscopy), for a shorter side of at most qualitySide pixels.
	blurriest   = 40
	qualitySide = 224
)

// quality are measures of one image.
type quality struct {
	// luminance is the mean, in [0, 255].
	luminance float64
	// sharpness is the variance of the Laplacian of the luminance.
	sharpness float64
}

// luminance returns that of a pixel (red, green, blue), in [0, 255], by the weights of ITU-R BT.601.
func luminance(p []uint8) float64 {
	return 0.299*float64(p[0]) + 0.587*float64(p[1]) + 0.114*float64(p[2])
}

// measure returns the quality of an image. A large one is reduced first, so that the sharpness of images of different
// sizes can be compared; a small one is not enlarged.
func measure(img *vision.Image) quality {
	if min(img.Width, img.Height) > qualitySide {
		img = vision.ResizeShorter(img, qualitySide, vision.Bilinear)
	}
	w, h := img.Width, img.Height
	grey := make([]float64, w*h)
	var q quality
	for i := range grey {
		p := img.Pix[3*i:]
		grey[i] = luminance(p)
		q.luminance += grey[i] / float64(w*h)
	}
	sum, squares, n := 0.0, 0.0, 0.0
	for y := 1; y < h-1; y++ {
		for x := 1; x < w-1; x++ {
			i := y*w + x
			v := grey[i-1] + grey[i+1] + grey[i-w] + grey[i+w] - 4*grey[i]
			sum += v
			squares += v * v
			n++
		}
	}
	if n > 0 {
		q.sharpness = squares/n - sum/n*sum/n
	}
	return q
}
