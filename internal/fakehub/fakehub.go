// Package fakehub is a hub of model files on 127.0.0.1 for tests: torchvision's layout (a file per address, the hash in
// its name) and that of the Hugging Face hub (repositories at commits, large files on another host), with the good and
// the bad responses of real servers.
package fakehub

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Commit is the one commit of every repository.
const Commit = "0123456789abcdef0123456789abcdef01234567"

// Fault is what is wrong with the response to a request for the content of a file.
type Fault int

// The faults. Those marked "once" affect only the first request for a file.
const (
	None        Fault = iota
	Truncated         // once: half of the file, then the connection breaks
	CutForGood        // always: half of the file
	WrongHash         // always: another content of the same length
	Slow              // once: the beginning, then silence
	TooMany           // once: 429 with Retry-After
	ServerError       // once: 500
	Down              // always: 503
	Redirected        // always: a redirect before the file
)

// Hub is a running hub.
type Hub struct {
	// URL is the address of the hub, CDN that of the host for large files of repositories.
	URL, CDN string
	// Token, when set, is required by repositories.
	Token string

	mu       sync.Mutex
	files    map[string][]byte // by path
	faults   map[string]Fault  // by base name
	requests []Request
	gets     map[string]int // GETs by path
}

// Request is a request that the hub received.
type Request struct {
	Host, Method, Path, Authorization, Range string
}

// New starts a hub that ends with the test. It leaves the environment as it is; see Isolate.
func New(t testing.TB) *Hub {
	t.Helper()
	h := &Hub{files: map[string][]byte{}, faults: map[string]Fault{}, gets: map[string]int{}}
	main := httptest.NewServer(http.HandlerFunc(h.serve))
	cdn := httptest.NewServer(http.HandlerFunc(h.serve))
	t.Cleanup(main.Close)
	t.Cleanup(cdn.Close)
	h.URL, h.CDN = main.URL, cdn.URL
	return h
}

// Add puts a file at a path, as torchvision's server has it: "/models/resnet18-f37072fd.pth".
func (h *Hub) Add(path string, data []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.files[path] = data
}

// AddRepo puts files into a repository "owner/name", at the branch main.
func (h *Hub) AddRepo(id string, files map[string][]byte) {
	for name, data := range files {
		h.Add("/"+id+"/resolve/main/"+name, data)
		h.Add("/"+id+"/resolve/"+Commit+"/"+name, data)
	}
}

// Break gives the responses for every file of that base name a fault.
func (h *Hub) Break(base string, f Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults[base] = f
}

// Requests returns the requests received so far, in order.
func (h *Hub) Requests() []Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Request(nil), h.requests...)
}

// Gets counts the requests for the content of files of that base name.
func (h *Hub) Gets(base string) int {
	n := 0
	for _, r := range h.Requests() {
		if r.Method == http.MethodGet && strings.HasSuffix(r.Path, "/"+base) {
			n++
		}
	}
	return n
}

// SHA256 is the digest of data in hexadecimal.
func SHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// gitHash is the hash by which Git names a file of that content.
func gitHash(data []byte) string {
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", len(data))
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}

// request is what the hub knows of a request for a file.
type request struct {
	path, base  string // of the file; without the folder
	data        []byte
	found       bool
	fault       Fault
	nth         int // of the GETs for the path, from 1
	token       string
	repo, onCDN bool // the file is in a repository; the request is to the host for large files
}

// receive keeps a request and looks up its file.
func (h *Hub) receive(r *http.Request) request {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests = append(h.requests, Request{Host: r.Host, Method: r.Method, Path: r.URL.Path,
		Authorization: r.Header.Get("Authorization"), Range: r.Header.Get("Range")})
	if r.Method == http.MethodGet {
		h.gets[r.URL.Path]++
	}
	q := request{path: strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/moved"), "/cdn"), nth: h.gets[r.URL.Path], token: h.Token,
		onCDN: strings.HasPrefix(r.URL.Path, "/cdn")}
	q.data, q.found = h.files[q.path]
	q.base = q.path[strings.LastIndexByte(q.path, '/')+1:]
	q.fault = h.faults[q.base]
	q.repo = strings.Contains(q.path, "/resolve/")
	return q
}

func (h *Hub) serve(w http.ResponseWriter, r *http.Request) {
	q := h.receive(r)
	switch {
	case q.repo && !q.onCDN && q.token != "" && r.Header.Get("Authorization") != "Bearer "+q.token:
		w.Header().Set("X-Error-Code", "RepoNotFound")
		http.Error(w, "no such repository", http.StatusUnauthorized)
	case !q.found:
		h.notFound(w, r, q)
	case q.repo && !q.onCDN:
		large := strings.HasSuffix(q.base, ".safetensors")
		w.Header().Set("X-Repo-Commit", Commit)
		w.Header().Set("ETag", `"`+gitHash(q.data)+`"`)
		if large {
			w.Header().Set("X-Linked-Etag", `"`+SHA256(q.data)+`"`)
			w.Header().Set("X-Linked-Size", strconv.Itoa(len(q.data)))
			http.Redirect(w, r, h.CDN+"/cdn"+q.path+"?signature=secret-of-the-cdn", http.StatusFound)
			return
		}
		content(w, r, q)
	default:
		w.Header().Set("ETag", `"`+SHA256(q.data)[:8]+`"`)
		content(w, r, q)
	}
}

// notFound says, for a repository, whether it or only the file is missing.
func (h *Hub) notFound(w http.ResponseWriter, r *http.Request, q request) {
	if q.repo {
		code := "RepoNotFound"
		if h.hasRepo(q.path) {
			code = "EntryNotFound"
		}
		w.Header().Set("X-Error-Code", code)
	}
	http.NotFound(w, r)
}

// content sends the file, with its fault.
func content(w http.ResponseWriter, r *http.Request, q request) {
	data := q.data
	if r.Method == http.MethodGet && sendFault(w, r, q.fault, q.nth, data) {
		return
	}
	if r.Method == http.MethodHead && q.fault == Down {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	if q.fault == WrongHash && r.Method == http.MethodGet {
		data = bytes.Clone(data)
		data[len(data)/2] ^= 1
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// sendFault sends the faulty response that fault prescribes for the nth request, and reports whether there was one.
func sendFault(w http.ResponseWriter, r *http.Request, fault Fault, nth int, data []byte) bool {
	part := func() {
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		w.Write(data[:len(data)/2])
		w.(http.Flusher).Flush()
	}
	switch {
	case fault == Truncated && nth == 1, fault == CutForGood:
		part()
		panic(http.ErrAbortHandler)
	case fault == Slow && nth == 1:
		part()
		<-r.Context().Done()
	case fault == TooMany && nth == 1:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "slow down", http.StatusTooManyRequests)
	case fault == ServerError && nth == 1:
		http.Error(w, "oh", http.StatusInternalServerError)
	case fault == Down:
		http.Error(w, "down", http.StatusServiceUnavailable)
	case fault == Redirected && !strings.HasPrefix(r.URL.Path, "/moved") && !strings.HasPrefix(r.URL.Path, "/cdn"):
		to := url.URL{Path: "/moved" + r.URL.Path}
		http.Redirect(w, r, to.String(), http.StatusTemporaryRedirect)
	default:
		return false
	}
	return true
}

func (h *Hub) hasRepo(path string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	prefix, _, _ := strings.Cut(path, "/resolve/")
	for have := range h.files {
		if strings.HasPrefix(have, prefix+"/resolve/") {
			return true
		}
	}
	return false
}

// Isolate points caches at empty folders and the addresses of torchvision and of the Hugging Face hub at h.
func (h *Hub) Isolate(t *testing.T) {
	t.Helper()
	for _, name := range []string{"TLKIT_OFFLINE", "TLKIT_DATA", "HF_HUB_OFFLINE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH",
		"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"} {
		t.Setenv(name, "")
	}
	t.Setenv("TLKIT_CACHE", t.TempDir())
	t.Setenv("TORCH_HOME", t.TempDir())
	t.Setenv("HF_HOME", t.TempDir())
	t.Setenv("TLKIT_MIRROR", h.URL)
	t.Setenv("HF_ENDPOINT", h.URL)
}
