package tools

import (
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
	opts := project.Options{Dir: line.Dir, Module: line.Module, Overwrite: line.Overwrite, SkipBuild: line.SkipBuild,
		Precision: zoo.Precision(line.Precision)}
	p, err := writeProject(line.Run, line.Strategy, line.Data, opts, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "project:", err)
		return 1
	}
	fmt.Fprint(stdout, p)
	return 0
}

func writeProject(run, strategy, data string, opts project.Options, stderr io.Writer) (*project.Project, error) {
	dir, name := "", run
	if strings.ContainsRune(filepath.ToSlash(run), '/') {
		dir, name = filepath.Split(filepath.Clean(run))
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
	if opts.Data, err = dataOf(r, data); err != nil {
		fmt.Fprintf(stderr, "project: the test will have no images (%v); name the run's data set with -data\n", err)
	}
	return result.Project(filepath.Base(filepath.Clean(opts.Dir)), opts)
}

// dataOf returns the data set that a run was made with: the one named, a folder, or the one that the run names, if that
// is at hand.
func dataOf(r *train.Run, name string) (*datasets.Dataset, error) {
	given := name
	if given == "" {
		given = r.Config.Data.Name
	}
	var data *datasets.Dataset
	var err error
	if info, statErr := os.Stat(given); statErr == nil && info.IsDir() {
		data, err = datasets.ImageFolder(given)
	} else {
		data, err = datasets.Load(given)
	}
	if err != nil {
		return nil, err
	}
	if same, _ := data.Matches(r.Config.Data.Fingerprint); !same {
		return nil, fmt.Errorf("the images of %s are not those of the run", given)
	}
	return data, nil
}
