//go:build cgo && (linux || darwin)

package backend

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/xlacache"
)

// xlaProgramsBytes bounds the compiled programs on disk. A step of ResNet-50 takes some MB.
const xlaProgramsBytes = 2 << 30

// keepPrograms makes XLA's engine keep its compiled programs in the cache folder, so that the next start compiles
// nothing. A plugin that can't do so compiles at each start.
func keepPrograms(b compute.Backend) {
	err := func() error {
		engine, ok := b.(*xla.Backend)
		if !ok {
			return fmt.Errorf("the engine is a %T", b)
		}
		plugin, err := pjrt.GetPlugin(engine.PluginName())
		if err != nil {
			return err
		}
		dir, err := fetch.CacheDir("xla")
		if err != nil {
			return err
		}
		return xlacache.Enable(plugin.Path(), xlacache.Store{Dir: dir, MaxBytes: xlaProgramsBytes}, notifyCompiles)
	}()
	if err != nil {
		notifyCompiles(err)
	}
}

// notifyCompiles says why XLA compiles what it might have read.
func notifyCompiles(err error) {
	fmt.Fprintf(Notify, "tlkit: XLA compiles programs anew: %s\n", firstLine(err))
}
