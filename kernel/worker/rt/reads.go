//go:build linux

package rt

import (
	"errors"
	"io"
)

// An end of input (Ctrl-D) reaches every read as io.EOF. Code that takes the error decides itself. Where the code drops
// it, as fmt.Scanln(&n) on a line of its own does, the cell ends, as with an EOFError in Python: it would go on with a
// value that nobody typed.

// Read takes the results of a read whose error the code drops. The last one is the error, or false at the end.
func Read(results ...any) {
	switch last := results[len(results)-1].(type) {
	case error:
		endAt(last)
	case bool:
		if !last {
			endAt(io.EOF)
		}
	}
}

// Read2 passes on the results of a read whose error the code drops.
func Read2[A any](a A, err error) (A, error) {
	endAt(err)
	return a, err
}

// Read3 is Read2 for reads with three results.
func Read3[A, B any](a A, b B, err error) (A, B, error) {
	endAt(err)
	return a, b, err
}

// endAt ends the cell if err is the end of the input that the user has ended.
func endAt(err error) {
	if err == nil || !input.hasEnded() || !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return
	}
	end := &Failure{Kind: "eof", Message: "end of input", Frames: stackFrom(false)}
	endCell(end).leave()
}
