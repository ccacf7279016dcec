package train

import (
	"sync"
	"sync/atomic"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// decoded keeps images that were read, for all epochs, strategies and seeds of a comparison: 8-bit, in memory up to
// Recipe.MemoryLimit and beyond that in a memory-mapped file up to Recipe.DiskLimit; what fits nowhere is decoded again
// each time. Whole images are kept where a random part is cut out of them, else only what the network takes.
//
// JPEGs are decoded at full size, though decoders of other libraries can do it at half or a quarter: those pixels differ
// from what torchvision trains and evaluates on, which shrinks the whole image by an antialiasing filter.
type decoded struct {
	// using is held by those who look at images; closing waits for them, since the file's pages go away then.
	using sync.RWMutex

	mu     sync.Mutex // of the fields below
	room   int64      // bytes of memory left
	spare  int64      // of these, what training images may not take: evaluation comes after a first epoch
	file   *spill
	lists  map[decodedKey][]atomic.Pointer[vision.Image]
	closed bool
}

// decodedKey identifies the images that are kept: those of a split, as they are or as the network takes them.
type decodedKey struct {
	split *datasets.Split
	ready bool
	pre   vision.Preprocess // zero unless ready
}

// newDecoded keeps up to half of the recipe's MemoryLimit of training images, and a quarter more of others; dir is where
// the file goes.
func newDecoded(r Recipe, dir string) *decoded {
	return &decoded{room: r.MemoryLimit / 4 * 3, spare: r.MemoryLimit / 4, file: &spill{dir: dir, limit: r.DiskLimit},
		lists: map[decodedKey][]atomic.Pointer[vision.Image]{}}
}

// list returns the places of a split's images, nil where nothing is kept.
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

// keep stores a copy of m at a place, if there is room; own tells that m may be kept itself.
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

// close lets everything go, once nobody looks at an image any more.
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
