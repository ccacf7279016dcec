package train

import (
	"io"
	"os"
)

// FailReads makes reads of files of runs fail with the error that fault returns for their path. The function returned
// ends that.
func FailReads(fault func(path string) error) (mend func()) {
	before := openFile
	openFile = func(path string) (io.ReadCloser, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		if err := fault(path); err != nil {
			return failing{f, &os.PathError{Op: "read", Path: path, Err: err}}, nil
		}
		return f, nil
	}
	return func() { openFile = before }
}

type failing struct {
	io.Closer
	err error
}

func (f failing) Read([]byte) (int, error) { return 0, f.err }
