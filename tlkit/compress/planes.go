package compress

import "github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"

// planes converts bytes of images [n, size, size, 3] to the input of an exported .onnx file: [n, 3, size, size],
// normalised.
func planes(m *zoo.Model, pix []uint8) []float32 {
	scale, shift := m.Normalization()
	plane := m.ImageSize() * m.ImageSize()
	out := make([]float32, len(pix))
	for i, v := range pix {
		image, at, c := i/(3*plane), i/3%plane, i%3
		out[(3*image+c)*plane+at] = float32(v)*scale[c] + shift[c]
	}
	return out
}
