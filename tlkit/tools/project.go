package tools

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/toolargs"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/project"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Project is the command "project RUN DIR": it writes a Go module around a run's model; see [train.Result.Project]. It
// returns the exit code: 1 if that failed, 2 on misuse.
func Project(args []string, stdout, stderr io.Writer) int {
	line, code, ok := toolargs.ParseProject(args, stderr)
	if !ok {
		return code
	}
	goNames := strings.NewReplacer("ProjectOptions.Data", "-data", "Options.Data", "-data", "Options.Dir", "DIR", "Options.Overwrite", "-overwrite",
		"Options.Module", "-module", "ProjectOptions.Precision", "-precision", "Options.Precision", "-precision", "ProjectOptions.Float", "-float",
		"Options.Version", "-version")
	opts := project.Options{Dir: line.Dir, Module: line.Module, Version: line.Version, Overwrite: line.Overwrite, SkipBuild: line.SkipBuild,
		Precision: zoo.Precision(line.Precision), Float: line.Float, Beside: line.Beside, Page: line.Page}
	p, err := writeProject(line.Run, line.Strategy, line.Data, opts, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "project:", goNames.Replace(err.Error()))
		return 1
	}
	for i, note := range p.Notes {
		p.Notes[i] = goNames.Replace(note)
	}
	fmt.Fprint(stdout, p)
	return 0
}

func writeProject(run, strategy, data string, opts project.Options, stderr io.Writer) (*project.Project, error) {
	var err error
	if opts.Dir, err = filepath.Abs(opts.Dir); err != nil { // "." has a name, too
		return nil, err
	}
	dir, name := "", run
	if strings.ContainsRune(filepath.ToSlash(run), '/') || run == "." || run == ".." {
		if run, err = filepath.Abs(run); err != nil {
			return nil, err
		}
		dir, name = filepath.Split(run)
	}
	r, err := train.Open(dir, name)
	if err != nil {
		return nil, err
	}
	result := r.Best()
	if strategy != "" {
		if result, err = r.Result(strategy); err != nil {
			return nil, err
		}
	}
	switch opts.Data, err = dataOf(r, data); {
	case err != nil && data != "":
		return nil, fmt.Errorf("-data %s: %w; name the folder, file or data set that the run was made with, or leave -data out", data, err)
	case errors.Is(err, errInNotebook):
		fmt.Fprintf(stderr, "project: the test will have no images (%v); if the run's data set is elsewhere, name it with -data\n", err)
	case err != nil:
		fmt.Fprintf(stderr, "project: the test will have no images (%v); name the run's data set with -data\n", err)
	}
	return result.Project(filepath.Base(opts.Dir), opts)
}

// errInNotebook is of a data set that the command may not be able to load as the run had it.
var errInNotebook = errors.New("a notebook can give the data set to Result.Project")

// dataOf returns the data set that a run was made with: the one named, a folder, or the one that the run names, if that
// is at hand.
func dataOf(r *train.Run, name string) (*datasets.Dataset, error) {
	var first error
	for _, open := range waysTo(r, name) {
		data, err := open()
		if err == nil {
			if same, _ := data.Matches(r.Config.Data.Fingerprint); same {
				return data, nil
			}
			why := "whose notebook may have changed the splits that it loaded"
			if r.Config.Data.Origin == nil {
				why = "which does not keep the options that its data set may have been loaded with"
			}
			err = fmt.Errorf("the images of %s are not those of the run, %s: %w", cmp.Or(name, r.Config.Data.Name), why, errInNotebook)
		}
		first = cmp.Or(first, err)
	}
	return nil, first
}

// waysTo returns the calls that may load the data set of a run: the run's own, with the data at the place that is
// named, and one without options.
func waysTo(r *train.Run, name string) (all []func() (*datasets.Dataset, error)) {
	c := r.Config.Data
	_, err := os.Stat(name)
	if c.Origin != nil {
		folder := filepath.FromSlash(c.Folder)
		if !filepath.IsAbs(folder) {
			folder = filepath.Join(r.Dir, folder)
		}
		switch {
		case err == nil:
			all = append(all, c.Origin.At(name).Open)
		case name == "" || name == c.Name:
			all = append(all, c.Origin.In(folder).Open)
		}
	}
	given := cmp.Or(name, c.Name)
	return append(all, func() (*datasets.Dataset, error) {
		if info, err := os.Stat(given); err == nil && info.IsDir() {
			return datasets.ImageFolder(given)
		}
		return datasets.Load(given)
	})
}
