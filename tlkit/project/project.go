package project

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Options choose where and how a project is written. The zero value writes the folder of the project's name.
type Options struct {
	// Dir is the folder to write; "" is the project's name, in the working folder.
	Dir string
	// Overwrite lets the files of an earlier project in Dir be replaced; others there stay.
	Overwrite bool
	// Module is the path of the Go module; "" is the project's name.
	Module string
	// Version of the program; "" is "0.1.0".
	Version string
	// Data are the images that the model was trained with: three of the validation images become the project's test,
	// with the probabilities that the model gives them here. Without Data the project has no such test.
	Data *datasets.Dataset
	// Precision is the form in which the program stores the model: zoo.Float16 and zoo.BFloat16 halve its file,
	// zoo.Int8 quarters it and takes the ranges of activations from Data's training images. The model card says what
	// that does to the accuracy on Data's validation images. "" is zoo.Float32. The pure-Go engine computes in float32
	// whatever is stored, so that only the program's size falls.
	Precision zoo.Precision
	// Float lists layers, or groups of them, such as "features.0" or "fc", that stay in float32 with zoo.Int8.
	Float []string
	// Beside leaves the model out of the program, which then reads it from a file beside itself, or from the one that
	// the environment variable MODEL_FILE names: for large models, and for those that change while the program stays.
	Beside bool
	// Source is a checkout of TLKit that the module takes the libraries from; "" finds the one that this program or
	// notebook uses.
	Source string
	// Page writes NAME.html, too: the classifier as one HTML file that needs no server and no network, with the program
	// in it, compiled to WebAssembly. It takes a minute or two the first time, and has some 15 MB and the model.
	Page bool
	// SkipBuild leaves out building the program, which proves that it builds without a network, and measuring it for
	// its README.
	SkipBuild bool
}

// Fact is a line of the model card, such as "strategy", "fine-tune".
type Fact struct {
	// Name of the fact, and its value as text.
	Name, Value string
	// Limits, if not "", is a sentence on what the value does not say, for the card's section on that.
	Limits string
}

// Project is a project that was written.
type Project struct {
	// Name of the project and of its program, and the folder that holds it.
	Name, Dir string
	// Files are the paths written, below Dir, sorted.
	Files []string
	// Measured are the program's figures; nil if it was not built.
	Measured *Measured
	// Page is the path of the HTML file, below Dir; "" without Options.Page.
	Page string
	// Notes has a line for each part that could not be had, such as a test without images.
	Notes []string
}

// String returns the folder, what is notable, and the commands to try.
func (p *Project) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "project %s: %d files in %s\n", p.Name, len(p.Files), p.Dir)
	if m := p.Measured; m != nil {
		fmt.Fprintf(&b, "the program has %s MB, starts in %d ms, and takes %s MB of memory\n", m.ProgramMB, m.StartMS, m.MemoryMB)
	}
	if p.Page != "" {
		fmt.Fprintf(&b, "a page without a server: %s\n", filepath.Join(p.Dir, p.Page))
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	fmt.Fprintf(&b, "next: cd %s && export %s && go test ./... && go build ./cmd/%s && ./%s serve\n", p.Dir, strings.Join(buildEnv, " "), p.Name, p.Name)
	return b.String()
}

// Write writes a project for a model; the facts go into its model card. An error leaves no new folder behind.
func Write(ctx context.Context, name string, model *zoo.Model, opts Options, facts ...Fact) (*Project, error) {
	if model == nil {
		return nil, errors.New("project: the model is nil; load one with tlkit.Load, or take a run's: run.Best().Project(name)")
	}
	if err := checkNames(name, opts); err != nil {
		return nil, err
	}
	dir, err := folder(name, opts)
	if err != nil {
		return nil, err
	}
	w := writer{view: newView(name, model, opts, facts), project: &Project{Name: name, Dir: dir}}
	planned, err := w.planned()
	if err != nil {
		return nil, fmt.Errorf("project: %w", err)
	}
	if err := w.onlyEarlier(planned); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, fmt.Errorf("project: %w", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "."+name+"-")
	if err != nil {
		return nil, fmt.Errorf("project: %w", err)
	}
	defer os.RemoveAll(tmp)
	w.dir = tmp
	if err := w.write(ctx, model, opts); err != nil {
		return nil, err
	}
	return w.project, w.place()
}
