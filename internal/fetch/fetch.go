package fetch

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/internal/filelock"
)

// Request describes a download: its source, its destination and its limits.
type Request struct {
	URL    string // http or https
	SHA256 string // hex digest of the whole file, or its first 8 or more digits; empty: not verified
	Dest   string // final path; its folder is made when missing
	// Header holds further request headers, such as Authorization, which is sent only to the host of URL, never to a
	// host that it redirects to.
	Header http.Header
	// Part and Lock are the paths of the unfinished file and of the lock; empty: Dest with ".part" and ".lock"
	// appended.
	Part, Lock string
	// MaxBytes refuses a larger file; 0 means no limit.
	MaxBytes int64
	// Progress is called a few times per second and at the end; total is -1 when the server does not send the size. May
	// be nil.
	Progress func(done, total int64)
}

// ErrOffline is wrapped by the error that File returns when TLKIT_OFFLINE forbids the download, and by the errors of
// others that need the network.
var ErrOffline = errors.New("TLKIT_OFFLINE is set, so the network is not used")

// ErrNoNetwork is wrapped by the error that File and Head return when the server's name can't be looked up or there is
// no route to it.
var ErrNoNetwork = errors.New("there is no network")

// StatusError reports that a server did not send the file.
type StatusError struct {
	URL    string
	Code   int    // HTTP status code
	Status string // such as "404 Not Found"
	Header http.Header
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("download of %s: the server answered %q, expected 200 OK; check the address", Shown(e.URL), e.Status)
}

// HashError reports that a downloaded file is not the requested one.
type HashError struct {
	URL, Got, Want string // Got is the whole SHA-256, Want may be a prefix
}

func (e *HashError) Error() string {
	return fmt.Sprintf("download of %s: SHA-256 is %s, expected %s; the file was thrown away: the source has changed or something in between alters it", Shown(e.URL), e.Got, e.Want)
}

// Offline reports whether TLKIT_OFFLINE forbids network access: any value but empty, "0" and "false" does.
func Offline() bool {
	switch strings.ToLower(os.Getenv("TLKIT_OFFLINE")) {
	case "", "0", "false":
		return false
	}
	return true
}

// File makes r.Dest hold the file of r.URL. A file that is there already and has the right hash (or any file, when no
// hash is known) is kept without a request. The download goes to Dest+".part", on a file system without locks to a file
// of its own beside it. It is resumed after a lost connection, also by a later call when the hash is known, then
// verified, and only then renamed. Status codes 429 and 5xx and network errors are retried with growing pauses. Proxies
// are taken from HTTP_PROXY and HTTPS_PROXY.
//
// If the server's name can't be looked up, or there is no route to it, there is no retry, since it would not help.
//
// Errors: ErrOffline and ErrNoNetwork (wrapped), *StatusError, *HashError, the error of ctx, or one that names file and
// address.
func File(ctx context.Context, r Request) error {
	if err := r.complete(); err != nil {
		return err
	}
	if ok, err := present(r); ok || err != nil {
		return err
	}
	if Offline() {
		return fmt.Errorf("%w: get %s by other means and put it at %s", ErrOffline, Shown(r.URL), r.Dest)
	}
	if err := os.MkdirAll(filepath.Dir(r.Dest), 0o755); err != nil {
		return fmt.Errorf("download of %s: %w", Shown(r.URL), err)
	}
	if err := os.MkdirAll(filepath.Dir(r.Lock), 0o755); err != nil {
		return fmt.Errorf("download of %s: %w", Shown(r.URL), err)
	}
	lock, err := filelock.Wait(ctx, r.Lock)
	if err != nil {
		return fmt.Errorf("download of %s: waiting for another process that holds %s: %w", Shown(r.URL), r.Lock, err)
	}
	defer lock.Close()
	if ok, err := present(r); ok || err != nil {
		return err // another process was faster
	}
	if lock.Exclusive() {
		err = newTransfer(ctx, r).run(ctx)
	} else {
		err = withoutLock(ctx, r)
	}
	if errors.Is(err, ErrNoNetwork) {
		return fmt.Errorf("%w; get it by other means and put it at %s", err, r.Dest)
	}
	return err
}

// complete checks the request and fills in the default paths.
func (r *Request) complete() error {
	u, err := url.Parse(r.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("download: %q is no http or https address", Shown(r.URL))
	}
	r.SHA256 = strings.ToLower(strings.TrimSpace(r.SHA256))
	if n := len(r.SHA256); n > 0 && (n < 8 || n > 64 || strings.Trim(r.SHA256, "0123456789abcdef") != "") {
		return fmt.Errorf("download of %s: SHA-256 %q is not 8 to 64 hexadecimal digits", Shown(r.URL), r.SHA256)
	}
	if r.Dest == "" {
		return fmt.Errorf("download of %s: no destination given", Shown(r.URL))
	}
	r.Part, r.Lock = cmp.Or(r.Part, r.Dest+".part"), cmp.Or(r.Lock, r.Dest+".lock")
	return nil
}

// present reports whether the wanted file is already there.
func present(r Request) (bool, error) {
	info, err := os.Stat(r.Dest)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("download of %s: %w", Shown(r.URL), err)
	}
	if !info.Mode().IsRegular() {
		return false, fmt.Errorf("download of %s: %s is there and is no regular file; move it away", Shown(r.URL), r.Dest)
	}
	if r.SHA256 == "" {
		return true, nil
	}
	sum, err := SHA256(r.Dest)
	if err != nil {
		return false, err
	}
	return strings.HasPrefix(sum, r.SHA256), nil
}

// SHA256 returns the digest of a file as 64 lower-case hexadecimal digits.
func SHA256(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// verify compares the whole of file with the wanted hash and syncs it to the disk.
func verify(file *os.File, r Request) error {
	if r.SHA256 != "" {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("download of %s: %w", Shown(r.URL), err)
		}
		h := sha256.New()
		if _, err := io.Copy(h, file); err != nil {
			return fmt.Errorf("download of %s: %w", Shown(r.URL), err)
		}
		if sum := hex.EncodeToString(h.Sum(nil)); !strings.HasPrefix(sum, r.SHA256) {
			return &HashError{URL: r.URL, Got: sum, Want: r.SHA256}
		}
	}
	if err := atomicfile.Sync(file); err != nil {
		return fmt.Errorf("download of %s: %w", Shown(r.URL), err)
	}
	return nil
}

// contentRange reads "bytes 5-9/10" as (5, 10); a total of "*" is -1, and a start of -1 means not understood.
func contentRange(s string) (start, total int64) {
	span, size, ok := strings.Cut(strings.TrimPrefix(s, "bytes "), "/")
	first, _, ok2 := strings.Cut(span, "-")
	start, err := strconv.ParseInt(first, 10, 64)
	if !ok || !ok2 || err != nil {
		return -1, -1
	}
	if total, err = strconv.ParseInt(size, 10, 64); err != nil {
		total = -1
	}
	return start, total
}
