package project

import (
	"bytes"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// TestSmaller holds that what is stored of a large image is prepared to the same pixels as the image itself.
func TestSmaller(t *testing.T) {
	large := vision.New(1500, 1200)
	for i := range large.Pix {
		large.Pix[i] = uint8(i * i >> 7)
	}
	for _, p := range []vision.Preprocess{{Resize: 40, Crop: 32}, {Resize: 41, Crop: 32}, {Resize: 43, Crop: 32, Interpolation: vision.Bicubic}, {Resize: 32, Crop: 32},
		{Resize: 40, Crop: 32, Squash: true}, {Resize: 32, Squash: true}, {Crop: 32}} {
		small := smaller(p, large)
		if small.Width*small.Height > maxSamplePixels {
			t.Errorf("%+v: %d x %d pixels are stored", p, small.Width, small.Height)
		}
		if got, want := p.Apply(small), p.Apply(large); got.Width != want.Width || !bytes.Equal(got.Pix, want.Pix) {
			t.Errorf("%+v: other pixels", p)
		}
	}
	if p := (vision.Preprocess{Resize: 32, Crop: 40}); !bytes.Equal(p.Apply(smaller(p, large)).Pix, p.Apply(large).Pix) {
		t.Errorf("%+v: other pixels", p)
	}
}
