package detect

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// Scene is an image with the objects in it.
type Scene struct {
	Image   *vision.Image
	Objects []Object
}

// SceneOptions configure scenes. With the zero value, a scene has 128 x 128 pixels and two to four objects with sides
// of 24 to 56 pixels.
type SceneOptions struct {
	// Size is the side of a scene in pixels; 0 means 128.
	Size int
	// Objects are the smallest and largest number of objects; zero: 2 to 4. A scene without room for more has fewer.
	Objects [2]int
	// Side are the smallest and largest side of an object in pixels; zero: 24 to 56.
	Side [2]int
	// Seed determines everything that is drawn at random.
	Seed uint64
}

// Scenes composes n scenes from the images of a split. Images drawn from the split become objects of random place, size
// and aspect ratio (3/4 to 4/3), without overlap, on a background of cloudy colours. Equal options give equal scenes.
func Scenes(split *datasets.Split, n int, opts SceneOptions) ([]Scene, error) {
	if split == nil || split.Len() == 0 {
		return nil, errors.New("detect: the split to make scenes of has no images")
	}
	opts.Size = cmp.Or(opts.Size, 128)
	if opts.Objects == ([2]int{}) {
		opts.Objects = [2]int{2, 4}
	}
	if opts.Side == ([2]int{}) {
		opts.Side = [2]int{24, 56}
	}
	if o := opts; o.Objects[0] < 0 || o.Objects[1] < o.Objects[0] || o.Side[0] < 4 || o.Side[1] < o.Side[0] || o.Side[1]*4/3 > o.Size {
		return nil, fmt.Errorf("detect: SceneOptions are %+v; expected Objects and Side from small to large, and sides that fit into Size", o)
	}
	scenes := make([]Scene, n)
	for i := range scenes {
		var err error
		if scenes[i], err = compose(vision.NewRand(opts.Seed, 0x7363656e65, uint64(i)), split, opts); err != nil {
			return nil, err
		}
	}
	return scenes, nil
}

func compose(rng *rand.Rand, split *datasets.Split, opts SceneOptions) (Scene, error) {
	s := Scene{Image: clouds(rng, opts.Size)}
	want := opts.Objects[0] + rng.IntN(opts.Objects[1]-opts.Objects[0]+1)
	for try := 0; len(s.Objects) < want && try < 50; try++ {
		side := float64(opts.Side[0] + rng.IntN(opts.Side[1]-opts.Side[0]+1))
		aspect := math.Exp((rng.Float64()*2 - 1) * math.Log(4./3) / 2)
		w, h := int(side*aspect), int(side/aspect)
		x, y := rng.IntN(opts.Size-w+1), rng.IntN(opts.Size-h+1)
		box := image.Rect(x, y, x+w, y+h)
		i := rng.IntN(split.Len())
		if overlaps(s.Objects, box) {
			continue
		}
		m, err := split.Image(i)
		if err != nil {
			return s, err
		}
		paste(s.Image, vision.Resize(m, w, h, vision.Bilinear), box.Min)
		s.Objects = append(s.Objects, Object{split.Label(i), box})
	}
	return s, nil
}

func overlaps(objects []Object, box image.Rectangle) bool {
	return slices.ContainsFunc(objects, func(o Object) bool { return o.Box.Overlaps(box) })
}

func paste(dst, src *vision.Image, at image.Point) {
	for y := range src.Height {
		copy(dst.Pix[3*((at.Y+y)*dst.Width+at.X):], src.Pix[3*y*src.Width:3*(y+1)*src.Width])
	}
}

// clouds draws a background: small random images, enlarged, one over the other (value noise).
func clouds(rng *rand.Rand, size int) *vision.Image {
	out := vision.New(size, size)
	sum := make([]float64, len(out.Pix))
	total := 0.0
	for cells, weight := 2, 1.0; cells <= 32; cells, weight = cells*4, weight/3 {
		small := vision.New(cells, cells)
		for i := range small.Pix {
			small.Pix[i] = uint8(rng.IntN(256))
		}
		for i, v := range vision.Resize(small, size, size, vision.Bilinear).Pix {
			sum[i] += weight * float64(v)
		}
		total += weight
	}
	for i := range sum {
		out.Pix[i] = uint8(sum[i] / total)
	}
	return out
}
