package train

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/sealed"
)

// Unreadable returns the next step for an error of reading a file of a run that the operating system made, such as one
// without permission or of a failing disk; "" for other errors.
func Unreadable(err error) string {
	if !sealed.Unreadable(err) {
		return ""
	}
	next := "call this again when the disk, or the network folder, gives the file again"
	switch errno := sealed.SystemError(err); {
	case errors.Is(err, fs.ErrPermission):
		next = "make the file readable for this user"
	case errno == syscall.EISDIR:
		next = "a folder is in the place of the file; move it away"
	case errno == syscall.ESTALE:
		next = "the network folder was replaced; mount it again, and call this again"
	}
	return "nothing was changed: " + next + ", or " + elsewhere
}
