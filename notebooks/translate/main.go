// Translate keeps the Japanese lessons in notebooks/ja in step with the English ones in notebooks. Run it from the
// repository root:
//
//	go run ./notebooks/translate [-accept] [LESSON...]
//
// A lesson is a name such as 02_transfer_and_finetuning; without names all lessons are taken that have a Japanese copy,
// and a lesson that is named gets one if it has none.
//
// A Japanese lesson is a whole notebook. Its code cells and all metadata are copies of the English ones: only the
// comments are translated, by a table in the cell's metadata ("comments": English to Japanese). Its Markdown cells are
// written by people. Each keeps, in its metadata, a digest of the English text that it translates ("translated_from"),
// so that a later change of that text is found. The program prints what is left to translate. With -accept it takes all
// texts of the named lessons as translations of the English texts as they are now.
//
// The test of this package fails where a copy is not in step; in that test stands also which lessons have no copy yet.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/infolder"
)

// englishDir and japaneseDir are the folders of the lessons, from the repository root.
const (
	englishDir  = "notebooks"
	japaneseDir = "notebooks/ja"
)

func main() {
	accept := flag.Bool("accept", false, "take the texts of the named lessons as translations of the present English texts")
	flag.Parse()
	left, err := run(*accept, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "translate:", err)
		os.Exit(1)
	}
	for _, l := range left {
		fmt.Println(l)
	}
}

// run brings lessons in step and returns what is left to translate.
func run(accept bool, names []string) (left []string, err error) {
	if _, err := os.Stat(englishDir); err != nil {
		return nil, fmt.Errorf("there is no folder notebooks here; run it from the repository root: %w", err)
	}
	if accept && len(names) == 0 {
		return nil, errors.New("-accept needs the names of the lessons that are translated")
	}
	if len(names) == 0 {
		if names, err = infolder.Glob(japaneseDir, "*.ipynb"); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		name = strings.TrimSuffix(filepath.Base(name), ".ipynb") + ".ipynb"
		l, err := bring(name, accept)
		if err != nil {
			return left, fmt.Errorf("%s: %w", name, err)
		}
		for _, s := range l {
			left = append(left, filepath.Join(japaneseDir, name)+": "+s)
		}
	}
	return left, nil
}

// bring brings one lesson in step.
func bring(name string, accept bool) (left []string, err error) {
	english, err := readNotebook(filepath.Join(englishDir, name))
	if err != nil {
		return nil, err
	}
	path := filepath.Join(japaneseDir, name)
	japanese, err := readNotebook(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if accept {
		acceptTexts(english, japanese)
	}
	japanese, left = inStep(english, japanese, rebase(japaneseDir))
	data, err := japanese.encode()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(japaneseDir, 0o755); err != nil {
		return nil, err
	}
	return left, os.WriteFile(path, data, 0o644)
}

// rebase returns where a link of an English lesson leads from the folder of the Japanese ones: to the Japanese copy of
// a lesson that has one in dir, else to the same file, one folder up, or to its Japanese form there ("chart-ja.svg").
func rebase(dir string) func(link string) string {
	return func(link string) string {
		if strings.Contains(link, ":") || strings.HasPrefix(link, "#") {
			return link
		}
		if exists(filepath.Join(dir, link)) && filepath.Base(link) == link {
			return link
		}
		link = "../" + link
		ext := filepath.Ext(link)
		if own := strings.TrimSuffix(link, ext) + "-ja" + ext; exists(filepath.Join(dir, own)) {
			return own
		}
		return link
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
