package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"regexp"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/installdir"
)

// writer makes a page of a notebook with nbconvert's filters, which come with the installation's JupyterLab:
// nbconvert's own templates put a stylesheet of 300 kB and three libraries of scripts into every page, which
// these pages do not need.
//
//go:embed page.py
var writer string

// style is the stylesheet of all pages.
//
//go:embed style.css
var style string

// styleFile is its file, beside the English pages.
const styleFile = "style.css"

// htmlPage returns a page without scripts of an executed notebook.
func htmlPage(n map[string]any, name string) ([]byte, error) {
	python, err := installdir.Dir(os.Getenv, "venv", "bin", "python")
	if err != nil {
		return nil, err
	}
	lesson, err := os.ReadFile(path.Join("notebooks", name+".ipynb"))
	if err != nil {
		return nil, err
	}
	digest, err := digestOf(lesson)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	language, sheet := "en", styleFile
	if japanese(name) {
		language, sheet = "ja", "../"+styleFile
	}
	cmd := exec.Command(python, "-c", writer, language, sheet, digest)
	cmd.Env = append(os.Environ(), "PYTHONUTF8=1")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(data), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w; ./install.sh installs nbconvert", python, err)
	}
	return []byte(pageLinks(string(out))), nil
}

// lessonLink matches a link from a page to the notebook of another lesson in the same folder.
var lessonLink = regexp.MustCompile(`href="([0-9][0-9]_[a-z0-9_]+)\.ipynb"`)

// pageLinks makes the links to other lessons lead to their HTML pages.
func pageLinks(page string) string { return lessonLink.ReplaceAllString(page, `href="$1.html"`) }

// digestOf returns a digest of the texts and the code of a notebook, by which a page shows of which lesson it was made.
func digestOf(notebook []byte) (string, error) {
	var n struct {
		Cells []struct {
			ID     string
			Source any
		}
	}
	if err := json.Unmarshal(notebook, &n); err != nil {
		return "", err
	}
	var all strings.Builder
	for _, c := range n.Cells {
		fmt.Fprintf(&all, "%s\n%s\n", c.ID, text(c.Source))
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(all.String())))[:16], nil
}
