package kernel

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tlkit-go/tlkit-notebooks/internal/infolder"
)

// This file is what kernel/hub needs to start Jupyter for many users of one installation.

// Place is a folder of an installation.
type Place struct {
	// What is the folder's name in messages: "the Go modules".
	What string
	// Path is the folder's path; empty if the installation has none.
	Path string
}

// Places returns the folders of the installation in p that kernels need.
func (m *Manifest) Places(p Prefix) []Place {
	return []Place{
		{"the installation", string(p)},
		{"Go", m.GoRoot},
		{"the Go modules", m.GoModCache},
		{"Go's build cache", m.GoCache},
		{"the compiled workers", m.liveCache(p)},
	}
}

// CheckShared returns nil if all users of this machine can work with the installation in p, which they may read and not
// write. The error names the folder that is closed to them, and how to install for all.
func CheckShared(p Prefix) error {
	m, err := ReadManifest(p)
	if err != nil {
		return err
	}
	for _, place := range m.Places(p) {
		if closed := ClosedTo(place.Path); closed != "" {
			return fmt.Errorf("kernel: other users can't enter %s, the place of %s; install for all, as root: TLKIT_HOME=/opt/tlkit GOMODCACHE=/opt/tlkit-modules ./install.sh", closed, place.What)
		}
	}
	workers, err := infolder.Glob(m.liveCache(p), "worker-*/worker")
	if err != nil {
		return fmt.Errorf("kernel: %w", err)
	}
	for _, w := range workers {
		if info, err := os.Stat(filepath.Dir(w)); err == nil && info.Mode().Perm()&0o005 == 0o005 {
			return nil
		}
	}
	if len(workers) > 0 {
		return fmt.Errorf("kernel: other users can't enter the compiled workers in %s, which an older version made; run %s again, as the owner of %s", m.liveCache(p), p.installer(), p)
	}
	return nil // the live kernel can't be had on this machine
}
