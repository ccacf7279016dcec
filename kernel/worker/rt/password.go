//go:build linux

package rt

import (
	"bytes"
	"io"
	"os"
)

// ReadPassword returns term.ReadPassword for cells. Standard input is no terminal, whose echo could be switched off:
// the front end is told to hide what is typed.
func ReadPassword(own func(int) ([]byte, error)) func(int) ([]byte, error) {
	return func(fd int) ([]byte, error) {
		if fd != 0 {
			return own(fd)
		}
		if c := running.Load(); c != nil {
			input.hide(c.n)
		}
		var line []byte
		for b := make([]byte, 1); ; {
			n, err := os.Stdin.Read(b)
			switch {
			case n > 0 && b[0] == '\n':
				return bytes.TrimSuffix(line, []byte("\r")), nil
			case n > 0:
				line = append(line, b[0])
			case err == io.EOF && len(line) > 0:
				return line, nil
			case err != nil:
				return nil, err
			}
		}
	}
}

// hide requests input that is not shown for run n, unless there is some or another request is open. The read that comes
// next finds the request and makes none.
func (s *stdin) hide(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked != 0 || s.ending || unread() > 0 {
		return
	}
	s.used, s.asked = true, n
	send(Event{Op: "input", N: n, Taken: s.taken, Password: true})
}
