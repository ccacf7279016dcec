//go:build cgo && (linux || darwin)

package backend

import (
	"errors"
	"os"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/openvino"
)

// openVINOLibrary returns OpenVINO's C library: that named by the environment variable, else that installed by
// install.sh; "" if there is none.
func openVINOLibrary(getenv func(string) string) string {
	return installed(getenv, openvino.LibraryEnv, "openvino", "libopenvino_c.*")
}

// prepareOpenVINO sets the path of the library.
func prepareOpenVINO() error {
	path := openVINOLibrary(os.Getenv)
	if path == "" {
		return errors.New("no OpenVINO library found; install.sh --engine openvino installs one, or name libopenvino_c in " + openvino.LibraryEnv)
	}
	returnFreed()
	return os.Setenv(openvino.LibraryEnv, path)
}
