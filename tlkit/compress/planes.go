package compress

import "github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"

// planes prepares images as the input of an exported .onnx file: [n, 3, size, size], normalised.
type planes struct {
	size         int
	scale, shift [3]float32 // per channel, of a byte
}

func (p *planes) prepare(m *zoo.Model) {
	for c := range 3 {
		std := m.Preprocess.Std[c]
		if std == 0 {
			std = 1
		}
		p.scale[c], p.shift[c] = 1/(255*std), -m.Preprocess.Mean[c]/std
	}
}

// of converts bytes [n, size, size, 3].
func (p *planes) of(pix []uint8) []float32 {
	plane := p.size * p.size
	out := make([]float32, len(pix))
	for i, v := range pix {
		image, at, c := i/(3*plane), i/3%plane, i%3
		out[(3*image+c)*plane+at] = float32(v)*p.scale[c] + p.shift[c]
	}
	return out
}
