package build

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// object holds what the shared mode needs of a compiled package: cmd/internal/goobj describes the format.
type object struct {
	imports []string // packages whose code it needs
	refs    []string // names of symbols that it does not define
}

const (
	objMagic   = "\x00go120ld"
	objHeader  = 8 + 8 + 4 // magic, fingerprint, flags; then the blocks' offsets
	blkAutolib = 0
	blkPkgIdx  = 1
	blkNonRef  = 7
	blkRefFlag = 8
	symSize    = 8 + 2 + 1 + 1 + 1 + 4 + 4
)

var errObject = errors.New("build: not an object file of the known format")

// readObject reads an archive that the compiler made with -pack.
func readObject(file string) (*object, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	const arMagic = "!<arch>\n"
	if !bytes.HasPrefix(data, []byte(arMagic)) {
		return nil, errObject
	}
	o := &object{}
	for data = data[len(arMagic):]; len(data) >= 60; {
		size, err := strconv.Atoi(strings.TrimSpace(string(data[48:58])))
		name := strings.TrimSpace(string(data[:16]))
		if err != nil || size < 0 || 60+size > len(data) {
			return nil, errObject
		}
		body := data[60 : 60+size]
		data = data[min(len(data), 60+size+size&1):]
		if name == "__.PKGDEF" {
			continue
		}
		if i := bytes.Index(body, []byte(objMagic)); i >= 0 {
			if err := o.read(body[i:]); err != nil {
				return nil, err
			}
		}
	}
	return o, nil
}

func (o *object) read(b []byte) (err error) {
	defer func() {
		if recover() != nil { // an offset beyond the end
			err = errObject
		}
	}()
	le := binary.LittleEndian
	offset := func(block int) uint32 { return le.Uint32(b[objHeader+4*block:]) }
	str := func(at uint32) string {
		n, off := le.Uint32(b[at:]), le.Uint32(b[at+4:])
		return string(b[off : off+n])
	}
	for at := offset(blkAutolib); at < offset(blkPkgIdx); at += 16 {
		o.imports = append(o.imports, str(at))
	}
	for at := offset(blkNonRef); at < offset(blkRefFlag); at += symSize {
		o.refs = append(o.refs, str(at))
	}
	return nil
}
