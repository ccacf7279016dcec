package fetch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// abandoned is the age of the last write at which the process that made an unfinished file has ended: one at work gives
// up a connection, or pauses between attempts, for less.
const abandoned = 15 * time.Minute

// withoutLock downloads on a file system without locks, where other processes may download the same file at the same
// time. Each writes an unfinished file of its own, Part.NUMBER: process numbers would not do, since containers on one
// drive often have the same. The next call goes on with the unfinished file of an earlier one, which becomes Part.left,
// and with that of a process that was killed. A finished download removes all of them.
func withoutLock(ctx context.Context, r Request) error {
	shared := r.Part
	left := shared + ".left"
	r.Part = fmt.Sprintf("%s.%d", shared, rand.Uint64())
	if err := claim(shared, left, r.Part); err != nil {
		return fmt.Errorf("download of %s: %w", Shown(r.URL), err)
	}
	if err := newTransfer(ctx, r).run(ctx); err != nil {
		if ok, _ := present(r); !ok {
			if info, serr := os.Stat(r.Part); serr == nil && (info.Size() == 0 || r.SHA256 == "") {
				os.Remove(r.Part) // nobody can go on with it
			}
			os.Rename(r.Part, left)
			return err
		}
		// Another process was faster, and has removed this one's file.
	}
	for _, path := range append(unfinished(shared), left) {
		os.Remove(path)
	}
	return nil
}

// claim makes the file own, with what earlier calls and processes have left of the download.
func claim(shared, left, own string) error {
	f, err := os.OpenFile(own, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	created, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	for _, path := range unfinished(shared) {
		// By the drive's clock, which may differ from this machine's.
		if info, err := os.Stat(path); err == nil && created.ModTime().Sub(info.ModTime()) > abandoned {
			os.Rename(path, left)
		}
	}
	if err := os.Rename(left, own); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// unfinished lists the files that withoutLock writes beside a path.
func unfinished(shared string) (paths []string) {
	entries, err := os.ReadDir(filepath.Dir(shared))
	if err != nil {
		return nil
	}
	for _, e := range entries {
		number, ok := strings.CutPrefix(e.Name(), filepath.Base(shared)+".")
		if ok && number != "" && strings.Trim(number, "0123456789") == "" {
			paths = append(paths, filepath.Join(filepath.Dir(shared), e.Name()))
		}
	}
	return paths
}
