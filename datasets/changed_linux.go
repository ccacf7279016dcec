package datasets

import (
	"io/fs"
	"syscall"
)

// changed returns when a file was last changed, in nanoseconds. It is the inode's change time (ctime), which no tool
// sets back; copying and unpacking do set the modification time.
func changed(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ctim.Nano()
	}
	return info.ModTime().UnixNano()
}
