package huggingface

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

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
