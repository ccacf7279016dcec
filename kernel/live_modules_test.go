package kernel

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	"github.com/tlkit-go/tlkit-notebooks/kernel/session"
)

// moduleProxy makes a folder that serves modules as a GOPROXY: each is "PATH VERSION" with the source of its packages
// by file name. It returns the folder's address.
func moduleProxy(t *testing.T, modules map[string]map[string]string) string {
	t.Helper()
	proxy := t.TempDir()
	for name, files := range modules {
		path, version, _ := strings.Cut(name, " ")
		dir := t.TempDir()
		for file, text := range files {
			file = filepath.Join(dir, file)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var archive bytes.Buffer
		if err := zip.CreateFromDir(&archive, module.Version{Path: path, Version: version}, dir); err != nil {
			t.Fatal(err)
		}
		served := filepath.Join(proxy, path, "@v")
		if err := os.MkdirAll(served, 0o755); err != nil {
			t.Fatal(err)
		}
		for ext, data := range map[string][]byte{".zip": archive.Bytes(), ".mod": []byte(files["go.mod"]),
			".info": fmt.Appendf(nil, `{"Version": %q, "Time": "2026-01-01T00:00:00Z"}`, version)} {
			if err := os.WriteFile(filepath.Join(served, version+ext), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return "file://" + proxy
}

// saidOutput keeps what a cell shows.
type saidOutput struct {
	warmOutput
	said strings.Builder
}

func (o *saidOutput) Stream(_, text string) { o.said.WriteString(text) }

// TestLiveModules adds, upgrades and removes modules under a running session. What is loaded stays what it is.
func TestLiveModules(t *testing.T) {
	p, _ := installed(t)
	needLive(t, p, KernelName)
	m, err := ReadManifest(p)
	if err != nil {
		t.Fatal(err)
	}
	greet := func(text string) map[string]string {
		return map[string]string{"go.mod": "module example.com/greet\n\ngo 1.21\n", "greet.go": "package greet\n\nconst Hello = \"" + text + "\"\n"}
	}
	t.Setenv("GOPROXY", moduleProxy(t, map[string]map[string]string{
		"example.com/greet v1.0.0":      greet("one"),
		"example.com/greet v1.1.0":      greet("two"),
		"github.com/pkg/errors v0.99.0": {"go.mod": "module github.com/pkg/errors\n\ngo 1.21\n", "errors.go": "package errors\n"},
	}))
	t.Setenv("GOSUMDB", "off")
	// The user's module cache stays clean.
	m.GoModCache = filepath.Join(t.TempDir(), "modules")
	original, err := ReadManifest(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := overlay(m.GoModCache, original.GoModCache, moduleCache, time.Now()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { makeWritable(t, m.GoModCache) })
	s, err := liveSession(t.Context(), p, m, t.TempDir(), "", t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	languageModules := func(want string) {
		t.Helper()
		if env := languageEnv(p, s.SourceDir(), original, m)(); !slices.Contains(env, "GOMODCACHE="+want) {
			t.Errorf("the language server has no GOMODCACHE=%s", want)
		}
	}
	languageModules(original.GoModCache)
	defer languageModules(m.GoModCache) // the cells have modules that the installation has not
	const keep = "go.mod is as before: "
	for i, c := range []struct{ code, want, fails string }{
		// The settings of cells are not those of a module of the user's own.
		{"!cd $(mktemp -d) && mkdir own && printf 'package main\\n\\nfunc main() { println(6 * 7) }\\n' > own/main.go && (cd own && go mod init example.com/own) && go work init ./own && go run example.com/own", "42", ""},
		// A module of the workspace that is there only because GoNB needs it.
		{"must.M1(strconv.Atoi(\"7\")) + 1", "8", ""},
		{"import \"example.com/greet\"", "", "add one with !*go get example.com/greet@VERSION"},
		{"!*go get example.com/greet@v1.0.0", "added example.com/greet v1.0.0", ""},
		{"greet.Hello", "one", ""}, // found without an import line
		{"!*go get example.com/greet@v1.1.0", "", keep + "cells have loaded example.com/greet v1.0.0, and a program can have one version only; restart"},
		{"greet.Hello + \"!\"", "one!", ""},
		// The same by a command that fails after it has changed go.mod, by one that changes it later, and by %reset.
		{"!*go get example.com/greet@v1.1.0 && false", "", "exit status 1; " + keep + "cells have loaded example.com/greet v1.0.0"},
		{"!*(until [ -e go-on ]; do sleep 0.01; done; rm go-on; go get example.com/greet@v1.1.0) >/dev/null 2>&1 &\n!touch $GONB_TMP_DIR/go-on; until grep -q 'greet v1.1.0' $GONB_TMP_DIR/go.mod; do sleep 0.01; done", "", ""},
		{"import \"index/suffixarray\"\nsuffixarray.New([]byte(greet.Hello)) == nil", "", keep + "cells have loaded example.com/greet v1.0.0"},
		{"import \"index/suffixarray\"\nsuffixarray.New([]byte(greet.Hello)) == nil", "false", ""},
		{"%reset go.mod", "", "would be in no module; %reset alone puts the workspace's go.mod back and forgets all values"},
		{"!*go get example.com/greet@v1.1.0", "", keep + "cells have loaded example.com/greet v1.0.0"},
		{"import \"example.com/greet\"\ngreet.Hello + \"?\"", "one?", ""},
		{"!*go mod tidy", keep, ""},
		{"!*go get github.com/pkg/errors@v0.99.0", "", keep + "the kernel is built with github.com/pkg/errors v0.9.1, of which"},
		{"import \"github.com/gomlx/compute/dtypes\"\nfmt.Sprint(dtypes.Float32, greet.Hello)", "Float32one", ""},
		{"!*echo 'no go.mod' >> go.mod", "", keep + "the new one can't be used: "},
		{"!*go get github.com/pkg/errors@v0.8.0", "", "needs github.com/pkg/errors v0.9.1 or newer"},
		{"!*go get example.com/greet@v0.9.0", "", "exit status 1"}, // which no module needs: it can't be had
		{"%reset", "", ""},
		{"!*go get github.com/pkg/errors@v0.99.0", "", keep + "the kernel is built with"},
		{"!*go get example.com/greet@v1.0.0", "added example.com/greet v1.0.0", ""}, // and nothing is loaded of it:
		{"%reset go.mod", "go.mod is the workspace's again", ""},
		{"!*go get example.com/greet@v1.1.0", "added example.com/greet v1.1.0", ""},
		{"import \"github.com/gomlx/compute/dtypes\"\nfmt.Sprint(dtypes.Float32, greet.Hello)", "Float32two", ""},
	} {
		out := new(saidOutput)
		failure := s.Execute(t.Context(), &session.Cell{Code: c.code, Count: i + 1}, out)
		said := out.said.String() + out.text
		if c.fails == "" && failure != nil || c.fails != "" && (failure == nil || !strings.Contains(failure.Value, c.fails)) {
			t.Fatalf("cell %d, %s: %v, want %q\n%s", i+1, c.code, failure, c.fails, said)
		}
		if failure != nil && strings.Contains(failure.Value, "or newer") != strings.Contains(c.fails, "or newer") {
			t.Errorf("cell %d, %s: %v, want %q", i+1, c.code, failure, c.fails)
		}
		if failure != nil && strings.Count(failure.Value, "\n") > 24 {
			t.Errorf("cell %d, %s: more than a screenful:\n%s", i+1, c.code, failure.Value)
		}
		if !strings.Contains(said, c.want) || strings.Contains(said, "different version") {
			t.Errorf("cell %d, %s: said %q, want %q", i+1, c.code, said, c.want)
		}
	}
}

// makeWritable lets a module cache be removed, whose folders are read-only; what links lead to is left alone.
func makeWritable(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(path, 0o755)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
