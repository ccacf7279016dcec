package weights

import (
	"fmt"
	"hash/crc32"
	"io"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
)

// hashName finds the hash in a name such as resnet18-f37072fd.pth: a dash and at least eight hexadecimal digits before
// the extension, PyTorch's convention (torch.hub.load_state_dict_from_url, check_hash).
var hashName = regexp.MustCompile(`-([0-9a-f]{8,64})\.[A-Za-z0-9]+$`)

// HashPrefixFromName returns the beginning of the file's SHA-256, in lower-case hexadecimal, that the base name of a
// path or URL carries; "" if it has none.
func HashPrefixFromName(name string) string {
	name, _, _ = strings.Cut(name, "?")
	name = path.Base(filepath.ToSlash(name))
	if m := hashName.FindStringSubmatch(name); m != nil {
		return m[1]
	}
	return ""
}

// recordSum is a record of a zip archive with its checksum.
type recordSum struct {
	name string
	r    io.ReaderAt
	n    int64
	crc  uint32
}

// Verify reads the whole file and compares it with the checksums that the file itself has: the CRC-32 of each record of
// a PyTorch zip archive. Files without checksums (safetensors, the legacy form,
// torch.serialization.set_crc32_options(False)) give nil. PyTorch does not compare them, so a file with a flipped bit
// loads there with wrong values.
func (sd *StateDict) Verify() error {
	for _, s := range sd.sums {
		h := crc32.NewIEEE()
		if _, err := io.Copy(h, io.NewSectionReader(s.r, 0, s.n)); err != nil {
			return sd.errorf("record %.80q: %w", s.name, err)
		}
		if h.Sum32() != s.crc {
			return sd.errorf("record %.80q has not the checksum that the archive says; the file is damaged, download it again", s.name)
		}
	}
	return nil
}

// HashError reports that the content of a file does not match its hash.
type HashError struct {
	Path string // of the file
	Want string // beginning of the SHA-256
	Got  string // the SHA-256
}

func (e *HashError) Error() string {
	return fmt.Sprintf("weights: %s: its SHA-256 begins with %s, expected %s; the file is damaged or not the one it says: delete it and download it again",
		e.Path, e.Got[:min(len(e.Got), len(e.Want))], e.Want)
}

// VerifyName compares the SHA-256 of a file with the hash in its name. A name without a hash is an error: nothing
// would have been verified.
func VerifyName(path string) error {
	want := HashPrefixFromName(path)
	if want == "" {
		return fmt.Errorf("weights: %s: the name carries no hash (as in resnet18-f37072fd.pth), so there is nothing to compare with", path)
	}
	return VerifyHash(path, want)
}

// VerifyHash compares the SHA-256 of a file with want, its first hexadecimal digits or all 64; case does not matter. A
// difference is a *HashError.
func VerifyHash(path, want string) error {
	want = strings.ToLower(want)
	if len(want) < 8 || len(want) > 64 || strings.Trim(want, "0123456789abcdef") != "" {
		return fmt.Errorf("weights: %q is no SHA-256; expected 8 to 64 hexadecimal digits", want)
	}
	got, err := fetch.SHA256(path)
	if err != nil {
		return fmt.Errorf("weights: %w", err)
	}
	if !strings.HasPrefix(got, want) {
		return &HashError{Path: path, Want: want, Got: got}
	}
	return nil
}
