package detect

import (
	"cmp"
	"image"
	"slices"
)

// Object is an object in an image: its class and its box.
type Object struct {
	Class int             // an index into the classes of the data set
	Box   image.Rectangle // in pixels
}

// Detection is an object that a detector reports, with its score in [0, 1]. Scene is the index of the image.
type Detection struct {
	Object
	Score float64
	Scene int
}

// IoU is the area of the intersection of two boxes over that of their union, in [0, 1]; 0 for empty boxes.
func IoU(a, b image.Rectangle) float64 {
	in := area(a.Intersect(b))
	if in == 0 {
		return 0
	}
	return float64(in) / float64(area(a)+area(b)-in)
}

func area(r image.Rectangle) int { return r.Dx() * r.Dy() }

// byScore returns the detections sorted from the highest score down; equal scores keep their order.
func byScore(all []Detection) []Detection {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Detection) int { return -cmp.Compare(a.Score, b.Score) })
	return all
}

// NMS is greedy non-maximum suppression: from the highest score down, a detection is dropped if its IoU with a kept one
// of the same class and scene is more than limit (R-CNN, section 2.2). NMS returns the kept detections, the highest
// score first.
func NMS(all []Detection, limit float64) []Detection {
	var kept []Detection
	for _, d := range byScore(all) {
		if !slices.ContainsFunc(kept, func(k Detection) bool {
			return k.Scene == d.Scene && k.Class == d.Class && IoU(k.Box, d.Box) > limit
		}) {
			kept = append(kept, d)
		}
	}
	return kept
}

// Precision is the average precision of the detections of one class.
type Precision struct {
	// AllPoint is the area under the precision-recall curve, made monotone (VOC from 2010 on); ElevenPoint the mean of
	// the precision at the recalls 0, 0.1, ..., 1 (VOC 2007, which R-CNN reports; Everingham et al. 2010, section 4.2).
	AllPoint, ElevenPoint float64
	// Objects is the number of objects of the class, Found the number of those that have a right detection.
	Objects, Found int
}

// AveragePrecision compares the detections of a class in all scenes with the objects of that class. A detection is
// right if its IoU with the object that it overlaps most is at least 0.5 and no detection of a higher score has taken
// that object; every other detection is a false alarm.
func AveragePrecision(class int, detections []Detection, scenes []Scene) Precision {
	var p Precision
	for _, s := range scenes {
		for _, o := range s.Objects {
			if o.Class == class {
				p.Objects++
			}
		}
	}
	type key struct{ scene, object int }
	taken := map[key]bool{}
	var precision, recall []float64
	seen := 0
	for _, d := range byScore(detections) {
		if d.Class != class {
			continue
		}
		seen++
		best, at := 0.0, -1
		for i, o := range scenes[d.Scene].Objects {
			if v := IoU(o.Box, d.Box); o.Class == class && v > best {
				best, at = v, i
			}
		}
		if k := (key{d.Scene, at}); best >= 0.5 && !taken[k] {
			taken[k] = true
			p.Found++
		}
		precision = append(precision, float64(p.Found)/float64(seen))
		recall = append(recall, float64(p.Found)/float64(max(1, p.Objects)))
	}
	for i := len(precision) - 2; i >= 0; i-- { // the highest precision at this recall or a higher one
		precision[i] = max(precision[i], precision[i+1])
	}
	before := 0.0
	for i, r := range recall {
		p.AllPoint += precision[i] * (r - before)
		before = r
	}
	for t := range 11 {
		for i, r := range recall {
			if r >= float64(t)/10-1e-12 {
				p.ElevenPoint += precision[i] / 11
				break
			}
		}
	}
	return p
}
