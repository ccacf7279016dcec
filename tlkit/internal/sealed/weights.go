package sealed

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// Check compares a weight file with its checksum; with must, a file without one counts as damaged.
func Check(path string, must bool) error {
	f, err := Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sealed, err := checkSum(f)
	if err == nil && must && !sealed {
		return ErrDamaged
	}
	return err
}

// WriteWeights writes a weight file with its checksum. The file that was there before stays until the new one is
// complete, and is then moved to the path keep, unless keep is "".
func WriteWeights(path, keep string, entries []weights.Entry, metadata map[string]string) error {
	next := strings.TrimSuffix(path, ".safetensors") + ".next.safetensors"
	all := map[string]string{"tlkit.checksum": NoSum}
	maps.Copy(all, metadata)
	err := weights.WriteSafetensors(next, entries, all)
	if err == nil {
		err = sealFile(next)
	}
	if err == nil && keep != "" {
		err = os.Rename(path, keep)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil // the first
		}
	}
	if err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		os.Remove(next) // or it goes with the next call
	}
	return err
}
