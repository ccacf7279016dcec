package hub

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/kernel"
)

// TestCheckOwned: what others could change is refused by name; below a folder with a sticky bit, as /tmp,
// it can be had.
func TestCheckOwned(t *testing.T) {
	root := t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	parent, dir, link := filepath.Join(root, "parent"), filepath.Join(root, "parent", "dir"), filepath.Join(root, "link")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(parent, link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		parent, dir os.FileMode
		named       string // the place that is refused
	}{
		{0o755, 0o755, ""},
		{0o755, 0o711, ""},
		{0o777 | os.ModeSticky, 0o755, ""},
		{0o777, 0o755, parent},
		{0o775, 0o755, parent},
		{0o755, 0o775, dir},
		{0o755, 0o702, dir},
		{0o755, 0o777 | os.ModeSticky, dir},
	} {
		for path, mode := range map[string]os.FileMode{parent: c.parent, dir: c.dir} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
		for _, way := range []string{dir, filepath.Join(link, "dir")} {
			err := checkOwned("the hub's folder", way)
			if (err == nil) != (c.named == "") {
				t.Errorf("%s with %v, %v: %v", way, c.parent, c.dir, err)
			} else if err != nil && !(strings.Contains(err.Error(), "hub's folder") && strings.Contains(err.Error(), "chmod go-w ")) {
				t.Errorf("%v lacks the next step", err)
			} else if err != nil && way == dir && !strings.Contains(err.Error(), c.named+" ") {
				t.Errorf("%v; want it to name %s", err, c.named)
			}
		}
		if err := checkOwned("the hub's folder", filepath.Join(dir, "new", "er")); (err == nil) != (c.dir.Perm()&0o022 == 0 || c.dir&os.ModeSticky != 0) && c.parent == 0o755 {
			t.Errorf("a folder to be made with %v, %v: %v", c.parent, c.dir, err)
		}
	}
	if os.Geteuid() != 0 {
		return // only root can give folders away
	}
	for path, mode := range map[string]os.FileMode{parent: 0o755, dir: 0o755} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, theirs := range []string{link, parent, dir} {
		if err := os.Lchown(theirs, 12345, -1); err != nil {
			t.Fatal(err)
		}
		if err := checkOwned("the hub's folder", filepath.Join(link, "dir")); err == nil || !strings.Contains(err.Error(), "belongs to user 12345") {
			t.Errorf("%s of another user: %v", theirs, err)
		}
		if err := os.Lchown(theirs, 0, -1); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCheckPlaces: each place whose programs run for everyone is looked at.
func TestCheckPlaces(t *testing.T) {
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, name) }
	names := []string{"prefix", "go", "modules", "cache", "live", "venv", "tlkernel", "hub"}
	for _, name := range names {
		if err := os.Mkdir(at(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	check := func() error {
		m := &kernel.Manifest{GoRoot: at("go"), GoModCache: at("modules"), GoCache: at("cache"), LiveCache: at("live"), Venv: at("venv")}
		return Options{Dir: at("hub")}.checkPlaces(kernel.Prefix(at("prefix")), m, at("tlkernel"))
	}
	if err := check(); err != nil {
		t.Error(err)
	}
	for _, name := range names {
		if err := os.Chmod(at(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := check(); err == nil || !strings.Contains(err.Error(), at(name)+" (mode 0777)") {
			t.Errorf("%s: %v", name, err)
		}
		if err := os.Chmod(at(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	shared := filepath.Join(at("hub"), dataFolder)
	if err := errors.Join(os.Mkdir(shared, 0o755), check()); err != nil {
		t.Error(err)
	}
	if err := os.Chmod(shared, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := check(); err == nil || !strings.Contains(err.Error(), shared+" (mode 0777)") {
		t.Errorf("the shared data: %v", err)
	}
	// The manifest of an older version does not name the folder of the workers.
	live := filepath.Join(at("prefix"), "live")
	if err := errors.Join(os.Mkdir(live, 0o755), os.Chmod(live, 0o777)); err != nil {
		t.Fatal(err)
	}
	err := Options{}.checkPlaces(kernel.Prefix(at("prefix")), &kernel.Manifest{}, "")
	if err == nil || !strings.Contains(err.Error(), live+" (mode 0777)") {
		t.Errorf("the usual folder of workers: %v", err)
	}
}

// TestCommandEnv: settings for the user's own Python do not reach the programs that prepare the hub.
func TestCommandEnv(t *testing.T) {
	names := []string{"PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV"}
	for _, name := range names {
		t.Setenv(name, "theirs")
	}
	script := `test -z "$` + strings.Join(names, "$") + `" && test -n "$PATH"`
	if err := command(t.Context(), t.TempDir(), "the environment", "sh", "-c", script); err != nil {
		t.Error(err)
	}
}
