//go:build unix

package train

import (
	"os"

	"golang.org/x/sys/unix"
)

// spillChunk is how much of the file is mapped at once.
const spillChunk = 64 << 20

// spill is a file for images that memory has no room for, read through a mapping (golang.org/x/sys/unix; a wrapper
// library for mappings would add nothing that is used here). It has no name: the file is removed as soon as it is made,
// so that nothing is left behind however the program ends. It is not for several goroutines at once.
type spill struct {
	dir   string
	limit int64 // bytes; none are written if it is not positive

	file   *os.File
	chunks [][]byte
	end    int64 // where the next image goes
	mapped int64 // where the last chunk ends
	failed bool
}

// put writes pix and returns it as the file has it; nil when there is no room, or no file can be made.
func (s *spill) put(pix []byte) []byte {
	n := int64(len(pix))
	if s.failed || n == 0 || (s.file == nil && !s.open()) {
		return nil
	}
	if s.end+n > s.mapped && !s.grow(min(max(spillChunk, n), max(n, s.limit-s.mapped))) {
		return nil
	}
	// Written, not copied into the mapping: on a full disk that is an error here and a dead process there.
	if _, err := s.file.WriteAt(pix, s.end); err != nil {
		s.failed = true
		return nil
	}
	chunk := s.chunks[len(s.chunks)-1]
	at := s.end - (s.mapped - int64(len(chunk)))
	s.end += n
	return chunk[at : at+n : at+n]
}

// open makes the file; it may take half of what the disk has left.
func (s *spill) open() bool {
	s.failed = true
	if s.limit <= 0 {
		return false
	}
	f, err := os.CreateTemp(s.dir, ".decoded-*")
	if err != nil {
		return false
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return false
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &fs); err == nil {
		s.limit = min(s.limit, int64(fs.Bavail)*int64(fs.Bsize)/2)
	}
	s.file, s.failed = f, false
	return true
}

// grow maps another chunk of n bytes, if the limit allows.
func (s *spill) grow(n int64) bool {
	if s.mapped+n > s.limit {
		return false
	}
	page := int64(os.Getpagesize())
	n = (n + page - 1) / page * page // the next chunk has to begin at a page
	if err := s.file.Truncate(s.mapped + n); err != nil {
		s.failed = true
		return false
	}
	chunk, err := unix.Mmap(int(s.file.Fd()), s.mapped, int(n), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		s.failed = true
		return false
	}
	s.chunks = append(s.chunks, chunk)
	s.end, s.mapped = s.mapped, s.mapped+n
	return true
}

func (s *spill) close() {
	for _, c := range s.chunks {
		unix.Munmap(c) // of a mapping that is ours: it can't fail, and there is nothing to do if it did
	}
	if s.file != nil {
		s.file.Close() // it has no name; there is nothing to lose
	}
	*s = spill{failed: true}
}
