package upload

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/zipfiles"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// folder is the folder that an upload writes to, with what the upload may still write.
type folder struct {
	dir  string
	root *os.Root // nothing is written outside of it, also not through symbolic links

	files   int // how many pictures may still come
	bytes   int64
	added   []string // paths of the pictures, in the order in which they came
	refused []string // what was not taken, with the reason
	notes   []string // what else is to be said of the files
	temp    int
}

// openFolder makes the folder if it does not exist.
func openFolder(dir string, o Options) (*folder, error) {
	if dir == "" {
		return nil, errors.New("tlkit: Upload needs the name of a folder for the pictures, such as \"photos\"")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("tlkit: folder for uploads: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("tlkit: folder for uploads: %w", err)
	}
	return &folder{dir: dir, root: root, files: o.MaxFiles, bytes: o.MaxBytes}, nil
}

// andMore stands for what is left out beyond the first of those that are told.
const andMore = "and more"

func (f *folder) refuse(name, format string, args ...any) {
	const most = 100
	if len(f.refused) < most {
		f.refused = append(f.refused, name+": "+fmt.Sprintf(format, args...))
	} else if len(f.refused) == most {
		f.refused = append(f.refused, andMore)
	}
}

// incoming is a file that arrives in pieces, under a temporary name.
type incoming struct {
	name   string // as the browser gave it
	folder string // the folder within a dropped one; ""
	temp   string
	file   *os.File
}

// create begins a file.
func (f *folder) create(name string) (*incoming, error) {
	f.temp++
	temp := fmt.Sprintf(".upload-%d-%d", os.Getpid(), f.temp)
	file, err := f.root.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("tlkit: writing an upload: %w", err)
	}
	return &incoming{name: name, temp: temp, file: file}, nil
}

// discard removes what has arrived of a file.
func (f *folder) discard(in *incoming) {
	in.file.Close()
	f.root.Remove(in.temp) // if that fails, a file stays whose name begins with a dot
}

// errTooMuch ends an upload that is larger than its bound.
var errTooMuch = errors.New("tlkit: the upload is larger than its bound")

// write adds a piece to a file. The bound counts what all files of an upload have together.
func (f *folder) write(in *incoming, data []byte) error {
	if f.bytes -= int64(len(data)); f.bytes < 0 {
		return errTooMuch
	}
	if _, err := in.file.Write(data); err != nil {
		return fmt.Errorf("tlkit: writing an upload: %w", err)
	}
	return nil
}

// finish gives a whole file its name, or unpacks it if it is a zip, until ctx ends. Errors are those of this machine;
// what is wrong with the file is noted in refused.
func (f *folder) finish(ctx context.Context, in *incoming) error {
	head := make([]byte, 512)
	n, err := in.file.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return fmt.Errorf("tlkit: reading an upload: %w", err)
	}
	if bytes.HasPrefix(head[:n], []byte("PK\x03\x04")) || bytes.HasPrefix(head[:n], []byte("PK\x05\x06")) {
		defer f.discard(in)
		return f.unzip(ctx, in)
	}
	// A browser gives the folder apart from the name. So folders in the name itself are left out.
	name := path.Base(path.Clean(strings.ReplaceAll(in.name, `\`, "/")))
	return f.keep(in, path.Join(in.folder, name), head[:n])
}

// keep gives a file a name below the folder if it is a picture. An equal file of that name is kept, another one gets a
// number.
func (f *folder) keep(in *incoming, name string, head []byte) error {
	reason := ""
	switch {
	case !localName(name):
		reason = "the name leads out of the folder, or is hidden"
	case tooLong(name):
		reason = fmt.Sprintf("a name of more than %d bytes", longestName)
	case !isPicture(head):
		reason = notPicture(head)
	case f.files <= 0:
		reason = "more files than this upload may have"
	}
	if reason != "" {
		f.refuse(in.name, "%s", reason)
		f.discard(in)
		return nil
	}
	f.files--
	if parent := path.Dir(name); parent != "." {
		if err := f.root.MkdirAll(filepath.FromSlash(parent), 0o755); err != nil {
			f.refuse(in.name, "%v", err)
			f.discard(in)
			return nil
		}
	}
	free, same, err := f.freeName(name, in)
	if err != nil {
		f.discard(in)
		return err
	}
	if same {
		f.discard(in)
	} else if err := errors.Join(in.file.Close(), f.root.Rename(in.temp, filepath.FromSlash(free))); err != nil {
		f.root.Remove(in.temp)
		return fmt.Errorf("tlkit: writing an upload: %w", err)
	}
	f.added = append(f.added, filepath.Join(f.dir, filepath.FromSlash(free)))
	return nil
}

// localName reports whether a slash-separated name stays below the folder and no part of it is hidden.
func localName(name string) bool {
	if !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsAny(name, "\\\x00") {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") || part == "__MACOSX" {
			return false
		}
	}
	return true
}

// longestName is the largest number of bytes of a file's or folder's name on usual systems, less a number that may be
// added.
const longestName = 255 - 8

// tooLong reports whether a part of a slash-separated name is too long for a file system.
func tooLong(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > longestName {
			return true
		}
	}
	return false
}

// notPicture says what a file is that begins like this: another format of pictures, with the next step, or none.
func notPicture(head []byte) string {
	_, err := vision.Decode(bytes.NewReader(head), vision.DecodeOptions{})
	if foreign, ok := errors.AsType[*vision.UnsupportedError](err); ok {
		return fmt.Sprintf("%s, which is not read; %s", foreign.Format, foreign.Advice)
	}
	return "no picture (JPEG, PNG, GIF, BMP, WebP, TIFF or PNM)"
}

// isPicture reports whether a file begins as one of the formats that package vision decodes.
func isPicture(head []byte) bool {
	switch http.DetectContentType(head) {
	case "image/jpeg", "image/png", "image/gif", "image/bmp", "image/webp":
		return true
	}
	pnm := len(head) > 2 && head[0] == 'P' && head[1] >= '1' && head[1] <= '6' && strings.IndexByte(" \t\r\n#", head[2]) >= 0
	return pnm || bytes.HasPrefix(head, []byte("II*\x00")) || bytes.HasPrefix(head, []byte("MM\x00*"))
}

// freeName returns the name itself, or with a number if another file has it. same reports that the file that has it is
// equal.
func (f *folder) freeName(name string, in *incoming) (free string, same bool, err error) {
	ext := path.Ext(name)
	for n := 1; ; n++ {
		free = name
		if n > 1 {
			free = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), n, ext)
		}
		other, err := f.root.Open(filepath.FromSlash(free))
		if errors.Is(err, fs.ErrNotExist) {
			return free, false, nil
		}
		if err != nil {
			return "", false, fmt.Errorf("tlkit: writing an upload: %w", err)
		}
		same, err := equal(in.file, other)
		other.Close()
		if err != nil || same {
			return free, same, err
		}
	}
}

// equal compares two files.
func equal(a, b *os.File) (bool, error) {
	infoA, errA := a.Stat()
	infoB, errB := b.Stat()
	if err := errors.Join(errA, errB); err != nil || infoB.IsDir() || infoA.Size() != infoB.Size() {
		return false, err
	}
	bufA, bufB := make([]byte, 64<<10), make([]byte, 64<<10)
	for at := int64(0); at < infoA.Size(); {
		n, errA := a.ReadAt(bufA, at)
		m, errB := b.ReadAt(bufB, at)
		if errA != nil && errA != io.EOF || errB != nil && errB != io.EOF {
			return false, errors.Join(errA, errB)
		}
		if n != m || n == 0 || !bytes.Equal(bufA[:n], bufB[:m]) {
			return false, nil
		}
		at += int64(n)
	}
	return true, nil
}

// unzip takes the pictures of a zip. It counts what it unpacks, and believes no size that the zip claims.
func (f *folder) unzip(ctx context.Context, in *incoming) error {
	info, err := in.file.Stat()
	if err != nil {
		return fmt.Errorf("tlkit: reading an upload: %w", err)
	}
	z, err := zip.NewReader(in.file, info.Size())
	if err != nil {
		f.refuse(in.name, "%v", err)
		return nil
	}
	zipfiles.Register(z)
	unsure := ""
	defer func() { // also of a zip that is read in part
		if unsure != "" {
			f.notes = append(f.notes, in.name+": "+zipfiles.UnsureNote(unsure))
		}
	}()
	for _, entry := range z.File {
		name, sure := zipfiles.Name(entry)
		if !sure {
			unsure = name
		}
		_, name = zipfiles.CutRoot(name)
		switch {
		case entry.FileInfo().IsDir(), strings.HasSuffix(name, "/"), path.Base(name) == ".DS_Store", strings.HasPrefix(name, "__MACOSX/"):
			continue
		case !entry.Mode().IsRegular():
			f.refuse(name, "no file: %s", entry.Mode().Type())
			continue
		}
		if f.files <= 0 {
			f.refuse(in.name, "more files than this upload may have; the rest of the zip is left out")
			return nil
		}
		if err := f.unzipEntry(ctx, entry, name); err != nil {
			return err
		}
	}
	return nil
}

func (f *folder) unzipEntry(ctx context.Context, entry *zip.File, name string) error {
	from, err := zipfiles.Opener(entry)()
	if err != nil {
		f.refuse(name, "%v", err)
		return nil
	}
	defer from.Close()
	in, err := f.create(name)
	if err != nil {
		return err
	}
	n, err := io.Copy(in.file, io.LimitReader(until{ctx, from}, f.bytes+1))
	if f.bytes -= n; f.bytes < 0 {
		f.discard(in)
		return errTooMuch
	}
	var disk *fs.PathError
	switch {
	case ctx.Err() != nil:
		f.discard(in)
		return fmt.Errorf("tlkit: unpacking %s: %w", name, ctx.Err())
	case errors.As(err, &disk):
		f.discard(in)
		return fmt.Errorf("tlkit: writing an upload: %w", err)
	case err != nil: // broken, or encrypted
		f.refuse(name, "%v", err)
		f.discard(in)
		return nil
	}
	head := make([]byte, 512)
	m, err := in.file.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		f.discard(in)
		return fmt.Errorf("tlkit: reading an upload: %w", err)
	}
	return f.keep(in, path.Clean(name), head[:m])
}

// until is a reader that fails when ctx has ended.
type until struct {
	ctx  context.Context
	from io.Reader
}

func (u until) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.from.Read(p)
}
