// Gallery executes lessons and writes their executed copies to docs/gallery: as notebooks that GitHub shows, and as
// HTML pages to read offline. Pictures are compressed, what only JupyterLab can show is left out, and photographs too,
// which are not ours to publish. Run it from the repository root:
//
//	go run ./notebooks/gallery [-executed DIR | -text] [LESSON...]
//
// A lesson is a name such as 02_transfer_and_finetuning, or ja/02_transfer_and_finetuning; without names all lessons
// are written. With -executed, notebooks that are executed already are taken from DIR. The code of a Japanese lesson is
// that of the English one, comments apart: where DIR has no executed Japanese copy, its page gets the outputs of the
// English one, with the labels of figures in English. With -text nothing is executed: pages get the lessons' present
// text and keep their outputs, which is an error where the code has changed.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// folder is where the pages are kept, maxBytes is the size up to which GitHub shows them quickly, maxHTML
// that of an HTML page.
const (
	folder   = "docs/gallery"
	maxBytes = 400_000
	maxHTML  = 1_000_000
)

func main() {
	executed := flag.String("executed", "", "folder with notebooks that are executed already")
	textOnly := flag.Bool("text", false, "renew the text of pages alone, whose code is as it was")
	flag.Parse()
	if err := run(*executed, *textOnly, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "gallery:", err)
		os.Exit(1)
	}
}

func run(executed string, textOnly bool, names []string) error {
	if executed != "" && textOnly {
		return errors.New("-executed takes outputs from a folder, -text from the present pages; give one of them")
	}
	if _, err := os.Stat("notebooks"); err != nil {
		return fmt.Errorf("there is no folder notebooks here; run it from the repository root: %w", err)
	}
	if len(names) == 0 {
		for _, dir := range []string{"", "ja/"} {
			paths, err := filepath.Glob("notebooks/" + dir + "[0-9][0-9]_*.ipynb")
			if err != nil {
				return err
			}
			for _, p := range paths {
				names = append(names, dir+filepath.Base(p))
			}
		}
	}
	if err := os.MkdirAll(filepath.Join(folder, "ja"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, styleFile), []byte(style), 0o644); err != nil {
		return err
	}
	renew := func(name string) error { return page(executed, name) }
	if textOnly {
		renew = renewText
	}
	for _, name := range names {
		if err := renew(lessonName(name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// lessonName returns a lesson's name, with ja/ before it if it is a Japanese one, of a name or a path.
func lessonName(s string) string {
	s = strings.TrimSuffix(filepath.ToSlash(s), ".ipynb")
	if dir, base := path.Split(s); path.Base(dir) == "ja" {
		return "ja/" + base
	}
	return path.Base(s)
}

// japanese reports whether a name is that of a Japanese lesson.
func japanese(name string) bool { return strings.HasPrefix(name, "ja/") }

// page writes both pages of one lesson.
func page(executed, name string) error {
	data, err := executedCopy(executed, name)
	if err != nil {
		return err
	}
	var out []byte
	for _, l := range allLimits {
		n, err := reduced(data, name, forGitHub, l)
		if err != nil {
			return err
		}
		if out, err = encode(n); err != nil {
			return err
		}
		if len(out) <= maxBytes {
			break
		}
	}
	if err := write(name+".ipynb", out, maxBytes); err != nil {
		return err
	}
	n, err := reduced(data, name, forBrowsers, allLimits[0])
	if err != nil {
		return err
	}
	if out, err = htmlPage(n, name); err != nil {
		return err
	}
	return write(name+".html", out, maxHTML)
}

// reduced returns what a page shows of an executed notebook.
func reduced(data []byte, name string, kinds []string, l limits) (map[string]any, error) {
	var n map[string]any
	if err := json.Unmarshal(data, &n); err != nil {
		return nil, err
	}
	links, say := relink, leftOut
	if japanese(name) {
		links, say = relinkJapanese, leftOutJapanese
	}
	if _, err := leaveOutPhotographs(n, say); err != nil {
		return nil, err
	}
	return n, reduce(n, kinds, links, l)
}

// write writes a page that has at most so many bytes and no path of this machine.
func write(name string, out []byte, most int) error {
	for _, private := range privatePaths() {
		if strings.Contains(string(out), private) {
			return fmt.Errorf("an output has the path %s of this machine; execute the lesson without TLKIT_RUNS", private)
		}
	}
	if len(out) > most {
		return fmt.Errorf("the page %s has %d bytes, the limit is %d", name, len(out), most)
	}
	to := filepath.Join(folder, name)
	fmt.Printf("%s: %d kB\n", to, len(out)/1000)
	return os.WriteFile(to, out, 0o644)
}

// privatePaths returns folders of this machine that no page may name.
func privatePaths() []string {
	paths := []string{os.TempDir() + "/"}
	if home, err := os.UserHomeDir(); err == nil && len(home) > 1 {
		paths = append(paths, home+"/")
	}
	if wd, err := os.Getwd(); err == nil {
		paths = append(paths, wd+"/")
	}
	return paths
}
