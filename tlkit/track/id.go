package track

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// idFile holds the id of a run's folder. Runs of one name in several folders, such as a colleague's, or one that was
// removed and trained again, are others to a tracker.
const idFile = ".track-id"

// idOf returns the id of a run's folder, which is made if it has none.
func idOf(run *train.Run) (string, error) {
	dir := run.Dir
	if run.Version > 0 {
		dir = filepath.Dir(filepath.Dir(dir)) // an earlier version is within the folder
	}
	path := filepath.Join(dir, idFile)
	id, err := readID(path)
	if id != "" || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	random := make([]byte, 8)
	rand.Read(random) // never fails
	id = hex.EncodeToString(random)
	if err := atomicfile.WriteBytes(path, []byte(id+"\n")); err == nil {
		return id, nil
	}
	// A folder that can't be written is known by its place.
	host, _ := os.Hostname()
	place, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s:%s", host, place))
	return hex.EncodeToString(sum[:8]), nil
}

// readID reads an id file.
func readID(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(text)), nil
}

// claim makes a folder that of an id, and reports whether it is. A folder that has files and no id is another's.
func claim(dir, id string) (bool, error) {
	path := filepath.Join(dir, idFile)
	there, err := readID(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return there == id, err
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return false, nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return false, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) { // another process was faster
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, err = f.WriteString(id + "\n")
	return err == nil, errors.Join(err, f.Close())
}
