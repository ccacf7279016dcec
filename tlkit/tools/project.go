package tools

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/project"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

const projectUsage = `usage: project [flags] RUN DIR
Writes a Go module around the best model of a run: a program that serves it and classifies files and folders.
RUN is the name of a run, or the path of its folder; DIR is the folder to write, whose last element names the program.
`

// Project is the command "project RUN DIR": it writes a Go module around a run's model; see [train.Result.Project]. It
// returns the exit code: 1 if that failed, 2 on misuse.
func Project(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("project", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, projectUsage)
		flags.PrintDefaults()
	}
	strategy := flags.String("strategy", "", "`name` of the strategy whose model to take; the best one unless given")
	data := flags.String("data", "", "`name` or folder of the run's data set, for the project's test; the name in the run unless given")
	module := flags.String("module", "", "`path` of the Go module; the program's name unless given")
	overwrite := flags.Bool("overwrite", false, "replace the files of an earlier project in DIR")
	precision := flags.String("precision", "", "`form` in which the model is stored: float32, float16, bfloat16 or int8; float32 unless given")
	fast := flags.Bool("skip-build", false, "do not build and measure the program")
	if code, ok := parse(flags, args, 2, 2); !ok {
		return code
	}
	opts := project.Options{Dir: flags.Arg(1), Module: *module, Overwrite: *overwrite, SkipBuild: *fast,
		Precision: zoo.Precision(*precision)}
	p, err := writeProject(flags.Arg(0), *strategy, *data, opts, stderr)
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
