package project

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"unicode/utf8"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/classnames"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/internal/sentence"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

//go:embed files
var files embed.FS

// view is what the templates see.
type view struct {
	Name, Module, Version string
	Label                 string // the name as Kubernetes wants it
	ModelFile             string // in the folder classifier
	Source                string // the checkout of TLKit
	Classes               []string
	ClassList             string
	Architecture, Weights string
	Parameters            string
	InputSize             int
	Preprocess            string // JSON
	Calibration           string // "" for none
	Decoding              string // how image files become pixels, here and in training
	Facts                 []Fact
	Samples               []sample
	Measured              *Measured
	Memory                memory
	Rounded               bool // the activations are rounded to whole numbers
	Beside                bool // the model's file lies beside the program
}

func newView(name string, model *zoo.Model, opts Options, facts []Fact) view {
	params, _ := model.NumParams()
	preprocess, _ := json.Marshal(model.Preprocess) // plain numbers and texts
	v := view{Name: name, Module: cmp.Or(opts.Module, name), Version: cmp.Or(opts.Version, "0.1.0"), Label: name, ModelFile: opts.modelFile(name, model), Beside: opts.Beside,
		Classes: model.Classes, ClassList: classList(model.Classes), Architecture: model.Spec.Name, Weights: model.Weights,
		Parameters: numbers.Thousands(params), InputSize: model.ImageSize(), Preprocess: string(preprocess)}
	if c := model.Calibration; c != (zoo.Calibration{}) {
		v.Calibration = fmt.Sprintf("temperature %.3g, uncertain below %.3g", c.Temperature, c.Threshold)
	}
	v.Decoding = decoding(model, opts.Data)
	v.add(facts)
	return v
}

// decoding says how image files become pixels in the program, and how they did in training.
func decoding(model *zoo.Model, data *datasets.Dataset) string {
	text := "photos are turned upright by their EXIF orientation"
	switch {
	case data == nil || data.Train == nil:
		text += "; whether they were in training is not known here"
	case data.Train.Decoding().Orient:
		text += ", as in training"
	default:
		text += "; in training they were taken as stored (the data set's Options.Orient turns them)"
	}
	if bits := bitsOf(model, data); bits > 0 {
		text += fmt.Sprintf("; 16-bit images are read as %d-bit ones, as in training", bits)
	}
	return text
}

// bitsOf returns the number of bits of 16-bit images: the model's, or that of the training images if it has none.
func bitsOf(model *zoo.Model, data *datasets.Dataset) int {
	if model.Bits == 0 && data != nil && data.Train != nil {
		return data.Train.Decoding().Bits
	}
	return model.Bits
}

// add adds lines to the model card.
func (v *view) add(facts []Fact) {
	for _, f := range facts {
		v.Facts = append(v.Facts, Fact{harmless(f.Name), harmless(f.Value), harmless(f.Limits)})
	}
}

// classList lists the first classes, for a comment or a table.
func classList(classes []string) string { return harmless(sentence.List(classes, 12)) }

// harmless makes a text safe for a comment, a table and a unit file: names of classes come from folders of strangers.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029:
			return ' '
		case strings.ContainsRune("|`<>", r):
			return '_'
		}
		return r
	}, text)
}

// writer writes a project into dir, which becomes the project's folder when all is done.
type writer struct {
	dir     string
	view    view
	project *Project
}

func (w *writer) write(ctx context.Context, model *zoo.Model, opts Options) error {
	source, err := findSource(opts.Source)
	if err != nil {
		return err
	}
	w.view.Source = source
	if err := os.MkdirAll(filepath.Join(w.dir, "classifier", "testdata"), 0o755); err != nil {
		return fmt.Errorf("project: %w", err)
	}
	kept, err := store(ctx, model, filepath.Join(w.dir, "classifier", w.view.ModelFile), opts)
	if err != nil {
		return err
	}
	if kept.model != model {
		defer kept.model.Release()
	}
	w.view.Rounded, w.view.Memory = opts.Precision == zoo.Int8, memoryFor(model, nil)
	w.view.add(kept.facts)
	if kept.note != "" {
		w.note(kept.note)
	}
	if w.view.Samples, err = writeSamples(filepath.Join(w.dir, "classifier", "testdata"), kept.model, opts.Data); err != nil {
		return err
	}
	if len(w.view.Samples) == 0 {
		w.note("the test has no images to compare with the notebook: give ProjectOptions.Data")
	}
	if i := slices.IndexFunc(model.Classes, func(c string) bool { return strings.ContainsRune(c, utf8.RuneError) }); i >= 0 {
		w.note(fmt.Sprintf("the program has the class %q with characters that are not its own: its folder's name was in another encoding than UTF-8; rename the folder, and train anew", classnames.InUTF8(model.Classes[i])))
	}
	if err := w.render(); err != nil {
		return err
	}
	if err := writeModule(ctx, w.dir, w.view); err != nil {
		return err
	}
	if !opts.SkipBuild {
		if err := w.build(ctx); err != nil {
			return err
		}
		w.view.Memory = memoryFor(model, w.view.Measured)
		if err := w.render(); err != nil { // with the figures
			return err
		}
	}
	if opts.Page {
		if err := w.page(ctx); err != nil {
			return err
		}
	}
	return w.list()
}

// page makes the HTML file.
func (w *writer) page(ctx context.Context) error {
	name := w.view.Name + ".html"
	_, err := goCommand(ctx, w.dir, "run", "./page", "-o", name)
	if errors.Is(err, exec.ErrNotFound) {
		w.note("the page was not made: the go command is not on PATH")
		return nil
	}
	if err != nil {
		return fmt.Errorf("project: the page can't be made: %w", err)
	}
	w.project.Page = name
	return nil
}

func (w *writer) note(text string) { w.project.Notes = append(w.project.Notes, text) }

// render writes all files that come from templates.
func (w *writer) render() error {
	return fs.WalkDir(files, "files", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		to := w.target(path)
		text, err := w.fill(path)
		if err == nil && len(bytes.TrimSpace(text)) == 0 { // of the other way to have the model
			return nil
		}
		if err == nil && strings.HasSuffix(to, ".go") {
			text, err = format.Source(text)
		}
		if err != nil {
			return fmt.Errorf("project: template %s: %w", path, err)
		}
		to = filepath.Join(w.dir, to)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return fmt.Errorf("project: %w", err)
		}
		if err := os.WriteFile(to, text, 0o644); err != nil {
			return fmt.Errorf("project: %w", err)
		}
		return nil
	})
}

// target returns the path that a template's file has in the project.
func (w *writer) target(path string) string {
	parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(path, "files/"), ".tmpl"), "/")
	for i, p := range parts {
		if rest, ok := strings.CutPrefix(p, "dot-"); ok {
			p = "." + rest
		}
		if rest, ok := strings.CutPrefix(p, "name"); ok && (rest == "" || rest[0] == '.') {
			p = w.view.Name + rest
		}
		parts[i] = p
	}
	return filepath.Join(parts...)
}

func (w *writer) fill(path string) ([]byte, error) {
	t, err := template.ParseFS(files, path)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Option("missingkey=error").Execute(&b, w.view); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// list notes the files that were written.
func (w *writer) list() error {
	err := fs.WalkDir(os.DirFS(w.dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			w.project.Files = append(w.project.Files, path)
		}
		return err
	})
	slices.Sort(w.project.Files)
	return err
}

// place moves the files to the project's folder.
func (w *writer) place() error {
	dir := w.project.Dir
	if err := os.Chmod(w.dir, 0o755); err != nil {
		return fmt.Errorf("project: %w", err)
	}
	info, err := os.Lstat(dir)
	switch {
	case err == nil && !info.IsDir():
		return fmt.Errorf("project: %s is no folder any longer; choose another name or Options.Dir", dir)
	case errors.Is(err, fs.ErrNotExist):
		if err := os.Rename(w.dir, dir); err != nil {
			return fmt.Errorf("project: %w", err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("project: %w", err)
	}
	if err := w.onlyEarlier(w.project.Files); err != nil {
		return err
	}
	// Of a project in another precision, with another model in its page, or with the model beside it.
	name := w.view.Name
	for _, other := range []string{"classifier/model.onnx", "classifier/model.safetensors", "classifier/" + name + ".onnx", "classifier/" + name + ".safetensors",
		"classifier/beside.go", "classifier/beside_js.go", name + ".html"} {
		if !slices.Contains(w.project.Files, other) {
			if err := os.Remove(filepath.Join(dir, filepath.FromSlash(other))); err != nil && !os.IsNotExist(err) {
				return fmt.Errorf("project: %w", err)
			}
		}
	}
	for _, f := range w.project.Files {
		to := filepath.Join(dir, filepath.FromSlash(f))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return fmt.Errorf("project: %w", err)
		}
		if err := os.Rename(filepath.Join(w.dir, filepath.FromSlash(f)), to); err != nil {
			return fmt.Errorf("project: %w", err)
		}
	}
	return nil
}

// planned lists the files that every project of the name and the model has.
func (w *writer) planned() ([]string, error) {
	all := []string{"go.mod", "go.sum", "classifier/" + w.view.ModelFile}
	err := fs.WalkDir(files, "files", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, filepath.ToSlash(w.target(path)))
		}
		return err
	})
	return all, err
}

// onlyEarlier returns an error if the folder holds no earlier project, but one of the files: that is the user's.
func (w *writer) onlyEarlier(names []string) error {
	dir := w.project.Dir
	if _, err := os.Stat(filepath.Join(dir, "cmd", w.view.Name, "main.go")); err == nil {
		return nil
	}
	for _, f := range names {
		if _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(f))); err == nil {
			return fmt.Errorf("project: the folder %s holds no project %q, and has a file %s, which Options.Overwrite does not replace; choose another Options.Dir",
				dir, w.view.Name, f)
		}
	}
	return nil
}
