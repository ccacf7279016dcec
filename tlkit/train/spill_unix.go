//go:build unix

package train

import (
	"os"

	"golang.org/x/sys/unix"
)

// spillChunk is the number of bytes of the file that are mapped at once.
const spillChunk = 64 << 20

// spill is a file for images that do not fit in memory, read through a mapping (golang.org/x/sys/unix; a wrapper
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

// put writes pix to the file and returns the mapped copy; nil if there is no room, or no file can be made.
func (s *spill) put(pix []byte) []byte {
	n := int64(len(pix))
	if s.failed || n == 0 || (s.file == nil && !s.open()) {
		return nil
	}
	if s.end+n > s.mapped && !s.grow(min(max(spillChunk, n), max(n, s.limit-s.mapped))) {
		return nil
	}
	// Written with WriteAt, not copied into the mapping: on a full disk WriteAt returns an error, but a store to the
	// mapping kills the process.
	if _, err := s.file.WriteAt(pix, s.end); err != nil {
		s.failed = true
		return nil
	}
	chunk := s.chunks[len(s.chunks)-1]
	at := s.end - (s.mapped - int64(len(chunk)))
	s.end += n
	return chunk[at : at+n : at+n]
}

// open makes the file, and limits it to half of the free space of the disk.
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
	n = (n + page - 1) / page * page // the next chunk must begin at a page boundary
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
		unix.Munmap(c) // our own mapping: this can't fail
	}
	if s.file != nil {
		s.file.Close() // it has no name; there is nothing to lose
	}
	*s = spill{failed: true}
}
