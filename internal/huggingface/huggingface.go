package huggingface

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/internal/envpath"
	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
)

// Repo is a model repository at a revision.
type Repo struct {
	// ID is "owner/name".
	ID string
	// Revision is a branch, a tag or a commit; "" means "main".
	Revision string
}

var (
	idRule       = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}$`)
	revisionRule = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,254}$`)
	commitRule   = regexp.MustCompile(`^[0-9a-f]{40}$`)
	etagRule     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`) // a name in the folder blobs, so neither . nor ..
)

// Parse reads "owner/name" or "owner/name@revision".
func Parse(s string) (Repo, error) {
	id, revision, _ := strings.Cut(s, "@")
	if !idRule.MatchString(id) || strings.Contains(id, "..") {
		return Repo{}, fmt.Errorf("huggingface: %q is no repository; expected owner/name or owner/name@revision, such as timm/resnet18.a1_in1k", s)
	}
	if strings.Contains(s, "@") && (!revisionRule.MatchString(revision) || strings.Contains(revision, "..")) {
		return Repo{}, fmt.Errorf("huggingface: %q is no revision of %s; expected a branch, a tag or a commit", revision, id)
	}
	return Repo{ID: id, Revision: revision}, nil
}

// String is "owner/name@revision", without "@main".
func (r Repo) String() string {
	if rev := r.revision(); rev != "main" {
		return r.ID + "@" + rev
	}
	return r.ID
}

func (r Repo) revision() string {
	if r.Revision == "" {
		return "main"
	}
	return r.Revision
}

// NotFoundError reports that a repository has no such file, or that there is no such repository or revision.
type NotFoundError struct {
	Repo Repo
	File string
	// Reason is the hub's error code, such as "RepoNotFound" or "EntryNotFound"; "" if it gave none.
	Reason string
}

func (e *NotFoundError) Error() string {
	switch e.Reason {
	case "RepoNotFound":
		return fmt.Sprintf("huggingface: there is no public repository %s; check the spelling, or set HF_TOKEN if it is private", e.Repo.ID)
	case "RevisionNotFound":
		return fmt.Sprintf("huggingface: repository %s has no revision %q", e.Repo.ID, e.Repo.revision())
	}
	return fmt.Sprintf("huggingface: repository %s has no file %s (at %s)", e.Repo.ID, e.File, e.Repo.revision())
}

// Offline reports whether HF_HUB_OFFLINE or TLKIT_OFFLINE forbids the network.
func Offline() bool {
	switch strings.ToUpper(os.Getenv("HF_HUB_OFFLINE")) { // as huggingface_hub reads it
	case "1", "ON", "YES", "TRUE":
		return true
	}
	return fetch.Offline()
}

// Endpoint is HF_ENDPOINT, or https://huggingface.co, without a slash at its end.
func Endpoint() string {
	if e := strings.TrimRight(os.Getenv("HF_ENDPOINT"), "/"); e != "" {
		return e
	}
	return "https://huggingface.co"
}

// home is HF_HOME, else the folder huggingface in XDG_CACHE_HOME or ~/.cache.
func home() (string, error) {
	if dir, err := envpath.Get("HF_HOME"); dir != "" || err != nil {
		return dir, err
	}
	if dir, err := envpath.Get("XDG_CACHE_HOME"); dir != "" || err != nil {
		return filepath.Join(dir, "huggingface"), err
	}
	return envpath.Expand("~/.cache/huggingface")
}

// CacheDir returns the folder that holds the repositories: HF_HUB_CACHE, else the folder hub in HF_HOME, as in Python.
func CacheDir() (string, error) {
	for _, name := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"} {
		if dir, err := envpath.Get(name); dir != "" || err != nil {
			return dir, err
		}
	}
	dir, err := home()
	if err != nil {
		return "", fmt.Errorf("huggingface: no cache folder: %w; set HF_HOME to a folder", err)
	}
	return filepath.Join(dir, "hub"), nil
}

// token is HF_TOKEN, else the token that `hf auth login` has stored; "" if there is neither.
func token() string {
	for _, name := range []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"} {
		if t := strings.TrimSpace(os.Getenv(name)); t != "" {
			return t
		}
	}
	path, err := envpath.Get("HF_TOKEN_PATH")
	if err != nil {
		return ""
	}
	if path == "" {
		dir, err := home()
		if err != nil {
			return ""
		}
		path = filepath.Join(dir, "token")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// Options set the limits and the progress of File's download; the zero value is fine.
type Options struct {
	// MaxBytes refuses a larger file; 0 means no limit.
	MaxBytes int64
	// Progress is called with the name of the file; nil is silent.
	Progress func(name string) func(done, total int64)
}

// Dir returns the folder of the repository in the cache.
func (r Repo) Dir() (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, r.folder()), nil
}

// folder is the name of the repository's folder in a cache.
func (r Repo) folder() string { return "models--" + strings.ReplaceAll(r.ID, "/", "--") }

// sharedDir is the repository's folder in TLKIT_DATA, where a cache for several users may be; "" without that variable.
func (r Repo) sharedDir() string {
	dir, err := envpath.Get("TLKIT_DATA")
	if err != nil || dir == "" {
		return ""
	}
	return filepath.Join(dir, r.folder())
}

// Cached returns the path of a file of the repository in the cache or in TLKIT_DATA, "" if it is in neither.
func (r Repo) Cached(name string) string { return r.cached(name, isSound) }

// cached is Cached with the function that tells whether the content of a file in TLKIT_DATA is sound.
func (r Repo) cached(name string, sound func(path string) bool) string {
	dir, err := r.Dir()
	if err != nil {
		return ""
	}
	if p := r.cachedIn(dir, r.revision(), name); p != "" {
		return p
	}
	return r.shared(r.revision(), name, sound)
}

// shared returns the path of a sound file of a revision in TLKIT_DATA, "" if it is not there.
func (r Repo) shared(revision, name string, sound func(path string) bool) string {
	dir := r.sharedDir()
	if dir == "" {
		return ""
	}
	if p := r.cachedIn(dir, revision, name); p != "" && sound(p) {
		return p
	}
	return ""
}

// isSound reports whether the content of a file of a cache has the digest that is its name. A copy in TLKIT_DATA may be
// incomplete. A file whose name is no digest is not sound.
func isSound(path string) bool {
	blob, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	sum, name := "", filepath.Base(blob)
	switch len(name) {
	case sha256Digits:
		sum, err = fetch.SHA256(blob)
	case sha1Digits:
		sum, err = gitHash(blob)
	default:
		return false
	}
	return err == nil && sum == name
}

// soundOnce returns isSound with a memory: the digest of a large file takes seconds.
func soundOnce() func(path string) bool {
	known := map[string]bool{}
	return func(path string) bool {
		if _, ok := known[path]; !ok {
			known[path] = isSound(path)
		}
		return known[path]
	}
}

// cachedIn returns the path of a file of a revision in a folder of the repository, "" if it is not there.
func (r Repo) cachedIn(dir, revision, name string) string {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return ""
	}
	commit := revision
	if !commitRule.MatchString(commit) {
		b, err := os.ReadFile(filepath.Join(dir, "refs", filepath.FromSlash(commit)))
		if err != nil {
			return ""
		}
		commit = strings.TrimSpace(string(b))
		if !commitRule.MatchString(commit) {
			return ""
		}
	}
	p := filepath.Join(dir, "snapshots", commit, filepath.FromSlash(name))
	if info, err := os.Stat(p); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return p
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

// download requests the file's commit and hash from the hub, and downloads the file unless its content is there
// already. sound tells whether the content of a file in TLKIT_DATA is sound.
func (r Repo) download(ctx context.Context, name string, sound func(path string) bool, o Options) (string, error) {
	u := Endpoint() + "/" + r.ID + "/resolve/" + url.PathEscape(r.revision()) + "/" + (&url.URL{Path: name}).EscapedPath()
	header := http.Header{}
	if t := token(); t != "" {
		header.Set("Authorization", "Bearer "+t)
	}
	head, err := fetch.Head(ctx, fetch.Request{URL: u, Header: header})
	if err != nil {
		return "", r.explain(name, err)
	}
	commit := head.Get("X-Repo-Commit")
	if commit == "" && commitRule.MatchString(r.revision()) {
		commit = r.revision()
	}
	etag := head.Get("X-Linked-Etag")
	if etag == "" {
		etag = head.Get("ETag")
	}
	etag = strings.Trim(strings.TrimPrefix(etag, "W/"), `"`)
	if !commitRule.MatchString(commit) || !etagRule.MatchString(etag) {
		return "", fmt.Errorf("huggingface: %s says of %s neither commit nor content (X-Repo-Commit %.50q, ETag %.80q); is HF_ENDPOINT a hub?",
			fetch.Shown(Endpoint()), name, commit, etag)
	}
	if p := r.shared(commit, name, sound); p != "" {
		return p, nil
	}
	dir, err := r.Dir()
	if err != nil {
		return "", err
	}
	blob := filepath.Join(dir, "blobs", etag)
	snapshot := filepath.Join(dir, "snapshots", commit, filepath.FromSlash(name))
	if err := r.blob(ctx, u, header, head, name, etag, blob, o); err != nil {
		return "", r.explain(name, err)
	}
	if err := link(blob, snapshot); err != nil {
		return "", fmt.Errorf("huggingface: %s of %s: %w", name, r, err)
	}
	if rev := r.revision(); rev != commit {
		if err := writeRef(filepath.Join(dir, "refs", filepath.FromSlash(rev)), commit); err != nil {
			return "", fmt.Errorf("huggingface: %s of %s: %w", name, r, err)
		}
	}
	return snapshot, nil
}

// blob downloads the content with the hash etag to the path blob, unless it is there already. Large files are named by
// their SHA-256, others by their Git hash.
func (r Repo) blob(ctx context.Context, u string, header, head http.Header, name, etag, blob string, o Options) error {
	req := fetch.Request{URL: u, Header: header, Dest: blob, MaxBytes: o.MaxBytes, Part: blob + ".incomplete"}
	// Python's lock, so that neither downloads what the other is downloading.
	repo := filepath.Dir(filepath.Dir(blob))
	req.Lock = filepath.Join(filepath.Dir(repo), ".locks", filepath.Base(repo), etag+".lock")
	if info, err := os.Stat(blob); err == nil && info.Mode().IsRegular() {
		size := head.Get("X-Linked-Size")
		if size == "" || size == strconv.FormatInt(info.Size(), 10) {
			return nil // named by its content, and complete when it got that name
		}
	}
	git := ""
	switch len(etag) {
	case sha256Digits:
		req.SHA256 = etag
	case sha1Digits:
		git = etag
	}
	if o.Progress != nil {
		req.Progress = o.Progress(name)
	}
	if err := fetch.File(ctx, req); err != nil {
		return err
	}
	if git != "" {
		sum, err := gitHash(blob)
		if err != nil {
			return err
		}
		if sum != git {
			os.Remove(blob)
			return &fetch.HashError{URL: u, Got: sum, Want: git}
		}
	}
	return nil
}

const (
	sha256Digits = 64
	sha1Digits   = 40
)

// gitHash is the hash by which Git names a file of that content.
func gitHash(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", info.Size())
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
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

// link makes snapshot a relative symbolic link to blob, or a copy where links can't be made.
func link(blob, snapshot string) error {
	if err := os.MkdirAll(filepath.Dir(snapshot), 0o755); err != nil {
		return err
	}
	target, err := filepath.Rel(filepath.Dir(snapshot), blob)
	if err != nil {
		return err
	}
	if have, err := os.Readlink(snapshot); err == nil && have == target {
		return nil
	}
	// Made in a temporary folder and renamed, so that another process never finds the link missing.
	temp, err := os.MkdirTemp(filepath.Dir(snapshot), ".link-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	made := filepath.Join(temp, "link")
	if err := os.Symlink(target, made); err != nil {
		if err := copyFile(blob, made); err != nil { // Windows without the right to make links
			return err
		}
	}
	return os.Rename(made, snapshot)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

func writeRef(path, commit string) error {
	if have, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(have)) == commit {
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, []byte(commit))
}
