package huggingface

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
)

// Options set the limits and the progress of File's download; the zero value is fine.
type Options struct {
	// MaxBytes refuses a larger file; 0 means no limit.
	MaxBytes int64
	// Progress is called with the name of the file; nil is silent.
	Progress func(name string) func(done, total int64)
}

// File returns the path of a local copy of a file of the repository, downloading it if need be. A request to the hub
// shows whether a branch has moved; if the hub can't be reached, or must not be, File returns the existing copy. A file
// of a commit never changes, so an existing copy needs no request.
//
// Errors: *[NotFoundError], those of fetch.File, or one that names the file and the folder to put it in.
func (r Repo) File(ctx context.Context, name string, o Options) (string, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) || path.Clean(name) != name {
		return "", fmt.Errorf("huggingface: %q is no name of a file in repository %s", name, r)
	}
	sound := soundOnce()
	cached := r.cached(name, sound)
	if cached != "" && (Offline() || commitRule.MatchString(r.revision())) {
		return cached, nil
	}
	if Offline() {
		return "", r.offlineError(name)
	}
	p, err := r.download(ctx, name, sound, o)
	if err != nil && cached != "" && ctx.Err() == nil && fetch.Unreachable(err) {
		return cached, nil // an old copy is better than none
	}
	if errors.Is(err, fetch.ErrNoNetwork) {
		return "", r.byOtherMeans(name, err)
	}
	return p, err
}

func (r Repo) offlineError(name string) error {
	which := "TLKIT_OFFLINE"
	if !fetch.Offline() {
		which = "HF_HUB_OFFLINE"
	}
	return r.byOtherMeans(name, fmt.Errorf("%w (%s)", fetch.ErrOffline, which))
}

// byOtherMeans returns an error that says how to get a file without the network; why is the reason for that.
func (r Repo) byOtherMeans(name string, why error) error {
	dir, err := r.Dir()
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: %s of %s is not in %s; on a machine with a network run `hf download %s %s%s` and copy that folder, or open a file of yours with LoadOptions.Weights",
		why, name, r, dir, r.ID, name, revisionFlag(r))
}

func revisionFlag(r Repo) string {
	if r.revision() == "main" {
		return ""
	}
	return " --revision " + r.Revision
}

// download downloads a file at the commit that the hub names, unless its content is there already. sound tells whether
// the content of a file in TLKIT_DATA is sound.
func (r Repo) download(ctx context.Context, name string, sound func(path string) bool, o Options) (string, error) {
	f, err := r.ask(ctx, name)
	if err != nil {
		return "", err
	}
	if p := r.shared(f.commit, name, sound); p != "" {
		return p, nil
	}
	dir, err := r.Dir()
	if err != nil {
		return "", err
	}
	blob := filepath.Join(dir, "blobs", f.etag)
	snapshot := filepath.Join(dir, "snapshots", f.commit, filepath.FromSlash(name))
	if err := f.downloadTo(ctx, blob, o); err != nil {
		return "", r.explain(name, err)
	}
	if err := link(blob, snapshot); err != nil {
		return "", fmt.Errorf("huggingface: %s of %s: %w", name, r, err)
	}
	if rev := r.revision(); rev != f.commit {
		if err := writeRef(filepath.Join(dir, "refs", filepath.FromSlash(rev)), f.commit); err != nil {
			return "", fmt.Errorf("huggingface: %s of %s: %w", name, r, err)
		}
	}
	return snapshot, nil
}

// remote is a file on the hub.
type remote struct {
	name    string
	request fetch.Request // its address and header
	commit  string
	etag    string // the digest of its content
	size    string // in bytes; "" if the hub does not say
}

// ask requests a file's commit, digest and size from the hub.
func (r Repo) ask(ctx context.Context, name string) (remote, error) {
	f := remote{name: name, request: fetch.Request{Header: http.Header{},
		URL: Endpoint() + "/" + r.ID + "/resolve/" + url.PathEscape(r.revision()) + "/" + (&url.URL{Path: name}).EscapedPath()}}
	if t := token(); t != "" {
		f.request.Header.Set("Authorization", "Bearer "+t)
	}
	head, err := fetch.Head(ctx, f.request)
	if err != nil {
		return f, r.explain(name, err)
	}
	f.size, f.commit = head.Get("X-Linked-Size"), head.Get("X-Repo-Commit")
	if f.commit == "" && commitRule.MatchString(r.revision()) {
		f.commit = r.revision()
	}
	f.etag = cmp.Or(head.Get("X-Linked-Etag"), head.Get("ETag"))
	f.etag = strings.Trim(strings.TrimPrefix(f.etag, "W/"), `"`)
	if !commitRule.MatchString(f.commit) || !etagRule.MatchString(f.etag) {
		return f, fmt.Errorf("huggingface: %s says of %s neither commit nor content (X-Repo-Commit %.50q, ETag %.80q); is HF_ENDPOINT a hub?",
			fetch.Shown(Endpoint()), name, f.commit, f.etag)
	}
	return f, nil
}

// downloadTo downloads the content to the path blob, unless it is there already. Large files are named by their
// SHA-256, others by their Git hash.
func (f remote) downloadTo(ctx context.Context, blob string, o Options) error {
	req := f.request
	req.Dest, req.MaxBytes, req.Part = blob, o.MaxBytes, blob+".incomplete"
	// Python's lock, so that neither downloads what the other is downloading.
	repo := filepath.Dir(filepath.Dir(blob))
	req.Lock = filepath.Join(filepath.Dir(repo), ".locks", filepath.Base(repo), f.etag+".lock")
	if info, err := os.Stat(blob); err == nil && info.Mode().IsRegular() {
		if f.size == "" || f.size == strconv.FormatInt(info.Size(), 10) {
			return nil // named by its content, and complete when it got that name
		}
	}
	if len(f.etag) == sha256Digits {
		req.SHA256 = f.etag
	}
	if o.Progress != nil {
		req.Progress = o.Progress(f.name)
	}
	if err := fetch.File(ctx, req); err != nil {
		return err
	}
	if len(f.etag) != sha1Digits {
		return nil
	}
	sum, err := gitHash(blob)
	if err != nil {
		return err
	}
	if sum != f.etag {
		os.Remove(blob)
		return &fetch.HashError{URL: req.URL, Got: sum, Want: f.etag}
	}
	return nil
}

// explain converts an error of the hub to one that says what the user can do.
func (r Repo) explain(name string, err error) error {
	var status *fetch.StatusError
	if !errors.As(err, &status) {
		return err
	}
	reason := status.Header.Get("X-Error-Code")
	switch {
	case reason == "GatedRepo":
		return fmt.Errorf("huggingface: repository %s is gated: accept its terms at %s/%s and set HF_TOKEN to a token that may read it: %w", r.ID, fetch.Shown(Endpoint()), r.ID, err)
	case reason == "RepoNotFound", status.Code == 401 && token() == "":
		return &NotFoundError{Repo: r, File: name, Reason: "RepoNotFound"} // the hub sends 401 for repositories that are not public
	case status.Code == 401, status.Code == 403:
		return fmt.Errorf("huggingface: repository %s: the hub refuses the token of HF_TOKEN (or of `hf auth login`): %w", r.ID, err)
	case status.Code == 404:
		return &NotFoundError{Repo: r, File: name, Reason: reason}
	}
	return err
}
