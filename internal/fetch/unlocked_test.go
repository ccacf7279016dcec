package fetch

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// unlocked is a request for a file on a drive without locks.
func unlocked(t *testing.T, url string, data []byte) Request {
	t.Helper()
	r := Request{URL: url, Dest: filepath.Join(t.TempDir(), "x"), SHA256: digest(data)}
	if err := r.complete(); err != nil {
		t.Fatal(err)
	}
	return r
}

// wantOnly checks that the folder of a request holds the file and nothing else.
func wantOnly(t *testing.T, r Request, data []byte) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(r.Dest))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(r.Dest); !slices.Equal(got, data) || len(entries) != 1 {
		t.Errorf("%d bytes, want %d; the folder has %v, want one file", len(got), len(data), entries)
	}
}

// TestConcurrentWithoutLocks: two downloads of one file, which could be of two containers with the same process number,
// write a part each, and both succeed.
func TestConcurrentWithoutLocks(t *testing.T) {
	data := body()
	var parts atomic.Int64
	var r Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Range") != "" {
			t.Error("one goes on with the other's part")
		}
		w.Header().Set("Content-Length", "300000")
		w.Write(data[:150_000])
		w.(http.Flusher).Flush()
		for n := 0; n < 2 && req.Context().Err() == nil; runtime.Gosched() {
			n = len(unfinished(r.Part))
			parts.Store(int64(n))
		}
		w.Write(data[150_000:])
	}))
	defer server.Close()
	r = unlocked(t, server.URL, data)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if err := withoutLock(ctx, r); err != nil {
				t.Error(err)
				cancel() // the other one waits for it
			}
		})
	}
	both.Wait()
	if parts.Load() != 2 {
		t.Errorf("%d parts, want 2", parts.Load())
	}
	wantOnly(t, r, data)
}

// TestResumeWithoutLocks: the next call goes on with what an interrupted one or a killed process has left, and a
// finished download leaves no parts.
func TestResumeWithoutLocks(t *testing.T) {
	data := body()
	ranges := make(chan string, 9)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ranges <- req.Header.Get("Range")
		send(w, req, data)
	}))
	defer server.Close()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { half(w, data) }))
	defer broken.Close()
	hour := time.Now().Add(-time.Hour)
	for _, tt := range []struct {
		name string
		left func(r Request) error // what is there before the call
		want string                // the Range header of the request
	}{
		{"nothing", func(Request) error { return nil }, ""},
		{"an interrupted call", func(r Request) error {
			r.URL = broken.URL
			err := withoutLock(WithPatience(context.Background(), Patience{Attempts: 1, Stall: time.Minute}), r)
			if err == nil {
				return errors.New("no error")
			}
			return nil
		}, "bytes=150000-"},
		{"a killed process", func(r Request) error {
			return errors.Join(os.WriteFile(r.Part+".7", data[:100_000], 0o644), os.Chtimes(r.Part+".7", hour, hour))
		}, "bytes=100000-"},
		{"a process that may be at work", func(r Request) error { return os.WriteFile(r.Part+".7", data[:100_000], 0o644) }, ""},
		{"a worthless beginning", func(r Request) error { return os.WriteFile(r.Part+".left", data[7:100_007], 0o644) }, "bytes=100000-"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := unlocked(t, server.URL, data)
			if err := tt.left(r); err != nil {
				t.Fatal(err)
			}
			if err := withoutLock(quick(context.Background()), r); err != nil {
				t.Fatal(err)
			}
			if got := <-ranges; got != tt.want {
				t.Errorf("asked for range %q, want %q", got, tt.want)
			}
			for len(ranges) > 0 {
				<-ranges
			}
			wantOnly(t, r, data)
		})
	}
	r := unlocked(t, server.URL+"/", data)
	gone := httptest.NewServer(http.NotFoundHandler())
	defer gone.Close()
	r.URL = gone.URL
	if err := withoutLock(quick(context.Background()), r); err == nil {
		t.Error("no error for a file that the server has not")
	}
	if entries, _ := os.ReadDir(filepath.Dir(r.Dest)); len(entries) > 0 {
		t.Errorf("a refused download left %v", entries)
	}
}
