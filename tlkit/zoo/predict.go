package zoo

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// Prediction is one class with the probability, in [0, 1], that a model gives it.
type Prediction struct {
	Class       string
	Index       int // of the class in Model.Classes
	Probability float64
	// Uncertain is true if the probability is below the threshold of the model's Calibration.
	Uncertain bool
}

// String returns a text such as "ant 93.1%", or "ant 51.0% (uncertain)".
func (p Prediction) String() string {
	text := fmt.Sprintf("%s %.1f%%", p.Class, 100*p.Probability)
	if p.Uncertain {
		text += " (uncertain)"
	}
	return text
}

// ImageSize is the height and width, in pixels, of the network's input images.
func (m *Model) ImageSize() int {
	if m.Preprocess.Crop > 0 {
		return m.Preprocess.Crop
	}
	return m.Spec.InputSize
}

// Normalize converts bytes [batch, height, width, 3] to the network's input: (x/255 - mean)/std per channel. It is
// graph-building code.
func (m *Model) Normalize(x *Node) *Node {
	scale, shift := m.Normalization()
	return nn.ScaleShift(ConvertDType(x, dtypes.Float32), scale, shift)
}

// Normalization returns, per channel, the factor of a byte and what is then added, to get the network's input; see
// [Model.Normalize].
func (m *Model) Normalization() (scale, shift []float32) {
	scale, shift = make([]float32, 3), make([]float32, 3)
	for c := range 3 {
		std := m.Preprocess.Std[c]
		if std == 0 {
			std = 1
		}
		scale[c], shift[c] = 1/(255*std), -m.Preprocess.Mean[c]/std
	}
	return scale, shift
}

// Predict returns the top most probable classes of an image, the most probable first. The image is prepared with the
// model's Preprocess; the probabilities are those of its Calibration.
func (m *Model) Predict(image *vision.Image, top int) ([]Prediction, error) {
	logits, err := m.Logits([]*vision.Image{image})
	if err != nil {
		return nil, err
	}
	if err := m.CheckLogits(logits[0]); err != nil {
		return nil, err
	}
	return m.Rank(logits[0], top), nil
}

// CheckLogits returns an error if the logits of an image are no finite numbers, so that no class follows from them.
func (m *Model) CheckLogits(logits []float32) error {
	if !slices.ContainsFunc(logits, func(v float32) bool { return !numbers.Finite(float64(v)) }) {
		return nil
	}
	why := "its weights may be too large, or its Preprocess not theirs"
	if bad, err := m.notFinite(); err == nil && len(bad) > 0 {
		why = "its weights are damaged, or a training diverged: there are NaN or infinities in " + listed(bad)
	}
	return fmt.Errorf("zoo: the outputs of %s are infinite or NaN; %s", m.Spec.Name, why)
}

// Rank returns the top most probable classes by the logits of an image, the most probable first.
func (m *Model) Rank(logits []float32, top int) []Prediction {
	all := make([]Prediction, len(logits))
	for i, p := range m.Probabilities(logits) {
		all[i] = m.prediction(i, p)
	}
	slices.SortStableFunc(all, func(a, b Prediction) int { return cmp.Compare(b.Probability, a.Probability) })
	return all[:min(max(top, 1), len(all))]
}

// PredictFile is [Model.Predict] for an image file, rotated and flipped upright by its EXIF orientation.
func (m *Model) PredictFile(path string, top int) ([]Prediction, error) {
	path, err := fetch.ExpandHome(path)
	if err != nil {
		return nil, err
	}
	image, err := vision.DecodeFile(path, m.Decoding())
	if err != nil {
		return nil, whereLooked(path, err)
	}
	return m.Predict(image, top)
}

// Decoding returns the options that image files are decoded with for predictions: rotated and flipped upright, even if
// the training took them as stored. Published data sets rarely have images with an EXIF orientation; photographs as
// they come from a phone have one.
func (m *Model) Decoding() vision.DecodeOptions {
	return vision.DecodeOptions{Orient: true, Bits: m.Bits}
}

// whereLooked adds to the error of a relative path at which there is nothing the folder in which it was looked for.
func whereLooked(path string, err error) error {
	wd, e := os.Getwd()
	if e != nil || !errors.Is(err, fs.ErrNotExist) || filepath.IsAbs(path) {
		return err
	}
	return fmt.Errorf("zoo: there is no %s in %s: %w; give its path from there, or from /", path, wd, err)
}

// Logits returns the logits of each image, [image][class], computed in one batch on the engine of backend.Inference.
func (m *Model) Logits(images []*vision.Image) ([][]float32, error) {
	if len(images) == 0 {
		return nil, nil
	}
	pixels, err := m.pixels(0, len(images), func(i int) (*vision.Image, error) { return images[i], nil })
	if err != nil {
		return nil, err
	}
	return m.run(pixels)
}

// LogitsOf is [Model.Logits] for n images that are prepared already: their bytes [n, size, size, 3], one after the
// other, where size is ImageSize.
func (m *Model) LogitsOf(pix []uint8, n int) ([][]float32, error) {
	size := m.ImageSize()
	if len(pix) != n*size*size*3 {
		return nil, fmt.Errorf("zoo: %d bytes are not %d images of %dx%d; each has %d", len(pix), n, size, size, size*size*3)
	}
	if n == 0 {
		return nil, nil
	}
	return m.run(tensors.FromFlatDataAndDimensions(pix, n, size, size, 3))
}

// Prepare returns the bytes [size, size, 3] that the network takes of an image, where size is ImageSize: the input of
// [Model.LogitsOf]. It is safe for use from several goroutines at once.
func (m *Model) Prepare(image *vision.Image) ([]uint8, error) {
	return m.prepare(0, image)
}

// prepare is Prepare of image i.
func (m *Model) prepare(i int, image *vision.Image) ([]uint8, error) {
	if err := image.Check(); err != nil {
		return nil, fmt.Errorf("zoo: image %d: %w", i, err)
	}
	size := m.ImageSize()
	// Before the image takes memory: without a crop its longer side can be of any length.
	if width, height := m.Preprocess.Size(image.Width, image.Height); width != size || height != size {
		return nil, fmt.Errorf("zoo: image %d is %dx%d after preparation, model %q takes %dx%d; set Preprocess.Resize and Crop",
			i, width, height, m.Spec.Name, size, size)
	}
	return m.Preprocess.Apply(image).Pix, nil
}

// run returns the logits of prepared images, and frees the images.
func (m *Model) run(pixels *tensors.Tensor) ([][]float32, error) {
	defer pixels.MustFinalizeAll()
	exec, err := m.predictor()
	if err != nil {
		return nil, err
	}
	out, err := exec.Call1(pixels)
	if err != nil && m.generalise(err, pixels) {
		if exec, err = m.predictor(); err == nil {
			out, err = exec.Call1(pixels)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("zoo: predicting with %q: %w", m.Spec.Name, err)
	}
	defer out.MustFinalizeAll()
	return slices.Collect(slices.Chunk(tensors.MustCopyFlatData[float32](out), len(m.Classes))), nil
}

// Release frees the memory that an engine holds for predictions: on ONNX Runtime a copy of the values and the network's
// working memory, several times the size of the model. The next prediction compiles the network again. Training calls
// Release itself.
func (m *Model) Release() {
	if m.exec != nil {
		m.exec.Finalize()
		m.exec, m.compiled = nil, nil
	}
}

// predictor returns the compiled network from bytes to logits, made on first use and whenever the values have changed.
func (m *Model) predictor() (*model.Exec, error) {
	engine, err := m.inferenceEngine()
	if err != nil {
		return nil, err
	}
	values := m.identities()
	if m.exec != nil && (!m.Folds(engine.Backend) || slices.Equal(values, m.compiled)) {
		return m.exec, nil
	}
	m.Release()
	exec, err := nn.NewModelExec(engine.Backend, m.store, func(_ *model.Scope, x *Node) *Node {
		return m.Constant(x, func() *Node { return m.Forward(&nn.Pass{}, m.Normalize(x)) })
	})
	if err != nil {
		return nil, fmt.Errorf("zoo: compiling %q: %w", m.Spec.Name, err)
	}
	m.exec, m.compiled = exec, values
	return m.exec, nil
}
