package kernel

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fill makes files, with their names as content, and returns the folder.
func fill(t *testing.T, dir string, names ...string) Prefix {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Prefix(dir)
}

// TestForeignFolders: install and uninstall keep out of folders of other programs, whatever the names in them, and all
// files stay.
func TestForeignFolders(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel() // what is not refused ends with the first program
	for _, c := range []struct {
		name, manifest string
		files          []string
	}{
		{"like ~/.local", "", []string{"bin/mine", "lib/python/site.py", "share/fonts/a.ttf"}},
		{"a folder of sources", "", []string{"src/main.go", "src/sub/a.go"}},
		{"a project of Python", "", []string{"src/app.py", "venv/bin/python", "jupyter/a.ipynb"}},
		{"a cut-off workspace", "", []string{".workspace-mine/notes"}},
		{"another text in the place of ours", "", []string{uninstalledFile, "bin/mine"}},
		{"a web page", `{"name": "Shop", "start_url": "/"}`, []string{"src/app.js", "lib/a.js", "weights/own.pth"}},
		{"a manifest of another kind", "[1, 2]", []string{"bin/mine"}},
	} {
		for _, dev := range []bool{false, true} {
			p := fill(t, filepath.Join(t.TempDir(), "prefix"), c.files...)
			if c.manifest != "" {
				if err := os.WriteFile(p.manifestPath(), []byte(c.manifest), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			before := tree(t, string(p))
			if err := Install(ended, InstallOptions{Prefix: string(p), Dev: dev}); err == nil || !strings.Contains(err.Error(), "holds no installation") {
				t.Errorf("%s: install: %v", c.name, err)
			}
			if err := Uninstall(UninstallOptions{Prefix: string(p)}); err == nil {
				t.Errorf("%s: uninstall says nothing", c.name)
			}
			if after := tree(t, string(p)); !slices.Equal(before, after) {
				t.Errorf("%s: before:\n%s\nafter:\n%s", c.name, strings.Join(before, "\n"), strings.Join(after, "\n"))
			}
		}
	}
}

// TestRepeatedInstall: what an installation that was cut off leaves is ours, as is one whose record is lost or damaged.
func TestRepeatedInstall(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	first := Prefix(filepath.Join(t.TempDir(), "first"))
	if err := os.Mkdir(string(first), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := (&Manifest{Prefix: string(first), Source: "/source", GoRoot: "/go"}).write(first); err != nil {
		t.Fatal(err)
	}
	lost := fill(t, filepath.Join(t.TempDir(), "lost"), "bin/tlkernel", "shim/other")
	if err := linkTo(lost.Bin("tlkernel"), filepath.Join(lost.shimDir(), "go")); err != nil {
		t.Fatal(err)
	}
	damaged := fill(t, filepath.Join(t.TempDir(), "damaged"), "manifest.json", "shim/other")
	if err := linkTo(damaged.Bin("tlkernel"), filepath.Join(damaged.shimDir(), "go")); err != nil {
		t.Fatal(err)
	}
	for _, p := range []Prefix{first, lost, damaged, Prefix(t.TempDir()), Prefix(filepath.Join(t.TempDir(), "none"))} {
		if err := refuseForeign(p); err != nil {
			t.Error(err)
		}
		if err := Install(ended, InstallOptions{Prefix: string(p)}); err == nil || strings.Contains(err.Error(), "holds no installation") {
			t.Errorf("install into %s: %v", p, err)
		}
	}
}

// TestUninstallKeepsFiles: files that people put into the folders of an installation stay; install takes the folder
// again, unless something has come since that it would replace.
func TestUninstallKeepsFiles(t *testing.T) {
	theirs := []string{"bin/mine", "lib/libmine.so", "share/fonts/a.ttf", "weights/own.pth", "shim/node", "notes.txt"}
	ours := []string{"bin/tlkernel", "bin/gopls", "lib/libonnxruntime.so.1", "lib/onednn/libdnnl.so", "share/gonb_comm.js",
		"weights/" + weightsFile, "src/go.mod", "venv/bin/python", "live/worker-1/worker"}
	p := fill(t, filepath.Join(t.TempDir(), "prefix[1]"), slices.Concat(theirs, ours)...)
	if err := (&Manifest{Prefix: string(p), Source: "/source", GoRoot: "/go"}).write(p); err != nil {
		t.Fatal(err)
	}
	if err := linkTo(p.Bin("tlkernel"), filepath.Join(p.shimDir(), "go")); err != nil {
		t.Fatal(err)
	}
	if err := Uninstall(UninstallOptions{Prefix: string(p)}); err != nil {
		t.Fatal(err)
	}
	want := fill(t, filepath.Join(t.TempDir(), "want"), theirs...)
	if err := os.WriteFile(want.join(uninstalledFile), []byte(uninstalledText), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, want := relativeTree(t, p), relativeTree(t, want); !slices.Equal(got, want) {
		t.Errorf("left:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Install(ended, InstallOptions{Prefix: string(p)}); err == nil || strings.Contains(err.Error(), "holds no installation") {
		t.Errorf("install into the folder again: %v", err)
	}
	fill(t, string(p), "venv/own/python")
	if err := refuseForeign(p); err == nil || !strings.Contains(err.Error(), `it has "venv"`) {
		t.Errorf("with a venv of another program: %v", err)
	}
}

// relativeTree is tree with the paths below p.
func relativeTree(t *testing.T, p Prefix) []string {
	t.Helper()
	all := tree(t, string(p))
	for i, line := range all {
		all[i] = strings.TrimPrefix(line, string(p))
	}
	return all
}
