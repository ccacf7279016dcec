//go:build cgo && linux && amd64

package backend

import (
	"errors"
	"fmt"
	"os"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/onednn"
)

func init() {
	onednn.OnFailure = func(err error) { fmt.Fprintf(Notify, "tlkit: %s\n", firstLine(err)) }
}

// oneDNNLibrary returns oneDNN's library: that named by the environment variable, else that installed by install.sh; ""
// if there is none.
func oneDNNLibrary(getenv func(string) string) string {
	return installed(getenv, onednn.LibraryEnv, "onednn", "libdnnl.so*")
}

// prepareOneDNN sets the path of the library.
func prepareOneDNN() error {
	path := oneDNNLibrary(os.Getenv)
	if path == "" {
		return errors.New("no oneDNN library found; install.sh --engine onednn installs one, or name libdnnl.so in " + onednn.LibraryEnv)
	}
	return os.Setenv(onednn.LibraryEnv, path)
}
