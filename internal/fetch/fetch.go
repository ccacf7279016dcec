package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/hashicorp/go-cleanhttp"
	"github.com/hashicorp/go-retryablehttp"
)

// Request says what to download and where to put it.
type Request struct {
	URL    string // http or https
	SHA256 string // hex digest of the whole file, or its first 8 or more digits; empty: not verified
	Dest   string // final path; its folder is made when missing
	// Header is sent along, such as Authorization: only to the host of URL, never to one that it redirects to.
	Header http.Header
	// Part and Lock are the paths of the unfinished file and of the lock; empty: Dest with ".part" and ".lock" appended.
	Part, Lock string
	// MaxBytes refuses a larger file; 0 means no limit.
	MaxBytes int64
	// Progress is called a few times per second and at the end; total is -1 when the server does not say. May be nil.
	Progress func(done, total int64)
}

// ErrOffline is wrapped by the error that File returns when TLKIT_OFFLINE forbids the download.
var ErrOffline = errors.New("TLKIT_OFFLINE is set, so nothing is downloaded")

// StatusError is the answer of a server that did not send the file.
type StatusError struct {
	URL    string
	Code   int    // HTTP status code
	Status string // such as "404 Not Found"
	Header http.Header
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("download of %s: the server answered %q, expected 200 OK; check the address", Shown(e.URL), e.Status)
}

// HashError says that a downloaded file is not the one that was asked for.
type HashError struct {
	URL, Got, Want string // Got is the whole SHA-256, Want may be a prefix
}

func (e *HashError) Error() string {
	return fmt.Sprintf("download of %s: SHA-256 is %s, expected %s; the file was thrown away: the source has changed or something in between alters it", Shown(e.URL), e.Got, e.Want)
}

// fetcher holds the timings, so that tests need not wait.
type fetcher struct {
	attempts         int           // of the whole request, each one resuming
	minWait, maxWait time.Duration // between retries
	stall            time.Duration // the longest silence of a server, before and within the body
}

var standard = fetcher{attempts: 5, minWait: time.Second, maxWait: 30 * time.Second, stall: time.Minute}

// Offline reports whether TLKIT_OFFLINE forbids network access: any value but empty, "0" and "false" does.
func Offline() bool {
	switch strings.ToLower(os.Getenv("TLKIT_OFFLINE")) {
	case "", "0", "false":
		return false
	}
	return true
}

// File makes r.Dest hold the file of r.URL. A file that is there already and has the right hash (or any file, when no
// hash is known) is kept without asking the network. The download goes to Dest+".part", is resumed after a break of the
// connection, also by a later call when the hash is known, is verified, and only then renamed. Answers 429 and 5xx and
// network errors are tried again with growing pauses. Proxies are taken from HTTP_PROXY and HTTPS_PROXY.
//
// Errors: ErrOffline (wrapped), *StatusError, *HashError, the error of ctx, or one that names file and address.
func File(ctx context.Context, r Request) error { return standard.file(ctx, r) }

func (f fetcher) file(ctx context.Context, r Request) error {
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
	if r.Part == "" {
		r.Part = r.Dest + ".part"
	}
	if r.Lock == "" {
		r.Lock = r.Dest + ".lock"
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
	lock := flock.New(r.Lock)
	if _, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return fmt.Errorf("download of %s: waiting for another process that holds %s: %w", Shown(r.URL), lock.Path(), err)
	}
	defer lock.Close() // the empty lock file stays: removing it would race with a process that has just opened it
	if ok, err := present(r); ok || err != nil {
		return err // another process was faster
	}
	return f.download(ctx, r)
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

func (f fetcher) client() (*retryablehttp.Client, *http.Transport) {
	t := cleanhttp.DefaultPooledTransport() // proxies from the environment, dial and TLS timeouts
	t.ResponseHeaderTimeout = f.stall
	c := retryablehttp.NewClient()
	c.Logger = nil
	c.RetryMax = f.attempts - 1
	c.RetryWaitMin, c.RetryWaitMax = f.minWait, f.maxWait
	c.Backoff = func(low, high time.Duration, attempt int, resp *http.Response) time.Duration {
		// The default obeys Retry-After without a bound.
		return min(high, retryablehttp.DefaultBackoff(low, high, attempt, resp))
	}
	c.ErrorHandler = retryablehttp.PassthroughErrorHandler
	c.HTTPClient = &http.Client{Transport: t, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if len(via) >= 10 {
			return errors.New("stopped after 10 redirects")
		}
		if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
			return fmt.Errorf("redirected from https to %s, refused", Shown(req.URL.String()))
		}
		if req.URL.Host != via[0].URL.Host { // net/http would let subdomains have it
			req.Header.Del("Authorization")
			req.Header.Del("Cookie")
		}
		return nil
	}}
	return c, t
}

func (f fetcher) download(ctx context.Context, r Request) error {
	part := r.Part
	if r.SHA256 == "" {
		// Nothing could tell whether an old beginning belongs to the same file.
		if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("download of %s: %w", Shown(r.URL), err)
		}
	}
	client, transport := f.client()
	defer transport.CloseIdleConnections()
	validator := "" // ETag or Last-Modified of the file whose beginning this call has stored
	fresh := false  // the .part file was started by this call
	for attempt := 1; ; attempt++ {
		err := f.once(ctx, client, r, part, &validator, &fresh)
		var hash *HashError
		switch {
		case err == nil:
			if err := os.Rename(part, r.Dest); err != nil {
				return fmt.Errorf("download of %s: %w", Shown(r.URL), err)
			}
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("download of %s stopped: %w", Shown(r.URL), ctx.Err())
		case errors.As(err, &hash):
			if rmErr := os.Remove(part); rmErr != nil {
				return fmt.Errorf("download of %s: %w", Shown(r.URL), rmErr)
			}
			if fresh {
				return err
			}
			continue // the old beginning was wrong: once more from the start
		case !isRetryable(err) || attempt >= f.attempts:
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("download of %s stopped: %w", Shown(r.URL), ctx.Err())
		case <-time.After(min(f.maxWait, f.minWait<<(attempt-1))):
		}
	}
}

// brokenError marks a failure that another attempt may mend.
type brokenError struct{ error }

func (e brokenError) Unwrap() error { return e.error }

func isRetryable(err error) bool {
	var b brokenError
	return errors.As(err, &b)
}

// once asks for the file, or for the rest of it, and appends what comes to part. At its end the hash is checked.
func (f fetcher) once(ctx context.Context, client *retryablehttp.Client, r Request, part string, validator *string, fresh *bool) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("download of %s: %w", Shown(r.URL), err)
	}
	defer func() {
		if cerr := out.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("download of %s: %w", Shown(r.URL), cerr)
		}
	}()
	have, err := out.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("download of %s: %w", Shown(r.URL), err)
	}
	if have > 0 && r.SHA256 == "" && *validator == "" {
		have = 0
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, r.URL, nil)
	if err != nil {
		return fmt.Errorf("download of %s: %w", Shown(r.URL), err)
	}
	maps.Copy(req.Header, r.Header)
	req.Header.Set("User-Agent", "tlkit")
	req.Header.Set("Accept-Encoding", "identity") // byte ranges and sizes must be those of the file itself
	if have > 0 {
		req.Header.Set("Range", "bytes="+strconv.FormatInt(have, 10)+"-")
		if *validator != "" {
			req.Header.Set("If-Range", *validator)
		}
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("download of %s: %w", Shown(r.URL), withoutURL(err)) // the client has retried already
	}
	defer resp.Body.Close()
	total := int64(-1)
	switch {
	case resp.StatusCode == http.StatusOK:
		have = 0
		if resp.ContentLength >= 0 {
			total = resp.ContentLength
		}
	case resp.StatusCode == http.StatusPartialContent && have > 0:
		var start int64
		start, total = contentRange(resp.Header.Get("Content-Range"))
		if start != have {
			*fresh = true
			return errors.Join(brokenError{fmt.Errorf("download of %s: asked for bytes from %d, got Content-Range %q", Shown(r.URL), have, resp.Header.Get("Content-Range"))}, out.Truncate(0))
		}
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && have > 0:
		// The stored part is as long as the file or longer: right as it is, or worthless.
		return verify(out, r)
	default:
		return &StatusError{URL: r.URL, Code: resp.StatusCode, Status: resp.Status, Header: resp.Header}
	}
	if r.MaxBytes > 0 && total > r.MaxBytes {
		return fmt.Errorf("download of %s: the file has %d bytes, more than the limit of %d", Shown(r.URL), total, r.MaxBytes)
	}
	if have == 0 {
		*fresh = true
		if err := out.Truncate(0); err != nil {
			return fmt.Errorf("download of %s: %w", Shown(r.URL), err)
		}
		*validator = resp.Header.Get("ETag")
		if *validator == "" || strings.HasPrefix(*validator, "W/") {
			*validator = resp.Header.Get("Last-Modified")
		}
	}
	if _, err := out.Seek(have, io.SeekStart); err != nil {
		return fmt.Errorf("download of %s: %w", Shown(r.URL), err)
	}

	stalled := fmt.Errorf("no data for %v", f.stall)
	watchdog := time.AfterFunc(f.stall, func() { cancel(stalled) })
	defer watchdog.Stop()
	buf := make([]byte, 128<<10)
	var shown time.Time
	for {
		n, rerr := resp.Body.Read(buf)
		watchdog.Reset(f.stall)
		if n > 0 {
			if r.MaxBytes > 0 && have+int64(n) > r.MaxBytes {
				return fmt.Errorf("download of %s: more than the limit of %d bytes", Shown(r.URL), r.MaxBytes)
			}
			if _, err := out.Write(buf[:n]); err != nil {
				return fmt.Errorf("download of %s: %w; what has come is kept and will be resumed", Shown(r.URL), err)
			}
			have += int64(n)
			if now := time.Now(); r.Progress != nil && now.Sub(shown) > 200*time.Millisecond {
				shown = now
				r.Progress(have, total)
			}
		}
		if rerr == io.EOF {
			break
		}
		if rerr != nil {
			if cause := context.Cause(ctx); cause != nil {
				rerr = cause
			}
			return brokenError{fmt.Errorf("download of %s broke off after %d of %d bytes: %w", Shown(r.URL), have, total, rerr)}
		}
	}
	if total >= 0 && have != total {
		return brokenError{fmt.Errorf("download of %s ended after %d of %d bytes", Shown(r.URL), have, total)}
	}
	if err := verify(out, r); err != nil {
		return err
	}
	if r.Progress != nil {
		r.Progress(have, have)
	}
	return nil
}

// verify compares the whole of file with the wanted hash and makes it durable.
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
	if err := file.Sync(); err != nil {
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
