package weights

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/envpath"
	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
)

// pytorchHost serves the weights of torchvision; TLKIT_MIRROR stands in for it.
const pytorchHost = "https://download.pytorch.org"

// FetchOptions are the options of Fetch; the zero value is ready to use.
type FetchOptions struct {
	// SHA256 of the file, 8 to 64 hexadecimal digits from its beginning. Empty: the hash in the file's
	// name, if it has one.
	SHA256 string
	// Progress is called a few times per second and at the end, with total -1 if the server does not send it. May be
	// nil.
	Progress func(done, total int64)
}

// Fetch returns the path of a local copy of a file of weights, downloading it if need be.
//
// A copy with the right hash is looked for in the cache first (folder "weights" of TLKIT_CACHE, or of tlkit's folder in
// the user's cache folder), then where PyTorch keeps its downloads (TORCH_HOME, usually ~/.cache/torch, folder
// hub/checkpoints). A copy found there needs no network. Otherwise the file is downloaded into the cache: resumed,
// verified by the hash, renamed when complete, by one process at a time.
//
// Without any hash the file in the cache is trusted as it is.
//
// TLKIT_MIRROR is a base URL that replaces https://download.pytorch.org. TLKIT_OFFLINE forbids the network: the error
// then names the missing file and the folder to put it in. HTTP_PROXY and HTTPS_PROXY work as usual.
func Fetch(ctx context.Context, rawURL string, opts FetchOptions) (string, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("weights: %q is no http or https address", rawURL)
	}
	base := path.Base(path.Clean("/" + u.Path))
	if base == "/" || base == ".." || strings.ContainsAny(base, `\:`) {
		return "", fmt.Errorf("weights: the address %q names no file", rawURL)
	}
	hash := strings.ToLower(opts.SHA256)
	if hash == "" {
		hash = HashPrefixFromName(base)
	}
	dest, err := fetch.CacheDir("weights", cacheName(u, base, hash))
	if err != nil {
		return "", fmt.Errorf("weights: %w", err)
	}
	if hash != "" && VerifyHash(dest, hash) != nil {
		if p := torchCheckpoint(base); p != "" && VerifyHash(p, hash) == nil {
			return p, nil
		}
	}
	err = fetch.File(ctx, fetch.Request{URL: mirrored(rawURL), SHA256: hash, Dest: dest, Progress: opts.Progress})
	if err != nil {
		return "", fmt.Errorf("weights: %w", err)
	}
	return dest, nil
}

// cacheName returns the file's own name if a hash distinguishes files of the same name. Else the result contains the
// address, since many places have a model.safetensors.
func cacheName(u *url.URL, base, hash string) string {
	if hash != "" && HashPrefixFromName(base) == hash {
		return base
	}
	host := strings.ReplaceAll(u.Host, ":", "_") // no colons in names on Windows
	dir := strings.ReplaceAll(path.Dir(path.Clean("/"+u.Path)), ":", "_")
	return filepath.Join(host, filepath.FromSlash(dir), base)
}

// mirrored replaces PyTorch's server by TLKIT_MIRROR.
func mirrored(rawURL string) string {
	mirror := strings.TrimRight(os.Getenv("TLKIT_MIRROR"), "/")
	if rest, ok := strings.CutPrefix(rawURL, pytorchHost+"/"); ok && mirror != "" {
		return mirror + "/" + rest
	}
	return rawURL
}

// torchCheckpoint returns the path at which PyTorch keeps a download of that name (torch.hub.get_dir), "" if
// there is no such file.
func torchCheckpoint(base string) string {
	dir, err := envpath.Get("TORCH_HOME")
	if dir == "" && err == nil {
		dir, err = envpath.Get("XDG_CACHE_HOME")
		if dir == "" && err == nil {
			dir, err = envpath.Expand("~/.cache")
		}
		dir = filepath.Join(dir, "torch")
	}
	if err != nil {
		return ""
	}
	p := filepath.Join(dir, "hub", "checkpoints", base)
	if info, err := os.Stat(p); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return p
}
