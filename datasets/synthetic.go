package datasets

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// generator draws the images of a built-in data set, each from its own random numbers, on demand.
type generator struct {
	id         uint64 // part of the random seed, so that two sets differ
	version    int    // part of the source and of the images' names: a change of a drawing is a change of the data
	classes    []string
	train, val int // images per class
	draw       func(class int, r *rand.Rand) *vision.Image
}

// shapes is the source domain of the built-in pair.
var shapes = builtin("shapes", "coloured and textured shapes in cluttered scenes: the source domain of the built-in pair",
	generator{id: 1, version: 1, classes: names(shapeClasses), train: 320, val: 64, draw: drawShape})

// sketches is the target domain of the built-in pair.
var sketches = builtin("sketches", "things drawn in wobbly strokes, 30 of each kind: the target domain of the built-in pair",
	generator{id: 2, version: 1, classes: names(sketchClasses), train: 30, val: 60, draw: drawSketch})

// names returns the classes' names.
func names[T any](classes []struct {
	name string
	make func(r *rand.Rand) T
}) []string {
	out := make([]string, len(classes))
	for i, c := range classes {
		out[i] = c.name
	}
	return out
}

func builtin(name, description string, g generator) Spec {
	n := len(g.classes)
	return Spec{
		Info: Info{Name: name, Description: description, Classes: g.classes, Train: n * g.train, Val: n * g.val, ImageSize: "32 x 32",
			Licence: "Apache-2.0", Source: "drawn by this package"},
		Load: func(o Options) (*Dataset, error) {
			if o.Dir != "" || o.URL != "" {
				return nil, fmt.Errorf("datasets: %s is drawn by this package; Options.Dir and Options.URL must be empty (got %q and %q); use ImageFolder for a folder",
					name, o.Dir, o.URL)
			}
			return &Dataset{
				Name: name, Classes: slices.Clone(g.classes),
				Source: fmt.Sprintf("built in, version %d, seed %d", g.version, o.Seed),
				Train:  g.split("train", 0, g.train, o.Seed).FirstPerClass(o.PerClass),
				Val:    g.split("val", 1, g.val, o.Seed),
			}, nil
		},
	}
}

// split lists n images per class. Their names hold version and seed, so that the fingerprints differ.
func (g generator) split(name string, id uint64, n int, seed uint64) *Split {
	s := &Split{classes: g.classes, read: func(it item) (*vision.Image, error) {
		return g.draw(it.label, vision.NewRand(seed, g.id, id, uint64(it.label), uint64(it.key))), nil
	}}
	for label, c := range g.classes {
		for k := range n {
			s.items = append(s.items, item{name: fmt.Sprintf("v%d-seed%d/%s/%s/%04d", g.version, seed, name, c, k), label: label, key: k})
		}
	}
	return s
}
