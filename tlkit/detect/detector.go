package detect

import (
	"cmp"
	"fmt"

	"github.com/tlkit-go/tlkit-notebooks/internal/sentence"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Detector finds objects in images by classifying regions.
type Detector struct {
	// Model classifies regions; its last class is the background. See Regions.
	Model *zoo.Model
	// Regions are the options with which the training regions were made.
	Regions RegionOptions
	// Least is the smallest score of a detection; 0 means 0.05. Overlap is the IoU above which the lower-scored of two
	// detections of a class is dropped; 0 means 0.3.
	Least, Overlap float64
}

// regionBatch is the number of regions that go through the network at once.
const regionBatch = 64

// Detect returns the objects in an image, the highest score first; their Scene is 0.
func (d Detector) Detect(m *vision.Image) ([]Detection, error) {
	classes := len(d.Model.Classes)
	if classes < 2 || d.Model.Classes[classes-1] != Background {
		return nil, fmt.Errorf("detect: the model's classes are %s; the last must be %q: train it on detect.Regions", sentence.Quoted(d.Model.Classes, 8), Background)
	}
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("detect: %w", err)
	}
	least, overlap := cmp.Or(d.Least, 0.05), cmp.Or(d.Overlap, 0.3)
	opts := d.Regions.withDefaults()
	boxes := Propose(m, opts.Proposals)
	var all []Detection
	for from := 0; from < len(boxes); from += regionBatch {
		some := boxes[from:min(from+regionBatch, len(boxes))]
		// Always regionBatch images: another number would need another compiled graph.
		batch := make([]*vision.Image, regionBatch)
		for i := range batch {
			batch[i] = Warp(m, some[min(i, len(some)-1)], opts.Size, opts.context())
		}
		logits, err := d.Model.Logits(batch)
		if err != nil {
			return nil, err
		}
		for i, box := range some {
			if err := d.Model.CheckLogits(logits[i]); err != nil {
				return nil, err
			}
			p := d.Model.Probabilities(logits[i])
			for class := range classes - 1 {
				if p[class] >= least {
					all = append(all, Detection{Object: Object{class, box}, Score: p[class]})
				}
			}
		}
	}
	return NMS(all, overlap), nil
}

// Report is the evaluation of a detector on some scenes.
type Report struct {
	// Classes are the objects' classes, PerClass the precision of each.
	Classes  []string
	PerClass []Precision
	// MeanAllPoint and MeanElevenPoint are the mean average precisions (mAP) over the classes that have objects.
	MeanAllPoint, MeanElevenPoint float64
	// Detections are all detections; Scene is the index of the scene.
	Detections []Detection
}

// Evaluate runs the detector on scenes and compares its detections with their objects.
func (d Detector) Evaluate(scenes []Scene) (*Report, error) {
	r := &Report{}
	for i, s := range scenes {
		found, err := d.Detect(s.Image)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			f.Scene = i
			r.Detections = append(r.Detections, f)
		}
	}
	r.Classes = d.Model.Classes[:len(d.Model.Classes)-1]
	counted := 0.0
	for class := range r.Classes {
		p := AveragePrecision(class, r.Detections, scenes)
		r.PerClass = append(r.PerClass, p)
		if p.Objects > 0 {
			r.MeanAllPoint += p.AllPoint
			r.MeanElevenPoint += p.ElevenPoint
			counted++
		}
	}
	r.MeanAllPoint /= max(1, counted)
	r.MeanElevenPoint /= max(1, counted)
	return r, nil
}
