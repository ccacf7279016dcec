//go:build !linux

package datasets

import "io/fs"

// changed returns when a file was last modified, in nanoseconds.
func changed(info fs.FileInfo) int64 { return info.ModTime().UnixNano() }
