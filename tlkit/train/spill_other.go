//go:build !unix

package train

// spill is a file for images that do not fit in memory; only unix has one so far.
type spill struct {
	dir   string
	limit int64
}

func (s *spill) put([]byte) []byte { return nil }
func (s *spill) close()            {}
