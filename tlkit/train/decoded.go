package train

import (
	"sync"
	"sync/atomic"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// decoded keeps decoded images, 8-bit, for all epochs, strategies and seeds of a comparison: in memory up to
// Recipe.MemoryLimit, and beyond that in a memory-mapped file up to Recipe.DiskLimit. Images that fit in neither are
// decoded again each time. A whole image is kept where random parts are cropped from it, else only the resized and
// cropped input of the network.
//
// JPEGs are decoded at full size, though decoders of other libraries can do it at half or a quarter: those pixels
// differ from torchvision's, which shrinks the whole image with an antialiasing filter, for training and for
// evaluation.
type decoded struct {
	// using is read-locked while an image is in use. close waits for these locks, because it unmaps the file.
	using sync.RWMutex

	mu     sync.Mutex // of the fields below
	room   int64      // bytes of memory left
	spare  int64      // the part of room reserved for evaluation, whose images come after a whole epoch of training
	file   *spill
	lists  map[decodedKey][]atomic.Pointer[vision.Image]
	closed bool
}

// decodedKey identifies a list of kept images: those of a split, whole or prepared for the network.
type decodedKey struct {
	split *datasets.Split
	ready bool
	pre   vision.Preprocess // zero unless ready
}

// newDecoded returns a cache that uses up to half of the recipe's MemoryLimit for training images, and up to three
// quarters in all. The file is made in dir.
func newDecoded(r Recipe, dir string) *decoded {
	return &decoded{room: r.MemoryLimit / 4 * 3, spare: r.MemoryLimit / 4, file: &spill{dir: dir, limit: r.DiskLimit},
		lists: map[decodedKey][]atomic.Pointer[vision.Image]{}}
}

// list returns the slots of a split's images; nil if d is nil and nothing is kept.
func (d *decoded) list(k decodedKey) []atomic.Pointer[vision.Image] {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lists[k] == nil {
		d.lists[k] = make([]atomic.Pointer[vision.Image], k.split.Len())
	}
	return d.lists[k]
}

// keep stores a copy of m in a slot, if there is room. With own, it may store m itself.
func (d *decoded) keep(at *atomic.Pointer[vision.Image], m *vision.Image, own, training bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || at.Load() != nil {
		return
	}
	spare := int64(0)
	if training {
		spare = d.spare
	}
	n := int64(len(m.Pix))
	switch {
	case n > d.room-spare:
		pix := d.file.put(m.Pix)
		if pix == nil {
			return
		}
		m = &vision.Image{Width: m.Width, Height: m.Height, Pix: pix}
	case own:
		d.room -= n
	default:
		d.room -= n
		m = m.Clone()
	}
	at.Store(m)
}

// close waits until no image is in use, and frees all.
func (d *decoded) close() {
	if d == nil {
		return
	}
	d.using.Lock()
	defer d.using.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for _, list := range d.lists {
		for i := range list {
			list[i].Store(nil)
		}
	}
	d.file.close()
}
