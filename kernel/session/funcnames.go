//go:build linux

package session

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"strings"
)

// A program sees the names of its functions in stacks, and in what runtime.FuncForPC, log/slog and profiles give it. In
// a plugin they are those of the cell's package, nb/r3.Ꞌarea. They become those of the text, main.area, in the table of
// names, where each ends with a zero byte. The new names are shorter.

// pclntabHeader is the beginning of the runtime's table of functions (runtime.pcHeader).
type pclntabHeader struct {
	Magic             uint32
	_                 [3]byte
	PointerSize       uint8
	_, _, _           uint64 // functions, files, unused
	FuncNames, EndsAt uint64 // where the table of names begins and ends
}

// pclntabMagic is the version of the table since Go 1.20.
const pclntabMagic = 0xfffffff1

// nameFunctions gives the functions of a plugin the names of the cell's text. A Go version with another table leaves
// the names as they are: what is shown has the names of the text all the same; see strip.
func nameFunctions(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	plugin, err := elf.NewFile(f)
	if err != nil {
		return err
	}
	section := plugin.Section(".gopclntab")
	if section == nil {
		return nil
	}
	var h pclntabHeader
	table, err := section.Data()
	if err != nil {
		return err
	}
	if _, err := binary.Decode(table, plugin.ByteOrder, &h); err != nil || h.Magic != pclntabMagic || h.PointerSize != 8 || h.FuncNames > h.EndsAt || h.EndsAt > uint64(len(table)) {
		return nil
	}
	names := table[h.FuncNames:h.EndsAt]
	for rest := names; len(rest) > 0; {
		name, after, _ := bytes.Cut(rest, []byte{0})
		if shown := functionName(string(name)); len(shown) < len(name) {
			clear(name[copy(name, shown):])
		}
		rest = after
	}
	_, err = f.WriteAt(names, int64(section.Offset+h.FuncNames))
	return err
}

// functionName returns the name that a function has in the cell's text. The function that runs the cell's statements
// has none, and keeps its own.
func functionName(name string) string {
	before, after, body := strings.Cut(name, own)
	if !body {
		return strip(name)
	}
	return strip(before) + own + strip(after)
}
