package weights

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
)

// WriteFile writes a small file that goes with weights, such as their description, in the manner of WriteSafetensors:
// whole or not at all.
func WriteFile(path string, data []byte) error {
	return writeAtomic(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// writeAtomic writes a file with fill. The file appears at path when it is complete and on the disk. After any failure,
// such as a full disk, an older file at path is unchanged and no temporary file is left behind.
func writeAtomic(path string, fill func(io.Writer) error) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("weights: %s is a folder; give the name of a file", path)
	}
	r, pipe := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w := bufio.NewWriterSize(pipe, 1<<20)
		err := fill(w)
		if err == nil {
			err = w.Flush()
		}
		pipe.CloseWithError(err)
	}()
	err := atomicfile.Write(path, r)
	r.Close() // ends fill if the file could not be written
	<-done
	if err != nil {
		return fmt.Errorf("weights: writing %s: %w", path, err)
	}
	return nil
}
