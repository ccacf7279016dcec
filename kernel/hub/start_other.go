//go:build !linux

package hub

import (
	"errors"
	"io/fs"
	"runtime"
)

// ownerOf is the number of the user to whom a file belongs.
func ownerOf(fs.FileInfo) int { return 0 }

// noFollow is the flag that opens no link.
const noFollow = 0

func setUmask(int) {}

// Start replaces this process by JupyterHub in a prepared folder; it needs Linux.
func Start(Options) error {
	return errors.New("hub: it is for Linux, where users can be kept apart; this is " + runtime.GOOS)
}

// Session starts a user's server; it needs Linux.
func Session(SessionOptions, []string) error { return Start(Options{}) }
