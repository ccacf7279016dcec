//go:build !cgo || !(linux || darwin)

package compress

import (
	"errors"

	"github.com/gomlx/compute"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

func openRuntime(compute.Backend, string, *zoo.Model) (network, error) {
	return nil, errors.New("this program was built without ONNX Runtime")
}
