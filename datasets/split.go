package datasets

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// arrange makes a validation split where there is none and limits the training images, according to o.
func (d *Dataset) arrange(o Options) {
	hasVal := d.Val.Len() > 0
	switch {
	case hasVal:
	case d.Train.Len() == 0, o.ValFraction < 0:
		if d.Test != nil {
			d.Val = d.Test
		}
	default:
		d.Train, d.Val = splitOff(d.Train, o)
		if d.Val.Len() == 0 {
			d.warn("there are too few images to split some off for validation")
		}
	}
	if d.Train.Len() == 0 {
		d.warn("there are no training images: the data serves for evaluation only")
	}
	d.warnWithout("validation", d.Val)
	if d.Test != d.Val {
		d.warnWithout("test", d.Test)
	}
	d.Train = d.Train.FirstPerClass(o.PerClass)
}

// warnWithout warns of the classes without an image in a split, if that has some: no score on it covers them.
func (d *Dataset) warnWithout(purpose string, s *Split) {
	if s == nil || s.Len() == 0 {
		return
	}
	var without []string
	for label, n := range s.Counts() {
		if n == 0 {
			without = append(without, fmt.Sprintf("%q", d.Classes[label]))
		}
	}
	switch len(without) {
	case 0:
	case 1:
		d.warn(fmt.Sprintf("class %s has no images for %s", without[0], purpose))
	default:
		d.warn(fmt.Sprintf("%d classes have no images for %s: %s", len(without), purpose, list(without)))
	}
}

// warn adds a warning; "" is none.
func (d *Dataset) warn(text string) {
	if text != "" {
		d.Warnings = append(d.Warnings, text)
	}
}

// splitOff moves a share of each class to a validation split. The seed and each file's own name decide which images
// move, so that adding a file leaves nearly all others where they are. The name counts as a whole, also an absolute
// path: with other ranks, stored runs would be on another split.
func splitOff(all *Split, o Options) (train, val *Split) {
	fraction := cmp.Or(o.ValFraction, 0.2)
	byClass := make([][]int, len(all.classes))
	for i, it := range all.items {
		byClass[it.label] = append(byClass[it.label], i)
	}
	rank := make([]uint64, all.Len())
	for i, it := range all.items {
		h := fnv.New64a()
		h.Write([]byte(it.name))
		rank[i] = vision.NewRand(o.Seed, h.Sum64()).Uint64()
	}
	var trainIdx, valIdx []int
	for _, idx := range byClass {
		n := int(math.Round(float64(len(idx)) * fraction))
		n = min(max(n, 1), len(idx)-1) // at least one on either side, where there are two
		chosen := slices.Clone(idx)
		slices.SortFunc(chosen, func(a, b int) int {
			if rank[a] != rank[b] {
				if rank[a] < rank[b] {
					return -1
				}
				return 1
			}
			return a - b
		})
		trainIdx = append(trainIdx, chosen[n:]...)
		valIdx = append(valIdx, chosen[:n]...)
	}
	slices.Sort(trainIdx)
	slices.Sort(valIdx)
	return all.Subset(trainIdx), all.Subset(valIdx)
}
