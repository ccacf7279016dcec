//go:build linux

package rt

import (
	"image"
	"io"
	"sync"
)

// formats are the image formats that cells have registered.
var formats struct {
	sync.Mutex
	by map[[2]string]*format // by name and magic
}

type format struct {
	run    int // the last one that registered it
	decode func(io.Reader) (image.Image, error)
	config func(io.Reader) (image.Config, error)
}

// RegisterFormat is image.RegisterFormat for cells: it replaces the functions that an earlier run registered for a
// format, as a cell that is run again does. Within a run the first ones count, as in Go.
func RegisterFormat(name, magic string, decode func(io.Reader) (image.Image, error), config func(io.Reader) (image.Config, error)) {
	key, run := [2]string{name, magic}, present()
	formats.Lock()
	defer formats.Unlock()
	if f := formats.by[key]; f != nil {
		if f.run != run {
			*f = format{run, decode, config}
		}
		return
	}
	if formats.by == nil {
		formats.by = map[[2]string]*format{}
	}
	f := &format{run, decode, config}
	formats.by[key] = f
	image.RegisterFormat(name, magic, func(r io.Reader) (image.Image, error) { return f.now().decode(r) },
		func(r io.Reader) (image.Config, error) { return f.now().config(r) })
}

// now returns the functions that count.
func (f *format) now() format {
	formats.Lock()
	defer formats.Unlock()
	return *f
}
