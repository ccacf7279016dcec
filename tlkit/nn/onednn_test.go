//go:build cgo && linux && amd64

package nn_test

import _ "github.com/tlkit-go/tlkit-notebooks/tlkit/backend/onednn" // registers the engine
