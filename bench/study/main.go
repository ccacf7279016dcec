// Command study runs comparisons of the family of transfer on real files and prints their tables in markdown.
//
//	study -list
//	study NAME [-shared DIR] [-out DIR] [-seeds N] [-for 4m]
//
// A study stores its runs in a folder (-out, default .tlkit/studies). The same command again continues it, so that a
// long study can be run in pieces (-for). The command exits with code 0 when the study is complete, 3 when the time ran
// out or it was interrupted before, 1 on an error, 2 on misuse.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// A study is a comparison with a table.
type study struct {
	name, about string
	run         func(ctx context.Context, e env) error
}

// studies lists all studies: add yours here.
var studies = []study{
	{"cifar", "ResNet-20 of CIFAR-10 on JPEG-compressed images: as it is, adapted without labels, trained with some", cifar},
	{"shift", "unsupervised domain adaptation, CIFAR-10 JPEGs to the same at quality 10, against its two controls", shift},
	{"hymenoptera", "MobileNetV1 x0.25 on ants and bees: the recipe that cross-validation on the training images chooses", hymenoptera},
	{"hymenoptera-lite0", "the same with EfficientNet-Lite0, which install.sh brings along", hymenopteraLite},
	{"hymenoptera-head-lite0", "its output layer alone: how much weight decay", hymenopteraHead},
	{"hymenoptera-features", "the same with frozen features alone, in a minute", antFeatures},
	{"hymenoptera-features-lite0", "frozen features of EfficientNet-Lite0", antFeaturesLite},
	{"rcnn", "objects in synthetic scenes: features as they are against fine-tuned ones, R-CNN, table 2", rcnn},
	{"samples", "accuracy against images per class, shapes to sketches", samples},
	{"samples-ants", "accuracy against images per class, ImageNet to ants and bees", samplesAnts},
	{"sees", "what notebooks/10_what_the_network_sees.ipynb claims of filters, stages, fine-tuning and Grad-CAM, over seeds", sees},
	{"rank", "which pretrained model suits: the estimates of tlkit.Rank against fine-tunings of seven small models on two data sets", ranks},
	{"lwf", "the old task's accuracy after a new one was learned, shapes to sketches: Learning without Forgetting, table 1", lwf},
}

// env holds the folders and settings of a study.
type env struct {
	shared, out string
	seeds       int
	quiet       bool
	table       io.Writer
}

// data returns the path of a file of the shared folder.
func (e env) data(name string) string { return filepath.Join(e.shared, "data", name) }

// recipe returns r with the study's folder and seeds.
func (e env) recipe(r train.Recipe) train.Recipe {
	r.Dir, r.Quiet, r.Seeds = e.out, e.quiet, e.seeds
	return r
}

// builtIn returns the built-in pair's target task, and the network trained on its source.
func builtIn() (*datasets.Dataset, *zoo.Model, error) {
	sketches, err := datasets.Load("sketches")
	if err != nil {
		return nil, nil, err
	}
	m, err := zoo.Load("resnet20.shapes")
	return sketches, m, err
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("study", flag.ContinueOnError)
	fs.SetOutput(stderr)
	list := fs.Bool("list", false, "list the studies")
	e := env{table: stdout}
	fs.StringVar(&e.shared, "shared", "", "folder with data/; default TLKIT_SHARED, or ../shared")
	fs.StringVar(&e.out, "out", filepath.Join(".tlkit", "studies"), "folder that keeps what was trained")
	fs.IntVar(&e.seeds, "seeds", 5, "number of seeds")
	fs.BoolVar(&e.quiet, "quiet", false, "no progress on standard error")
	limit := fs.Duration("for", 0, "stop after this time; the same command continues (0: run to the end)")
	var name string
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if *list {
		for _, s := range studies {
			fmt.Fprintf(stdout, "%-27s %s\n", s.name, s.about)
		}
		return 0
	}
	s, err := choose(name, fs.Args(), e.seeds, *limit)
	if err != nil {
		fmt.Fprintln(stderr, "study:", err)
		return 2
	}
	e.shared = cmp.Or(e.shared, os.Getenv("TLKIT_SHARED"), filepath.Join("..", "shared"))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *limit)
		defer cancel()
	}
	began := time.Now()
	switch err := s.run(ctx, e); {
	case err != nil && ctx.Err() != nil:
		fmt.Fprintf(stderr, "study: %s is not complete after %s; the same command continues it\n", s.name, time.Since(began).Round(time.Second))
		return 3
	case err != nil:
		fmt.Fprintln(stderr, "study:", err)
		return 1
	}
	return 0
}

// choose returns the study, or an error that says what is wrong with the command line.
func choose(name string, rest []string, seeds int, limit time.Duration) (study, error) {
	var names []string
	for _, s := range studies {
		if s.name == name && len(rest) == 0 && seeds > 0 && limit >= 0 {
			return s, nil
		}
		names = append(names, s.name)
	}
	switch {
	case name == "":
		return study{}, fmt.Errorf("name a study: %s", strings.Join(names, ", "))
	case len(rest) > 0:
		return study{}, fmt.Errorf("one study at a time, then flags; got %q", append([]string{name}, rest...))
	case seeds < 1:
		return study{}, fmt.Errorf("-seeds is %d; give at least 1", seeds)
	case limit < 0:
		return study{}, fmt.Errorf("-for is %s; give a positive time, or 0 for no limit", limit)
	}
	return study{}, fmt.Errorf("no study %q; there are %s", name, strings.Join(names, ", "))
}

// markdown writes a table.
func markdown(w io.Writer, caption string, columns []string, rows [][]string) {
	fmt.Fprintf(w, "\n%s\n\n| %s |\n|%s\n", caption, strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	for _, r := range rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(r, " | "))
	}
}
