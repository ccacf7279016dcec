package detect

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// Background is the name of the class of regions that hold no object; it comes after the objects' classes.
const Background = "background"

// RegionOptions configure the conversion of regions to training examples.
type RegionOptions struct {
	// Size is the side in pixels of the network's input; 0 means 32. Context is the share of it on each side that shows
	// the surroundings of the box; 0 means 16/227, as in R-CNN.
	Size    int
	Context float64
	// Proposals are the options for the proposed boxes.
	Proposals ProposalOptions
	// Positives is the largest number of object regions per scene; 0 means 16. Up to three times as many regions are
	// background, as in R-CNN's batches of 32 and 96 (section 2.3).
	Positives int
	// Seed determines the random choice of regions.
	Seed uint64
}

func (o RegionOptions) withDefaults() RegionOptions {
	o.Size = cmp.Or(o.Size, 32)
	o.Context = cmp.Or(o.Context, 16./227)
	o.Positives = cmp.Or(o.Positives, 16)
	return o
}

func (o RegionOptions) context() int { return int(o.Context*float64(o.Size) + 0.5) }

// Regions makes a data set of warped regions, to fine-tune a classifier on: a proposal is an example of the object that
// it overlaps most if their IoU is at least 0.5, and of the background otherwise (R-CNN, section 2.3). The objects' own
// boxes are among the regions. The classes are those of the objects, followed by Background. Validation regions come
// from the scenes val.
func Regions(classes []string, train, val []Scene, opts RegionOptions) (*datasets.Dataset, error) {
	opts = opts.withDefaults()
	all := append(slices.Clone(classes), Background)
	if len(train) == 0 || len(val) == 0 {
		return nil, errors.New("detect: Regions needs scenes for training and for validation")
	}
	ds := &datasets.Dataset{Name: "regions", Classes: all, Source: fmt.Sprintf("%d and %d scenes", len(train), len(val))}
	var err error
	if ds.Train, err = opts.split("train", all, train); err != nil {
		return nil, err
	}
	ds.Val, err = opts.split("val", all, val)
	return ds, err
}

func (o RegionOptions) split(name string, classes []string, scenes []Scene) (*datasets.Split, error) {
	type region struct {
		scene int
		box   image.Rectangle
	}
	background := len(classes) - 1
	var regions []region
	var names []string
	var labels []int
	for i, s := range scenes {
		if err := s.Image.Check(); err != nil {
			return nil, fmt.Errorf("detect: scene %d of the %s split: %w", i, name, err)
		}
		boxes := Propose(s.Image, o.Proposals)
		for _, object := range s.Objects {
			boxes = append(boxes, object.Box)
		}
		var objects, empty []int
		label := make([]int, len(boxes))
		for _, k := range vision.NewRand(o.Seed, 0x726567696f6e, uint64(i)).Perm(len(boxes)) {
			if label[k] = LabelOf(boxes[k], s.Objects, background); label[k] == background {
				empty = append(empty, k)
			} else {
				objects = append(objects, k)
			}
		}
		objects = objects[:min(len(objects), o.Positives)]
		for _, k := range append(objects, empty[:min(len(empty), 3*len(objects))]...) {
			regions = append(regions, region{i, boxes[k]})
			labels = append(labels, label[k])
			names = append(names, fmt.Sprintf("%s/%04d/%v", name, i, boxes[k]))
		}
	}
	s, err := datasets.NewSplit(len(classes), names, labels, func(k int) (*vision.Image, error) {
		return Warp(scenes[regions[k].scene].Image, regions[k].box, o.Size, o.context()), nil
	})
	if err != nil {
		return nil, err
	}
	return s.WithClasses(classes), nil
}

// LabelOf returns the class of the object that a box overlaps most, if their IoU is at least 0.5; else background.
func LabelOf(box image.Rectangle, objects []Object, background int) int {
	best, label := 0.5, background
	for _, o := range objects {
		if v := IoU(box, o.Box); v >= best {
			best, label = v, o.Class
		}
	}
	return label
}
