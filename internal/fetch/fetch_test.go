package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// quick is a context in which downloads are as usual, without the pauses.
func quick(ctx context.Context) context.Context {
	return WithPatience(ctx, Patience{
		Attempts: 4, MinWait: time.Millisecond, MaxWait: 5 * time.Millisecond, Stall: 300 * time.Millisecond})
}

func body() []byte {
	b := make([]byte, 300_000)
	for i := range b {
		b[i] = byte(i * i >> 3)
	}
	return b
}

func digest(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// send serves data as a server with byte ranges does.
func send(w http.ResponseWriter, r *http.Request, data []byte) {
	w.Header().Set("ETag", `"`+digest(data)[:8]+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// half announces all of data and sends the first half of it.
func half(w http.ResponseWriter, data []byte) {
	w.Header().Set("ETag", `"`+digest(data)[:8]+`"`)
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.Write(data[:len(data)/2])
	panic(http.ErrAbortHandler)
}

func TestFile(t *testing.T) {
	t.Setenv("TLKIT_OFFLINE", "")
	data := body()
	sum := digest(data)
	type handler func(n int, w http.ResponseWriter, r *http.Request) // n counts the requests from 1
	tests := []struct {
		name     string
		hash     string
		max      int64
		part     []byte // what an earlier call has left
		handle   handler
		err      string // part of the error; empty: success
		requests int
	}{
		{name: "good", hash: sum, requests: 1},
		{name: "hash prefix", hash: strings.ToUpper(sum[:8]), requests: 1},
		{name: "no hash", requests: 1},
		{name: "truncated once", hash: sum, requests: 2, handle: func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				half(w, data)
			}
			if got, want := r.Header.Get("Range"), fmt.Sprintf("bytes=%d-", len(data)/2); got != want {
				t.Errorf("Range is %q, want %q", got, want)
			}
			send(w, r, data)
		}},
		{name: "truncated once without hash", requests: 2, handle: func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				half(w, data)
			}
			if r.Header.Get("If-Range") == "" {
				t.Error("resumed without If-Range, though no hash guards the whole")
			}
			send(w, r, data)
		}},
		{name: "always truncated", hash: sum, err: "broke off after", requests: 4, handle: func(n int, w http.ResponseWriter, r *http.Request) {
			half(w, data)
		}},
		{name: "wrong hash", hash: strings.Repeat("0", 64), err: "SHA-256 is " + sum, requests: 1},
		{name: "malformed hash", hash: "xyz", err: "hexadecimal", requests: 0},
		{name: "404", hash: sum, err: `"404 Not Found"`, requests: 1, handle: func(n int, w http.ResponseWriter, r *http.Request) {
			http.NotFound(w, r)
		}},
		{name: "429 then good", hash: sum, requests: 2, handle: func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				w.Header().Set("Retry-After", "3600")
				http.Error(w, "slow down", http.StatusTooManyRequests)
				return
			}
			send(w, r, data)
		}},
		{name: "500 for ever", hash: sum, err: "500 Internal Server Error", requests: 4, handle: func(n int, w http.ResponseWriter, r *http.Request) {
			http.Error(w, "oh", http.StatusInternalServerError)
		}},
		{name: "stalls once", hash: sum, requests: 2, handle: func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				w.Header().Set("Content-Length", strconv.Itoa(len(data)))
				w.Write(data[:1000])
				w.(http.Flusher).Flush()
				<-r.Context().Done()
				return
			}
			send(w, r, data)
		}},
		{name: "redirect", hash: sum, requests: 2, handle: func(n int, w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/file" {
				http.Redirect(w, r, "/elsewhere", http.StatusFound)
				return
			}
			send(w, r, data)
		}},
		{name: "redirect without end", hash: sum, err: "10 redirects", requests: -1, handle: func(n int, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/file", http.StatusFound)
		}},
		{name: "resume from an earlier call", hash: sum, part: data[:100_000], requests: 1, handle: func(n int, w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("Range"); got != "bytes=100000-" {
				t.Errorf("Range is %q", got)
			}
			send(w, r, data)
		}},
		{name: "stale beginning", hash: sum, part: []byte("something else"), requests: 2},
		{name: "server without ranges", hash: sum, part: data[:100_000], requests: 1, handle: func(n int, w http.ResponseWriter, r *http.Request) {
			w.Write(data)
		}},
		{name: "all was there", hash: sum, part: data, requests: 1},
		{name: "more than all was there", hash: sum, part: append(body(), 1, 2, 3), requests: 2},
		{name: "wrong range", hash: sum, part: data[:100_000], requests: 2, handle: func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes 5-%d/%d", len(data)-1, len(data)))
				w.WriteHeader(http.StatusPartialContent)
				w.Write(data[5:])
				return
			}
			send(w, r, data)
		}},
		{name: "too large, announced", hash: sum, max: 1000, err: "limit of 1000", requests: 1},
		{name: "too large, chunked", hash: sum, max: 1000, err: "limit of 1000", requests: 1, handle: func(n int, w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			w.Write(data)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var count atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n := count.Add(1)
				if tt.handle == nil {
					send(w, r, data)
					return
				}
				tt.handle(int(n), w, r)
			}))
			defer server.Close()
			dest := filepath.Join(t.TempDir(), "deep", "file.bin")
			if tt.part != nil {
				if err := os.MkdirAll(filepath.Dir(dest), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(dest+".part", tt.part, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			var done, total int64
			err := File(quick(context.Background()), Request{URL: server.URL + "/file", SHA256: tt.hash, Dest: dest, MaxBytes: tt.max,
				Progress: func(d, n int64) { done, total = d, n }})
			if n := int(count.Load()); tt.requests >= 0 && n != tt.requests {
				t.Errorf("%d requests, want %d", n, tt.requests)
			}
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error is %v, want one with %q", err, tt.err)
				}
				if _, err := os.Stat(dest); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("a failed download left %s", dest)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(dest)
			if err != nil || !bytes.Equal(got, data) {
				t.Fatalf("wrong content of %d bytes, error %v", len(got), err)
			}
			if _, err := os.Stat(dest + ".part"); !errors.Is(err, os.ErrNotExist) {
				t.Error("the .part file is still there")
			}
			if tt.name == "good" && (done != int64(len(data)) || total != done) {
				t.Errorf("last progress was %d of %d", done, total)
			}
		})
	}
}

func TestFileTypedErrors(t *testing.T) {
	t.Setenv("TLKIT_OFFLINE", "")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/none" {
			http.NotFound(w, r)
			return
		}
		w.Write([]byte("hello"))
	}))
	defer server.Close()
	dest := filepath.Join(t.TempDir(), "x")
	var status *StatusError
	if err := File(context.Background(), Request{URL: server.URL + "/none", Dest: dest}); !errors.As(err, &status) || status.Code != 404 {
		t.Errorf("got %v, want a StatusError with 404", err)
	}
	var hash *HashError
	if err := File(context.Background(), Request{URL: server.URL, Dest: dest, SHA256: "00000000"}); !errors.As(err, &hash) || hash.Got != digest([]byte("hello")) {
		t.Errorf("got %v, want a HashError", err)
	}
	if err := File(context.Background(), Request{URL: "ftp://host/x", Dest: dest}); err == nil || !strings.Contains(err.Error(), "http") {
		t.Errorf("ftp address: got %v", err)
	}
}

func TestPresentFile(t *testing.T) {
	var count atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count.Add(1)
		w.Write([]byte("new"))
	}))
	defer server.Close()
	dest := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(dest, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TLKIT_OFFLINE", "1")
	if err := File(context.Background(), Request{URL: server.URL, Dest: dest, SHA256: digest([]byte("old"))}); err != nil || count.Load() != 0 {
		t.Errorf("right file in place: error %v after %d requests", err, count.Load())
	}
	err := File(context.Background(), Request{URL: server.URL, Dest: dest, SHA256: digest([]byte("new"))})
	if !errors.Is(err, ErrOffline) || !strings.Contains(err.Error(), dest) || count.Load() != 0 {
		t.Errorf("offline: got %v after %d requests", err, count.Load())
	}
	t.Setenv("TLKIT_OFFLINE", "0")
	if err := File(context.Background(), Request{URL: server.URL, Dest: dest, SHA256: digest([]byte("new"))}); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(dest); string(got) != "new" {
		t.Errorf("file with the wrong hash was not replaced: %q", got)
	}
}

func TestConcurrentCallsDownloadOnce(t *testing.T) {
	t.Setenv("TLKIT_OFFLINE", "")
	data := body()
	var count atomic.Int64
	var callers sync.WaitGroup // all are at work before the first one gets its file
	callers.Add(4)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count.Add(1)
		callers.Wait()
		send(w, r, data)
	}))
	defer server.Close()
	dest := filepath.Join(t.TempDir(), "x")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			callers.Done()
			if err := File(quick(context.Background()), Request{URL: server.URL, Dest: dest, SHA256: digest(data)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if count.Load() != 1 {
		t.Errorf("%d requests, want 1", count.Load())
	}
}

func TestCancelKeepsThePart(t *testing.T) {
	t.Setenv("TLKIT_OFFLINE", "")
	data := body()
	ctx, cancel := context.WithCancel(context.Background())
	dest := filepath.Join(t.TempDir(), "x")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" {
			send(w, r, data)
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		w.Write(data[:50_000])
		w.(http.Flusher).Flush()
		for r.Context().Err() == nil { // until the client has written what it got
			if info, err := os.Stat(dest + ".part"); err == nil && info.Size() == 50_000 {
				break
			}
			runtime.Gosched()
		}
		cancel()
		<-r.Context().Done()
	}))
	defer server.Close()
	req := Request{URL: server.URL, Dest: dest, SHA256: digest(data)}
	if err := File(quick(ctx), req); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want context.Canceled", err)
	}
	if info, err := os.Stat(dest + ".part"); err != nil || info.Size() != 50_000 {
		t.Fatalf("the part was not kept: %v %v", info, err)
	}
	if err := File(quick(context.Background()), req); err != nil {
		t.Fatal(err)
	}
}

func TestDiskTrouble(t *testing.T) {
	t.Setenv("TLKIT_OFFLINE", "")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("x")) }))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := File(context.Background(), Request{URL: server.URL, Dest: filepath.Join(file, "x")}); err == nil {
		t.Error("a file where the folder should be: no error")
	}
	if err := File(context.Background(), Request{URL: server.URL, Dest: filepath.Dir(file)}); err == nil || !strings.Contains(err.Error(), "regular file") {
		t.Errorf("a folder where the file should be: got %v", err)
	}
}

// TestFullDisk: an error of a full disk says what to do, and names TLKIT_CACHE where the file was for the cache.
func TestFullDisk(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("TLKIT_CACHE", cache)
	tr := transfer{Request: Request{URL: "https://example.org/file"}}
	for _, tt := range []struct {
		path string
		err  error
		want string
	}{
		{filepath.Join(cache, "weights", "f.part"), syscall.ENOSPC, "; make room on its disk, or set TLKIT_CACHE to a folder on another one"},
		{filepath.Join(cache+"2", "f.part"), syscall.EDQUOT, "; make room on its disk"},
		{filepath.Join(cache, "f.part"), syscall.EIO, "; kept"},
	} {
		err := tr.errorf("%w; kept", &fs.PathError{Op: "write", Path: tt.path, Err: tt.err})
		if !errors.Is(err, tt.err) || !strings.HasSuffix(err.Error(), tt.want) {
			t.Errorf("%s, %v: error %v, want one that ends in %q", tt.path, tt.err, err, tt.want)
		}
	}
}

func TestCacheDir(t *testing.T) {
	t.Setenv("TLKIT_CACHE", "~/c")
	t.Setenv("HOME", "/home/somebody")
	if got, err := CacheDir("weights"); err != nil || got != filepath.FromSlash("/home/somebody/c/weights") {
		t.Errorf("got %q, %v", got, err)
	}
	t.Setenv("TLKIT_CACHE", "")
	t.Setenv("XDG_CACHE_HOME", "/var/cache")
	if got, err := CacheDir(); err != nil || filepath.Base(got) != "tlkit" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestPrinter(t *testing.T) {
	var b strings.Builder
	p := Printer(&b, "data.zip")
	p(0, 2_000_000)
	p(1_000_000, 2_000_000)
	p(2_000_000, 2_000_000)
	p(2_000_000, 2_000_000)
	if got, want := b.String(), "data.zip: 0.0 of 2.0 MB\ndata.zip: 2.0 of 2.0 MB\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestNoNetwork: where a name can't be looked up nothing is tried again, and the error says which file to put where.
func TestNoNetwork(t *testing.T) {
	t.Setenv("TLKIT_OFFLINE", "")
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, "")
	}
	dest := filepath.Join(t.TempDir(), "weights-01234567.pth")
	// Five attempts with pauses of an hour: a single retry would not end.
	ctx := WithPatience(t.Context(), Patience{Attempts: 5, MinWait: time.Hour, MaxWait: time.Hour, Stall: time.Minute})
	const address = "https://weights.invalid/weights-01234567.pth" // RFC 6761: never resolves
	err := File(ctx, Request{URL: address, Dest: dest})
	if !errors.Is(err, ErrNoNetwork) || !Unreachable(err) {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{address, dest, "put it at"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(dest)); err != nil || len(left) > 1 { // the lock
		t.Errorf("%v left behind (%v)", left, err)
	}
	if _, err := Head(ctx, Request{URL: address}); !errors.Is(err, ErrNoNetwork) {
		t.Errorf("Head: %v", err)
	}
}

// TestNoNetworkKinds: which failures no retry can mend.
func TestNoNetworkKinds(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{&net.DNSError{Err: "no such host", IsNotFound: true}, true},
		{&net.DNSError{Err: "server misbehaving", IsTemporary: true}, true},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}, true},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}, true},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, false},
		{&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, false},
		{context.DeadlineExceeded, false},
		{nil, false},
	} {
		if got := noNetwork(tt.err); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.err, got, tt.want)
		}
	}
}
