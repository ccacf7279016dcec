package zoo

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"golang.org/x/sync/errgroup"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// LoadStateDict sets all values of the model from a state dict in PyTorch's layout. Keys and shapes must agree: one
// error (*weights.MismatchError) lists all that are missing, unknown or misshapen, and then nothing is changed.
// Entries that the model computes itself ([nn.Fixed]) may be there or not; their values are not read.
func (m *Model) LoadStateDict(sd *weights.StateDict) error {
	sd, err := m.renamed(sd)
	if err != nil {
		return err
	}
	if err := m.takeHidden(sd); err != nil {
		return err
	}
	want := make([]weights.Spec, len(m.params))
	for i, p := range m.params {
		want[i] = weights.Spec{Key: p.Key, Shape: p.Shape}
	}
	for _, f := range m.fixed {
		if _, ok := sd.Get(f.Key); ok {
			want = append(want, weights.Spec{Key: f.Key, Shape: f.Shape})
		}
	}
	if err := weights.Match(want, sd); err != nil {
		return fmt.Errorf("zoo: the weights do not fit model %q with %d classes: %w", m.Spec.Name, len(m.Classes), err)
	}
	m.Calibration = Calibration{}
	return m.readValues(sd)
}

// readValues sets the variables from the tensors of a file, several in parallel: one core transposes kernels more
// slowly than a disk reads them.
func (m *Model) readValues(sd *weights.StateDict) error {
	var set sync.Mutex
	var g errgroup.Group
	g.SetLimit(min(runtime.GOMAXPROCS(0), 8))
	for _, p := range m.params {
		g.Go(func() error {
			t, _ := sd.Get(p.Key)
			value, err := readValue(p, t)
			if err == nil {
				set.Lock()
				err = m.Variable(p).SetValue(value)
				set.Unlock()
			}
			if err != nil {
				return fmt.Errorf("zoo: model %q, weights %q: %w", m.Spec.Name, p.Key, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// readValue reads a variable's value from a tensor of a file. It needs memory for the value and a few rows.
func readValue(p nn.Param, t weights.Tensor) (*tensors.Tensor, error) {
	value := tensors.FromShape(shapes.Make(dtypes.Float32, p.VarShape()...))
	var err error
	if e := tensors.MutableFlatData(value, func(flat []float32) {
		switch s := p.Shape; p.Layout {
		case nn.ConvKernel: // out, in, height, width -> height, width, in, out
			err = t.EachFloat32(newTransposer(flat, s[0], s[1], s[2]*s[3]).add)
		case nn.LinearWeight: // out, in -> in, out
			err = t.EachFloat32(newTransposer(flat, s[0], s[1], 1).add)
		default:
			err = t.ReadFloat32(flat)
		}
	}); e != nil {
		err = e
	}
	return value, err
}

// transposer brings values from a file's order [outer, inner, area] into a variable's, [area, inner, outer]:
// transposerRows rows of the file at a time, so that each write fills a line of the cache.
type transposer struct {
	to                 []float32
	outer, inner, area int
	rows               []float32 // rows not yet written, at distances of stride
	stride             int
	at                 int // values taken so far
}

const transposerRows = 16

func newTransposer(to []float32, outer, inner, area int) *transposer {
	// The stride is an odd number of cache lines: rows at a distance of a power of two would share their places in the
	// cache.
	stride := ((inner*area+transposerRows-1)/transposerRows | 1) * transposerRows
	return &transposer{to: to, outer: outer, inner: inner, area: area, stride: stride, rows: make([]float32, min(outer, transposerRows)*stride)}
}

// add has the signature that [weights.Tensor.EachFloat32] needs.
func (t *transposer) add(_ int, values []float32) error {
	row := t.inner * t.area
	for len(values) > 0 {
		o, i := t.at/row, t.at%row
		from := o % transposerRows * t.stride
		n := copy(t.rows[from+i:from+row], values)
		values = values[n:]
		t.at += n
		if i+n == row && (o%transposerRows == transposerRows-1 || o == t.outer-1) {
			t.write(o/transposerRows*transposerRows, o+1)
		}
	}
	return nil
}

// write puts the waiting rows from..to-1 where they belong.
func (t *transposer) write(from, to int) {
	i := 0
	for c := range t.inner {
		for a := range t.area {
			line := t.to[(a*t.inner+c)*t.outer:][from:to]
			for k := range line {
				line[k] = t.rows[k*t.stride+i]
			}
			i++
		}
	}
}

// renamed returns sd with the keys that the model has today, see Spec.Rename, and in its own form, see Spec.read.
func (m *Model) renamed(sd *weights.StateDict) (*weights.StateDict, error) {
	if m.Spec.read != nil {
		own, err := m.Spec.read(sd)
		if err != nil {
			return nil, fmt.Errorf("zoo: %s: %w", sd.Source, err)
		}
		sd = own
	}
	if m.Spec.Rename == nil {
		return sd, nil
	}
	entries := sd.Entries()
	for i := range entries {
		entries[i].Key = m.Spec.Rename(entries[i].Key)
	}
	out, err := sd.With(entries)
	if err != nil {
		return nil, fmt.Errorf("zoo: the weights for model %q hold old and new names of one layer: %w", m.Spec.Name, err)
	}
	return out, nil
}

// completed adds random values to a state dict for the variables that it lacks, if optional returns true for them.
func (m *Model) completed(sd *weights.StateDict, seed uint64, optional func(nn.Param) bool) (*weights.StateDict, error) {
	entries := sd.Entries()
	for _, p := range m.params {
		if _, there := sd.Get(p.Key); there || !optional(p) {
			continue
		}
		if err := m.Initialise(p, seed); err != nil {
			return nil, err
		}
		e, err := m.entry(p)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return sd.With(entries)
}

// StateDict returns all values in PyTorch's layout and torchvision's keys, and after them the whole-numbered entries
// that the model computes itself ([nn.Fixed]), which PyTorch's strict loading needs.
func (m *Model) StateDict() ([]weights.Entry, error) {
	entries := make([]weights.Entry, 0, len(m.params))
	for _, p := range m.params {
		e, err := m.entry(p)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	for _, f := range m.fixed {
		t, err := weights.NewInt64Tensor(f.Shape, f.Values)
		if err != nil {
			return nil, fmt.Errorf("zoo: exporting %q: %w", f.Key, err)
		}
		entries = append(entries, weights.Entry{Key: f.Key, Tensor: t})
	}
	return entries, nil
}

// entry returns a variable as an entry of a state dict.
func (m *Model) entry(p nn.Param) (weights.Entry, error) {
	values, err := m.Values(p)
	if err != nil {
		return weights.Entry{}, err
	}
	t, err := weights.NewTensor(p.Shape, values)
	if err != nil {
		return weights.Entry{}, fmt.Errorf("zoo: exporting %q: %w", p.Key, err)
	}
	return weights.Entry{Key: p.Key, Tensor: t}, nil
}

// Values returns a copy of one variable's values in the file's axis order.
func (m *Model) Values(p nn.Param) ([]float32, error) {
	t, err := m.value(p)
	if err != nil {
		return nil, err
	}
	var out []float32
	err = tensors.ConstFlatData(t, func(flat []float32) { out = toFile(p, flat) })
	if err != nil {
		return nil, fmt.Errorf("zoo: reading variable %q: %w", p.Key, err)
	}
	return out, nil
}

// setValue sets a variable from values in the file's axis order.
func (m *Model) setValue(p nn.Param, values []float32) error {
	t := tensors.FromFlatDataAndDimensions(fromFile(p, values), p.VarShape()...)
	if err := m.Variable(p).SetValue(t); err != nil {
		return fmt.Errorf("zoo: setting variable %q of %q: %w", p.Key, m.Spec.Name, err)
	}
	return nil
}

// fromFile reorders values from the file's axes to the variable's; toFile goes back. Both return new slices.
func fromFile(p nn.Param, values []float32) []float32 {
	out := make([]float32, len(values))
	eachPair(p, func(file, variable int) { out[variable] = values[file] })
	return out
}

func toFile(p nn.Param, values []float32) []float32 {
	out := make([]float32, len(values))
	eachPair(p, func(file, variable int) { out[file] = values[variable] })
	return out
}

// eachPair calls fn with the position of every value in the file's order and in the variable's.
func eachPair(p nn.Param, fn func(file, variable int)) {
	s := p.Shape
	switch p.Layout {
	case nn.ConvKernel: // out, in, height, width -> height, width, in, out
		i := 0
		for o := range s[0] {
			for c := range s[1] {
				for at := range s[2] * s[3] {
					fn(i, (at*s[1]+c)*s[0]+o)
					i++
				}
			}
		}
	case nn.LinearWeight: // out, in -> in, out
		for o := range s[0] {
			for c := range s[1] {
				fn(o*s[1]+c, c*s[0]+o)
			}
		}
	default:
		for i := range p.Size() {
			fn(i, i)
		}
	}
}
