package strategy

import (
	"errors"
	"fmt"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Advice is a strategy to begin with, and the reason for it.
type Advice struct {
	// Strategy is ready to be compared with others. It is a starting point; others may be better.
	Strategy train.Strategy
	// Reason is a text with the measured figures and the conclusion from them.
	Reason string
	// PerClass is the mean number of training images per class.
	PerClass float64
	// Nearest is the accuracy on the training images when each is classified by its five nearest others, by the frozen
	// features. Chance is the accuracy of guessing the most frequent class. Nearness is (Nearest-Chance)/(1-Chance),
	// and at least 0.
	Nearest, Chance, Nearness float64
}

// The borders between few and many images per class, and between far and near domains: rules of thumb. Measured
// nearnesses, for orientation: CIFAR-10 with its own network 0.84, sketches with the embedded network of the shapes
// 0.73 (30 per class), ants and bees with MobileNetV1 x0.25 of ImageNet 0.69, CIFAR-10 with the network of the shapes
// 0.11.
const (
	fewPerClass   = 20
	manyPerClass  = 500
	nearDomain    = 0.5
	suggestImages = 2000 // at most this many images are used
)

// Suggest proposes a strategy from the two most important figures (the four cases of Karpathy's notes for CS231n,
// "Transfer Learning", after Yosinski et al. 2014, arXiv 1411.1792): the number of images, and their distance from the
// images that the model was trained on. The distance is measured as the accuracy of a nearest-neighbour classifier on
// the frozen features of the training images, each left out in turn: if the features fit the task, neighbours are of
// the same class.
func Suggest(ds *datasets.Dataset, m *zoo.Model) (*Advice, error) {
	if err := train.CheckTask(ds, m); err != nil {
		return nil, err
	}
	split := ds.Train.FirstPerClass(max(2, suggestImages/len(ds.Classes)))
	f, err := m.Features(split, "")
	if err != nil {
		return nil, err
	}
	if f.Len() < 2 {
		return nil, errors.New("tlkit: Suggest needs at least two training images")
	}
	memory := &neighbours{k: 5, classes: len(ds.Classes)}
	memory.learn(f)
	hits := 0.0
	for i, label := range f.Labels {
		if numbers.Argmax(numbers.Softmax(memory.classify(f.Row(i), i))) == label {
			hits++
		}
	}
	a := &Advice{PerClass: float64(ds.Train.Len()) / float64(len(ds.Classes)), Nearest: hits / float64(f.Len())}
	for _, n := range split.Counts() { // guessing the most frequent class
		a.Chance = max(a.Chance, float64(n)/float64(f.Len()))
	}
	a.Nearness = max(0, (a.Nearest-a.Chance)/max(1e-9, 1-a.Chance))
	a.decide(m)
	return a, nil
}

// decide picks the strategy.
func (a *Advice) decide(m *zoo.Model) {
	near, few, many := a.Nearness >= nearDomain, a.PerClass < fewPerClass, a.PerClass >= manyPerClass
	measured := fmt.Sprintf("%.0f training images per class; by their frozen features in %s, the nearest images tell the class in %.1f%% of cases (chance is %.1f%%)",
		a.PerClass, m.Spec.Name, 100*a.Nearest, 100*a.Chance)
	var why string
	switch {
	case near && few:
		a.Strategy = Transfer{}
		why = "The features fit the task and there is little to train more with: keep them frozen and train the output layer. LogisticRegression{} gives the same at once"
	case near && many:
		a.Strategy = FineTune{HeadFirst: 1}
		why = "The features fit the task, and there are enough images to improve them: train the output layer for an epoch, then all layers"
	case near:
		a.Strategy = FineTune{HeadFirst: 2}
		why = "The features fit the task, so start from them: train the output layer first, which leaves them undistorted, then all layers"
	case many:
		a.Strategy = FineTune{}
		why = "The domain is far, but there are many images: train all layers from the pretrained weights, and compare with Scratch{}"
	case !few:
		a.Strategy = FineTune{HeadFirst: 1}
		why = "The domain is far: all layers have to change, with the output layer first; compare with Scratch{}, and with FineTune{From: ...} a late stage"
	default:
		from := lateStage(m)
		a.Strategy = FineTune{From: from}
		why = fmt.Sprintf("The domain is far and the images are few: the late layers have to change, which the early, general ones need not; train from %s on, and compare with FineTune{} of all layers", from)
	}
	a.Reason = measured + ". " + why + "."
}

// lateStage returns the last stage such that it and the stages after it have a quarter or more of the weights before
// the output layer. The last stage alone may be only a normalisation.
func lateStage(m *zoo.Model) string {
	total, late := 0, 0
	for _, p := range m.Params() {
		if !p.Buffer && !m.InHead(p) {
			total += p.Size()
		}
	}
	stages := stagesWithWeights(m)
	for i := len(stages) - 1; ; i-- {
		for _, p := range m.Params() {
			if !p.Buffer && p.Stage == stages[i] {
				late += p.Size()
			}
		}
		if 4*late >= total || i == 0 {
			return stages[i]
		}
	}
}

// String names the strategy and the reason.
func (a *Advice) String() string { return fmt.Sprintf("%s: %s", a.Strategy.Name(), a.Reason) }

// Bundle is the advice as a sentence. A notebook shows it for a cell that ends in the advice.
func (a *Advice) Bundle() (map[string]any, error) { return plots.Sentence(a.String()).Bundle() }
