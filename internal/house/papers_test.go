package house_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// papers are the documents that name files and folders of the repository.
var papers = []string{"README.md", "README.ja.md", "CONTRIBUTING.md", "SECURITY.md", "docs/ARCHITECTURE.md"}

// named finds what looks like a path of the repository: `tlkit/zoo/resnet.go`, `kernel/session/`, (docs/export.md).
var named = regexp.MustCompile("[`(]((?:tlkit|datasets|kernel|notebooks|bench|docs|internal)/[A-Za-z0-9_./-]+)[`)]")

// TestPapersNameFilesThatExist holds that a path in a document is there, so that a moved file is moved in the documents
// too. Names in capitals stand for a file that the reader writes.
func TestPapersNameFilesThatExist(t *testing.T) {
	paths := 0
	for _, paper := range papers {
		text, err := os.ReadFile(filepath.Join(root, paper))
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			p := strings.TrimSuffix(strings.TrimSuffix(m[1], "..."), "/")
			if strings.Contains(p, "NAME") || strings.Contains(p, "FAMILY") {
				p = filepath.Dir(p)
			}
			paths++
			if _, err := os.Stat(filepath.Join(root, p)); err != nil {
				t.Errorf("%s names %s, which is not there", paper, m[1])
			}
		}
	}
	if paths < 40 {
		t.Errorf("%d paths found in the documents; the check misses most of them", paths)
	}
}

// TestVersion holds that the newest entry of the changelog is the version of the program.
func TestVersion(t *testing.T) {
	changes, err := os.ReadFile(filepath.Join(root, "CHANGELOG.md"))
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile(filepath.Join(root, "kernel/version.go"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`const Version = "([0-9.]+)"`).FindSubmatch(code)
	entry := regexp.MustCompile(`(?m)^## \[?([0-9]+\.[0-9]+\.[0-9]+)\]? `).FindSubmatch(changes)
	if version == nil || entry == nil || string(version[1]) != string(entry[1]) {
		t.Errorf("kernel/version.go has %q, the newest version of CHANGELOG.md is %q; they must be the same", version, entry)
	}
}

// inside are variables that the program sets for itself.
var inside = map[string]bool{"TLKIT_KERNEL_DIR": true}

// TestVariablesAreInTheREADME holds that a variable of ours that the program reads is explained to its users.
func TestVariablesAreInTheREADME(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	variable := regexp.MustCompile(`"(TLKIT_[A-Z_]+)"`)
	seen := map[string]bool{}
	for _, s := range sources(t) {
		if strings.HasPrefix(s.path, "bench/") || strings.HasPrefix(s.path, "internal/testutil") {
			continue
		}
		code, err := os.ReadFile(filepath.Join(root, s.path))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range variable.FindAllStringSubmatch(string(code), -1) {
			seen[m[1]] = true
		}
	}
	if len(seen) < 8 {
		t.Errorf("%d variables found; the check misses most of them", len(seen))
	}
	for name := range seen {
		if !inside[name] && !strings.Contains(string(readme), "`"+name) {
			t.Errorf("README.md does not explain %s", name)
		}
	}
}
