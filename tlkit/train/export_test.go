package train

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/sealed"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// FailReads makes reads of files of runs fail with the error that fault returns for their path. The function returned
// ends that.
func FailReads(fault func(path string) error) (mend func()) {
	before := sealed.Open
	sealed.Open = func(path string) (io.ReadCloser, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		if err := fault(path); err != nil {
			return failing{f, &os.PathError{Op: "read", Path: path, Err: err}}, nil
		}
		return f, nil
	}
	return func() { sealed.Open = before }
}

type failing struct {
	io.Closer
	err error
}

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// MakeOlder gives a run on disk another fingerprint of its data, in run.json and in the checkpoints' identities.
func MakeOlder(run *Run, print string) error {
	run.Config.Data.Fingerprint = print
	for i, res := range run.Results {
		for _, name := range []string{checkpointFile, previousFile} {
			sd, err := weights.Open(res.file(name))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			made := run.Config.identity(run.strategyAt(i), res.Seed)
			about := map[string]string{positionKey: sd.Metadata[positionKey], madeKey: made}
			err = sealed.WriteWeights(res.file("older.safetensors"), "", sd.Entries(), about)
			sd.Close()
			if err == nil {
				err = os.Rename(res.file("older.safetensors"), res.file(name))
			}
			if err != nil {
				return err
			}
		}
	}
	return SetFingerprint(run, print)
}

// SetFingerprint writes run.json with a fingerprint of the data.
func SetFingerprint(run *Run, print string) error {
	run.Config.Data.Fingerprint = print
	return writeJSON(filepath.Join(run.Dir, "run.json"), run.Config)
}

// ForgetEngines writes run.json without the engines, as before they were recorded.
func ForgetEngines(run *Run) error {
	run.Config.Engines = nil
	return writeJSON(filepath.Join(run.Dir, "run.json"), run.Config)
}

// ForgetBits writes run.json without the bits of the images, as before they were kept.
func ForgetBits(run *Run) error {
	run.Config.Data.Bits = 0
	return writeJSON(filepath.Join(run.Dir, "run.json"), run.Config)
}

// Spelled is Recipe.spelled.
func Spelled(r, like Recipe) Recipe { return r.spelled(like) }

// AcceptIdle lets recipes have fields without effect, as before they were refused, until what it returns is called.
func AcceptIdle() (restore func()) {
	before := checkFields
	checkFields = func(Recipe) error { return nil }
	return func() { checkFields = before }
}
