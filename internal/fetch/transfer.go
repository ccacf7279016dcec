package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// transfer is the download of one file, in several attempts.
type transfer struct {
	Request
	Patience
	client *retryablehttp.Client
	// validator is the ETag or the date of the file whose beginning this transfer has stored.
	validator string
	// fresh is set if this transfer started the unfinished file.
	fresh bool
}

func newTransfer(ctx context.Context, r Request) *transfer {
	return &transfer{Request: r, Patience: patience(ctx)}
}

// run repeats the request until the file is complete, then renames the file.
func (t *transfer) run(ctx context.Context) error {
	if t.SHA256 == "" {
		// Without a hash nothing shows whether an old beginning belongs to the same file.
		if err := os.Remove(t.Part); err != nil && !errors.Is(err, os.ErrNotExist) {
			return t.errorf("%w", err)
		}
	}
	client, transport := t.Patience.client()
	defer transport.CloseIdleConnections()
	t.client = client
	for attempt := 1; ; attempt++ {
		err := t.attempt(ctx)
		var hash *HashError
		switch {
		case err == nil:
			if err := os.Rename(t.Part, t.Dest); err != nil {
				return t.errorf("%w", err)
			}
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("download of %s stopped: %w", Shown(t.URL), ctx.Err())
		case errors.As(err, &hash):
			if rmErr := os.Remove(t.Part); rmErr != nil {
				return t.errorf("%w", rmErr)
			}
			if t.fresh {
				return err
			}
			continue // the old beginning was wrong: once more from the start
		case !isRetryable(err) || attempt >= t.Attempts:
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("download of %s stopped: %w", Shown(t.URL), ctx.Err())
		case <-time.After(min(t.MaxWait, t.MinWait<<(attempt-1))):
		}
	}
}

// errorf returns an error that names the address of the file.
func (t *transfer) errorf(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return fmt.Errorf("download of %s: %w%s", Shown(t.URL), err, roomFor(err))
}

// roomFor returns "; " and the next step for an error of a full disk, else "".
func roomFor(err error) string {
	var where *fs.PathError
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) || !errors.As(err, &where) {
		return ""
	}
	step := "; make room on its disk"
	if cache, err := CacheDir(); err == nil && strings.HasPrefix(where.Path, cache+string(os.PathSeparator)) {
		step += ", or set TLKIT_CACHE to a folder on another one"
	}
	return step
}

// brokenError marks a failure that another attempt may mend.
type brokenError struct{ error }

func (e brokenError) Unwrap() error { return e.error }

func isRetryable(err error) bool {
	var b brokenError
	return errors.As(err, &b)
}

// attempt requests the file, or the rest of it, and appends the response to the unfinished file. At the end it checks
// the hash.
func (t *transfer) attempt(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	resp, have, err := t.ask(ctx)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK, http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable:
	default:
		return &StatusError{URL: t.URL, Code: resp.StatusCode, Status: resp.Status, Header: resp.Header}
	}
	out, err := os.OpenFile(t.Part, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return t.errorf("%w", err)
	}
	defer func() {
		if cerr := out.Close(); err == nil && cerr != nil {
			err = t.errorf("%w", cerr)
		}
	}()
	if resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && have > 0 {
		// The stored part is as long as the file or longer: complete, or worthless.
		return verify(out, t.Request)
	}
	have, total, err := t.begin(out, resp, have)
	if err != nil {
		return err
	}
	if have, err = t.receive(ctx, cancel, out, resp.Body, have, total); err != nil {
		return err
	}
	if err := verify(out, t.Request); err != nil {
		return err
	}
	if t.Progress != nil {
		t.Progress(have, have)
	}
	return nil
}

// ask sends the request for the bytes after the have bytes that are stored already.
func (t *transfer) ask(ctx context.Context) (resp *http.Response, have int64, err error) {
	if info, err := os.Stat(t.Part); err == nil && (t.SHA256 != "" || t.validator != "") {
		have = info.Size()
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, t.URL, nil)
	if err != nil {
		return nil, 0, t.errorf("%w", err)
	}
	maps.Copy(req.Header, t.Header)
	req.Header.Set("User-Agent", "tlkit")
	req.Header.Set("Accept-Encoding", "identity") // byte ranges and sizes must be those of the file itself
	if have > 0 {
		req.Header.Set("Range", "bytes="+strconv.FormatInt(have, 10)+"-")
		if t.validator != "" {
			req.Header.Set("If-Range", t.validator)
		}
	}
	resp, err = t.client.Do(req)
	if err != nil {
		return nil, 0, t.errorf("%w", withoutURL(err)) // the client has retried already, where that could help
	}
	return resp, have, nil
}

// begin prepares the unfinished file for the response: it seeks to the end, or empties the file if the response is the
// whole file. It returns the number of bytes stored, and the size of the whole file, -1 if the server does not send it.
func (t *transfer) begin(out *os.File, resp *http.Response, stored int64) (have, total int64, err error) {
	total = -1
	switch {
	case resp.StatusCode == http.StatusOK:
		if resp.ContentLength >= 0 {
			total = resp.ContentLength
		}
	case resp.StatusCode == http.StatusPartialContent && stored > 0:
		have = stored
		var start int64
		start, total = contentRange(resp.Header.Get("Content-Range"))
		if start != have {
			t.fresh = true
			asked := t.errorf("asked for bytes from %d, got Content-Range %q", have, resp.Header.Get("Content-Range"))
			return 0, 0, errors.Join(brokenError{asked}, out.Truncate(0))
		}
	default:
		return 0, 0, &StatusError{URL: t.URL, Code: resp.StatusCode, Status: resp.Status, Header: resp.Header}
	}
	if t.MaxBytes > 0 && total > t.MaxBytes {
		return 0, 0, t.errorf("the file has %d bytes, more than the limit of %d", total, t.MaxBytes)
	}
	if have == 0 {
		t.fresh = true
		if err := out.Truncate(0); err != nil {
			return 0, 0, t.errorf("%w", err)
		}
		t.validator = resp.Header.Get("ETag")
		if t.validator == "" || strings.HasPrefix(t.validator, "W/") {
			t.validator = resp.Header.Get("Last-Modified")
		}
	}
	if _, err := out.Seek(have, io.SeekStart); err != nil {
		return 0, 0, t.errorf("%w", err)
	}
	return have, total, nil
}

// receive writes the body to the end of the unfinished file, and gives up after a silence of Stall. It returns the
// number of bytes stored.
func (t *transfer) receive(ctx context.Context, cancel context.CancelCauseFunc, out *os.File, body io.Reader,
	have, total int64) (int64, error) {
	stalled := fmt.Errorf("no data for %v", t.Stall)
	watchdog := time.AfterFunc(t.Stall, func() { cancel(stalled) })
	defer watchdog.Stop()
	buf := make([]byte, 128<<10)
	var shown time.Time
	for {
		n, rerr := body.Read(buf)
		watchdog.Reset(t.Stall)
		if n > 0 {
			if t.MaxBytes > 0 && have+int64(n) > t.MaxBytes {
				return have, t.errorf("more than the limit of %d bytes", t.MaxBytes)
			}
			if _, err := out.Write(buf[:n]); err != nil {
				return have, t.errorf("%w; what has come is kept and will be resumed", err)
			}
			have += int64(n)
			if now := time.Now(); t.Progress != nil && now.Sub(shown) > 200*time.Millisecond {
				shown = now
				t.Progress(have, total)
			}
		}
		if rerr == io.EOF {
			break
		}
		if rerr != nil {
			if cause := context.Cause(ctx); cause != nil {
				rerr = cause
			}
			return have, brokenError{fmt.Errorf("download of %s broke off after %d of %d bytes: %w", Shown(t.URL), have, total, rerr)}
		}
	}
	if total >= 0 && have != total {
		return have, brokenError{fmt.Errorf("download of %s ended after %d of %d bytes", Shown(t.URL), have, total)}
	}
	return have, nil
}
