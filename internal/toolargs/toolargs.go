// Package toolargs has the command lines of the commands in package tools: project, train and runs. tlkernel reads them
// before it compiles a command, so that help and mistakes need no installation.
package toolargs

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

const projectUsage = `usage: project [flags] RUN DIR
Writes a Go module around the best model of a run: a program that serves it and classifies files and folders.
RUN is the name of a run, or the path of its folder; DIR is the folder to write, whose last element names the program.
`

// Project is the command line of the command "project".
type Project struct {
	// Run is the name of a run, or the path of its folder. Dir is the folder to write.
	Run, Dir string
	// Strategy is the name of the one whose model to take; "" is the best one.
	Strategy string
	// Data is the name or folder of the run's data set; "" is the one in the run.
	Data string
	// Module is the path of the Go module; "" is the program's name.
	Module string
	// Precision is the form in which the model is stored; "" is float32.
	Precision string
	// Float lists the layers that stay in float32 where the others are stored in int8.
	Float []string
	// Version is that of the program; "" is the default.
	Version string
	// Beside leaves the model in a file beside the program. Page writes the HTML file that needs no server.
	Beside, Page bool
	// Overwrite replaces the files of an earlier project.
	Overwrite bool
	// SkipBuild leaves out building and measuring the program.
	SkipBuild bool
}

// ParseProject reads the arguments of "project". If it is not ok, the command ends with the exit code, and help or the
// mistake stands on stderr: 0 after help, 2 on misuse.
func ParseProject(args []string, stderr io.Writer) (p Project, code int, ok bool) {
	flags := newFlags("project", projectUsage, stderr)
	flags.StringVar(&p.Strategy, "strategy", "", "`name` of the strategy whose model to take; the best one unless given")
	flags.StringVar(&p.Data, "data", "", "`name` or folder of the run's data set, for the project's test; the name in the run unless given")
	flags.StringVar(&p.Module, "module", "", "`path` of the Go module; the program's name unless given")
	flags.BoolVar(&p.Overwrite, "overwrite", false, "replace the files of an earlier project in DIR")
	flags.StringVar(&p.Precision, "precision", "", "`form` in which the model is stored: float32, float16, bfloat16 or int8; float32 unless given")
	flags.Func("float", "`layers` that stay in float32 with int8, with commas between them, such as features.0,features.1", func(text string) error {
		p.Float = append(p.Float, strings.Split(text, ",")...)
		return nil
	})
	flags.StringVar(&p.Version, "version", "", "`version` of the program; 0.1.0 unless given")
	flags.BoolVar(&p.Beside, "beside", false, "leave the model in a file beside the program")
	flags.BoolVar(&p.Page, "page", false, "also write the classifier as one HTML file that needs no server")
	flags.BoolVar(&p.SkipBuild, "skip-build", false, "do not build and measure the program")
	code, ok = parse(flags, args, 2, 2)
	p.Run, p.Dir = flags.Arg(0), flags.Arg(1)
	return p, code, ok
}

// StoppedCode is the environment variable with the exit code of "train" after a signal that stopped a training before
// its end; unset means 0. A cluster starts again only what ends with another code than 0.
const StoppedCode = "TLKIT_STOPPED_CODE"

const trainUsage = `usage: train FILE.json | RUN-FOLDER
Trains without a notebook. FILE.json is a recipe, such as
  {"name": "ants", "data": "photos", "model": "efficientnet_lite0", "recipe": {"epochs": 5},
   "strategies": [{"kind": "Transfer"}, {"kind": "FineTune", "learning_rate": 0.001}]}
RUN-FOLDER is that of a detached training (tlkit.Detach), which goes on from its checkpoint. SIGINT and SIGTERM save and
stop; the same command goes on.
`

// ParseTrain reads the arguments of "train": the path of a recipe or of a run's folder. See [ParseProject] for the
// rest.
func ParseTrain(args []string, stderr io.Writer) (path string, code int, ok bool) {
	flags := newFlags("train", trainUsage, stderr)
	code, ok = parse(flags, args, 1, 1)
	return flags.Arg(0), code, ok
}

const runsUsage = `usage: runs [FOLDER]
Lists the runs in a folder (TLKIT_RUNS or ./runs unless given): state, epochs, best validation accuracy, time left.
`

// ParseRuns reads the arguments of "runs": a folder of runs, "" for the default one. See [ParseProject] for the rest.
func ParseRuns(args []string, stderr io.Writer) (folder string, code int, ok bool) {
	flags := newFlags("runs", runsUsage, stderr)
	code, ok = parse(flags, args, 0, 1)
	return flags.Arg(0), code, ok
}

func newFlags(name, usage string, stderr io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	return flags
}

// parse reads a command's flags and between least and most arguments.
func parse(flags *flag.FlagSet, args []string, least, most int) (code int, ok bool) {
	if err := Interleaved(flags, args); errors.Is(err, flag.ErrHelp) {
		return 0, false
	} else if err != nil {
		return 2, false
	}
	if n := flags.NArg(); n < least || n > most {
		flags.Usage()
		return 2, false
	}
	return 0, true
}

// checkTexts returns an error for a flag that is a text and has no useful one, after it is printed with the usage, as
// flags.Parse does.
func checkTexts(flags *flag.FlagSet) (err error) {
	flags.Visit(func(f *flag.Flag) {
		getter, ok := f.Value.(flag.Getter)
		if !ok || err != nil {
			return
		}
		if text, ok := getter.Get().(string); ok {
			err = CheckText(f.Name, text)
		}
	})
	if err != nil {
		fmt.Fprintln(flags.Output(), err)
		if flags.Usage != nil {
			flags.Usage()
		}
	}
	return err
}

// CheckText returns an error for the value of a flag that is empty, as that of a shell's variable that is not set, or
// looks like the next flag. An empty value must not mean the default.
func CheckText(name, text string) error {
	switch {
	case text == "":
		return fmt.Errorf("the value of --%s is empty; give it one, or leave --%s out for the default", name, name)
	case strings.HasPrefix(text, "-"):
		return fmt.Errorf("the value of --%s is %q, which looks like a flag; for a file or folder of that name write ./%s", name, text, text)
	}
	return nil
}

// Interleaved is flags.Parse for flags before, between and after the arguments, which are then in flags.Args. What
// follows "--" are arguments. The value of a flag that is a text may not be empty, nor begin with a dash.
func Interleaved(flags *flag.FlagSet, args []string) error {
	var positional []string
	for {
		if err := flags.Parse(args); err != nil {
			return err
		}
		rest := flags.Args()
		read := args[:len(args)-len(rest)]
		if len(rest) == 0 || len(read) > 0 && read[len(read)-1] == "--" {
			return errors.Join(flags.Parse(slices.Concat([]string{"--"}, positional, rest)), checkTexts(flags))
		}
		positional = append(positional, rest[0])
		args = rest[1:]
	}
}
