package project

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"github.com/tlkit-go/tlkit-notebooks/internal/infolder"
)

var (
	// nameRule is what Go, Kubernetes and systemd all accept.
	nameRule = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,39}[a-z0-9])?$`)
	// versionRule is that of an image's tag.
	versionRule = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
	// taken are the folders of every project, and names that mean something else to the go command.
	taken = []string{"classifier", "cmd", "deploy", "page", "go", "testdata", "vendor"}
)

// checkNames returns an error for a name, a version or a module path that a tool would refuse later.
func checkNames(name string, opts Options) error {
	switch {
	case !nameRule.MatchString(name):
		return fmt.Errorf("project: the name %q; a name is made of lower-case letters, digits and dashes, such as \"antbee\", and ends with a letter or digit", name)
	case slices.Contains(taken, name):
		return fmt.Errorf("project: the name %q is that of a folder in every project, or Go's own; choose another, such as \"%s-app\"", name, name)
	case opts.Version != "" && !versionRule.MatchString(opts.Version):
		return fmt.Errorf("project: Options.Version is %q; it is the tag of an image, too: letters, digits, dots, dashes and underscores, such as \"1.0.0\"", opts.Version)
	}
	path := cmp.Or(opts.Module, name)
	err := module.CheckImportPath(path)
	if slices.Contains(taken, path) {
		err = errors.New("the name has another meaning there")
	}
	if err != nil {
		return fmt.Errorf("project: the module path %q is none that Go takes (%w); set Options.Module, such as to \"example.com/%s\"", path, err, name)
	}
	return nil
}

// folder returns the path of the project's folder, without links, and an error if it may not be written.
func folder(name string, opts Options) (string, error) {
	dir, err := filepath.Abs(filepath.Clean(cmp.Or(opts.Dir, name)))
	if err != nil {
		return "", fmt.Errorf("project: %w", err)
	}
	if info, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return dir, nil
	} else if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if dir, err = filepath.EvalSymlinks(dir); err != nil {
			return "", fmt.Errorf("project: the project's folder is a link to nothing: %w; remove it, or choose another Options.Dir", err)
		}
	}
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return "", fmt.Errorf("project: %w", err)
	case !info.IsDir():
		return "", fmt.Errorf("project: %s is a file and not a folder; choose another name or Options.Dir", dir)
	}
	found, err := os.ReadDir(dir)
	switch {
	case err != nil:
		return "", fmt.Errorf("project: %w", err)
	case len(found) > 0 && !opts.Overwrite:
		return "", fmt.Errorf("project: the folder %s is not empty; choose another name or Options.Dir, or set Options.Overwrite", dir)
	}
	return dir, otherProject(dir, name)
}

// otherProject returns an error if a folder has a project of another name, whose files would stay and not build.
func otherProject(dir, name string) error {
	units, err := infolder.Glob(dir, "deploy/*.service")
	if err != nil {
		return fmt.Errorf("project: %w", err)
	}
	for _, unit := range units {
		other := strings.TrimSuffix(filepath.Base(unit), ".service")
		if _, err := os.Stat(filepath.Join(dir, "cmd", other, "main.go")); err == nil && other != name {
			return fmt.Errorf("project: the folder %s has the project %q, which Options.Overwrite replaces only by one of its name; choose another Options.Dir, or remove cmd/%s and deploy/%s.service there",
				dir, other, other, other)
		}
	}
	return nil
}
