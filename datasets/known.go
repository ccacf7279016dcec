package datasets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/envpath"
	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
)

// archive is a data set that exists as a file elsewhere.
type archive struct {
	name    string
	zip     string // usual name of the zip file
	folder  string // usual name of the unpacked tree
	url     string
	sha256  string // of the file at url
	classes int
	// also lists other files and folders that hold the data, in a form that open reads.
	also []string
	open func(path string, o Options) (*Dataset, error)
}

// hymenoptera is downloaded with the SHA-256 that PyTorch's own tutorial build checks (pytorch/tutorials,
// .jenkins/download_data.py).
var hymenoptera = Spec{
	Info: Info{
		Name:        "hymenoptera",
		Description: "photographs of ants and bees, the data of PyTorch's transfer learning tutorial",
		Classes:     []string{"ants", "bees"},
		Train:       244, Val: 153, ImageSize: "about 500 x 375",
		Licence: "a small part of ImageNet: for non-commercial research and education",
		Source:  "https://pytorch.org/tutorials/beginner/transfer_learning_tutorial.html",
		Bytes:   47_286_322,
	},
	Load: archive{
		name: "hymenoptera", zip: "hymenoptera_data.zip", folder: "hymenoptera_data",
		url:     "https://download.pytorch.org/tutorial/hymenoptera_data.zip",
		sha256:  "fbc41b31d544714d18dd1230b1e2b455e1557766e13e67f9f5a7a23af7c02209",
		classes: 2,
	}.load,
}

var cifar10 = Spec{
	Info: Info{
		Name:        "cifar10",
		Description: "small pictures of ten kinds of things; the JPEG edition when its zip file is there, else the original of 50,000 + 10,000",
		Classes:     cifarClasses,
		Train:       50_000, Test: 10_000, ImageSize: "32 x 32",
		Licence: "none stated by its authors; used for research",
		Source:  "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009; https://www.cs.toronto.edu/~kriz/cifar.html",
		Bytes:   170_052_171,
	},
	Load: archive{
		name: "cifar10", zip: "cifar10_jpg.zip", folder: "cifar10_jpg",
		url:     "https://www.cs.toronto.edu/~kriz/" + cifarArchive,
		sha256:  "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
		classes: 10,
		also:    []string{cifarFolder, cifarArchive}, open: openCIFAR,
	}.load,
}

func (a archive) load(o Options) (*Dataset, error) {
	where, err := a.find(o)
	if err != nil {
		return nil, err
	}
	var d *Dataset
	if slices.Contains(a.also, filepath.Base(where)) || a.open != nil && strings.HasSuffix(where, ".tar.gz") {
		if d, err = a.open(where, o); err != nil {
			return nil, fmt.Errorf("datasets: %s: %w", a.name, err)
		}
	} else if d, err = imageFolder(where, o); err != nil {
		return nil, err // the error names the file or folder
	}
	d.Name = a.name
	if len(d.Classes) != a.classes {
		return nil, fmt.Errorf("datasets: %s: %s holds %d classes (%s); expected %d: is it other data?",
			a.name, where, len(d.Classes), strings.Join(d.Classes, ", "), a.classes)
	}
	return d, nil
}

// find returns the path of the zip file or folder, and downloads it if it is in none of the folders.
func (a archive) find(o Options) (string, error) {
	if o.Dir != "" {
		dir, err := fetch.ExpandHome(o.Dir)
		if err != nil {
			return "", fmt.Errorf("datasets: %s: %w", a.name, err)
		}
		if _, err := os.Stat(dir); err != nil {
			return "", fmt.Errorf("datasets: %s: Options.Dir: %w", a.name, err)
		}
		if p := a.in(dir); p != "" {
			return p, nil
		}
		return dir, nil
	}
	cache, err := fetch.CacheDir("datasets")
	if err != nil {
		return "", fmt.Errorf("datasets: %s: %w", a.name, err)
	}
	if o.URL != "" {
		return a.download(o, o.URL, o.SHA256, filepath.Join(cache, nameForURL(o.URL, o.SHA256)))
	}
	data, err := envpath.Get("TLKIT_DATA")
	if err != nil {
		return "", fmt.Errorf("datasets: %s: %w", a.name, err)
	}
	for _, dir := range []string{data, cache} {
		if dir == "" {
			continue
		}
		if p := a.in(dir); p != "" {
			return p, nil
		}
	}
	looked := "the folder TLKIT_DATA (not set)"
	if data != "" {
		looked = "TLKIT_DATA=" + data
	}
	missing := fmt.Sprintf("neither %s nor %s%c is in %s or in the cache %s", a.zip, a.folder, filepath.Separator, looked, cache)
	if fetch.Offline() {
		return "", fmt.Errorf("datasets: %s: %s, and %w; get %s and put it into one of them, or set Options.Dir",
			a.name, missing, fetch.ErrOffline, a.url)
	}
	return a.download(o, a.url, a.sha256, filepath.Join(cache, path.Base(a.url)))
}

// in returns the file or the unpacked tree in dir, or "".
func (a archive) in(dir string) string {
	for _, name := range append([]string{a.zip, a.folder}, a.also...) {
		p := filepath.Join(dir, name)
		if info, err := os.Stat(p); err == nil && info.IsDir() == (filepath.Ext(name) == "") {
			return p
		}
	}
	return ""
}

func (a archive) download(o Options, url, sum, dest string) (string, error) {
	w := o.Progress
	if w == nil {
		w = os.Stderr
	}
	// Ctrl-C ends the download, not the program in the middle of a file; the next call resumes the download.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := fetch.File(ctx, fetch.Request{URL: url, SHA256: sum, Dest: dest, Progress: fetch.Printer(w, filepath.Base(dest))})
	if errors.Is(err, fetch.ErrOffline) || errors.Is(err, fetch.ErrNoNetwork) {
		return "", fmt.Errorf("datasets: %s: %w, or set Options.Dir to it", a.name, err)
	}
	if err != nil {
		return "", fmt.Errorf("datasets: %s: %w", a.name, err)
	}
	return dest, nil
}

// nameForURL returns a name in the cache that differs for different addresses and hashes.
func nameForURL(url, sum string) string {
	h := sha256.Sum256([]byte(url + " " + strings.ToLower(sum)))
	base := path.Base(strings.SplitN(url, "?", 2)[0])
	return hex.EncodeToString(h[:6]) + "-" + strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, base)
}
