package read

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// folder opens the files beside an .onnx file. os.Root refuses names that lead out of the folder, by ".." or by a
// symbolic link.
type folder struct {
	root   *os.Root
	opened map[string]*os.File
}

// open is an [OpenBeside].
func (f *folder) open(name string) (io.ReaderAt, int64, error) {
	info, err := f.root.Stat(name) // before opening, which would wait at a named pipe
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, fmt.Errorf("%w; copy %s into the folder of the .onnx file", fs.ErrNotExist, name)
	case err != nil:
		if in, ok := err.(*fs.PathError); ok {
			err = in.Err // its operation is none that users know: statat
		}
		return nil, 0, fmt.Errorf("%w; only files in the folder of the .onnx file are read, so copy it there", err)
	case !info.Mode().IsRegular():
		return nil, 0, errors.New("it is no regular file")
	}
	file := f.opened[name]
	if file == nil {
		if file, err = f.root.Open(name); err != nil {
			return nil, 0, err
		}
		f.opened[name] = file
	}
	return file, info.Size(), nil
}
