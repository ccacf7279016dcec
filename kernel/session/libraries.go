//go:build linux

package session

import (
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"sync"

	"github.com/tlkit-go/tlkit-notebooks/kernel/build"
)

// libraries imports compiled packages for the type checker.
type libraries struct {
	mu  sync.Mutex
	imp types.Importer
}

func newLibraries(fset *token.FileSet, b *build.Builder) *libraries {
	return &libraries{imp: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return b.Export(path) })}
}

// Import implements types.Importer.
func (l *libraries) Import(path string) (*types.Package, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.imp.Import(path)
}
