package datasets

import (
	"io/fs"
	"syscall"
)

// changed returns when a file was last changed, in nanoseconds: by the inode's own time, which no tool sets back, as
// copying and unpacking set the time of modification.
func changed(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ctim.Nano()
	}
	return info.ModTime().UnixNano()
}
