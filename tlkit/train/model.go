package train

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/sealed"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Model returns the trained model with the weights of the best epoch, and its calibration if [Result.Calibrate] made
// one. With several seeds it is the first seed's; call Model on a result in Repeats for another seed's. A strategy that
// classifies without the model's head (KNN) has none: its head would have the values that it began with.
func (r *Result) Model() (*zoo.Model, error) {
	if err := r.exists("take a model of"); err != nil {
		return nil, err
	}
	if err := r.needsHead("take the model of another strategy"); err != nil {
		return nil, err
	}
	spec, err := r.run.spec()
	if err != nil {
		return nil, err
	}
	if err := r.checkModel(); err != nil {
		return nil, err
	}
	sd, err := weights.Open(r.file(bestFile))
	if err != nil {
		return nil, err
	}
	defer sd.Close()
	m, err := zoo.FromStateDict(spec, r.run.Config.Data.Classes, sd)
	if err != nil {
		return nil, err
	}
	m.Weights = r.run.Name + "/" + r.Strategy
	m.Preprocess = r.run.Config.Model.Preprocess
	m.Bits = r.run.Config.Data.Bits
	var note string
	if m.Calibration, note = r.calibration(); note != "" {
		m.Notes = append(m.Notes, note)
	}
	return m, nil
}

// needsHead returns an error, with what to do next, if the strategy classifies without the model's head.
func (r *Result) needsHead(next string) error {
	if !r.NoHead {
		return nil
	}
	return fmt.Errorf("tlkit: strategy %q classifies without the model's output layer, so the model alone can't; %s", r.Strategy, next)
}

// graphFile holds, in the run's folder, the network of a model that was imported from an .onnx file.
const graphFile = "graph.onnx"

// spec is the architecture of the run's model, for images of the size it was trained with.
func (r *Run) spec() (zoo.Spec, error) {
	c := r.Config.Model
	var spec zoo.Spec
	graph, err := sealed.ReadFile(filepath.Join(r.Dir, graphFile))
	if next := Unreadable(err); next != "" {
		return spec, fmt.Errorf("tlkit: run %q: %w; %s", r.Name, err, next)
	}
	if sum := sha256.Sum256(graph); errors.Is(err, sealed.ErrDamaged) || err == nil && c.Graph != "" && hex.EncodeToString(sum[:]) != c.Graph {
		return zoo.Spec{}, fmt.Errorf("tlkit: run %q: %s is damaged; the same call of Compare again writes it anew", r.Name, graphFile)
	}
	if errors.Is(err, fs.ErrNotExist) && c.Graph != "" {
		return zoo.Spec{}, fmt.Errorf("tlkit: run %q: %s is missing; the same call of Compare again writes it anew", r.Name, graphFile)
	}
	switch {
	case err == nil:
		spec, err = zoo.GraphSpec(c.Name, graph)
	case errors.Is(err, fs.ErrNotExist):
		spec, err = zoo.Info(c.Name)
	}
	if err != nil {
		return spec, err
	}
	if c.Preprocess.Crop > 0 {
		spec.InputSize = c.Preprocess.Crop // position embeddings fit one size only
	}
	return spec, nil
}

// Export writes the trained model, with the weights of the best epoch, to a .pth, .safetensors or .onnx file with its
// class names, preprocessing and calibration beside it: run.Best().Export("ants.onnx"). See [zoo.Model.Export].
func (r *Result) Export(path string) error {
	if err := r.exists("export"); err != nil {
		return err
	}
	if err := r.needsHead("export another strategy"); err != nil {
		return err
	}
	m, err := r.Model()
	if err != nil {
		return err
	}
	for _, note := range m.Notes {
		fmt.Fprintf(os.Stderr, "tlkit: run %q, exported to %s: %s\n", r.run.Name, path, note)
	}
	return m.Export(path)
}
