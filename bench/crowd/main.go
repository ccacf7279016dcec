// Command crowd measures what trainings at once cost each other, as several notebooks on one machine do:
//
//	go run ./bench/crowd                                          two trainings at once, beside the same two in turn
//	go run ./bench/crowd --count 5 --engine default,go,onnx:cpu   five kernels, and other engines
//
// Each training is a process of its own. A round times one of them while no other is there, then all, which begin
// together when all have compiled. The throughput is the time that they take in turn, divided by the time that they
// take at once: 1 means that sharing costs nothing, and less that threads wait for each other while they hold a core.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/bench/processor"
)

// options are the command line.
type options struct {
	models, engines             []string
	count, steps, batch, rounds int
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) > 0 && args[0] == trainCommand {
		return train(args[1:])
	}
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "crowd:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	rows, err := measure(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "crowd:", err)
		return 1
	}
	fmt.Printf("%s (%s), %d cores; %d trainings at once, %d steps of a batch of %d each, median of %d rounds\n\n%s",
		processor.Name(), strings.Join(processor.Features(), " "), runtime.NumCPU(), o.count, o.steps, o.batch, o.rounds, table(rows))
	return 0
}

func parse(args []string) (o options, err error) {
	fs := flag.NewFlagSet("crowd", flag.ContinueOnError)
	models := fs.String("model", "resnet20,resnet18", "models of the zoo")
	engines := fs.String("engine", "default", "engines, by the names of GOMLX_BACKEND; default: what TLKit chooses itself")
	fs.IntVar(&o.count, "count", 2, "trainings at once")
	fs.IntVar(&o.steps, "steps", 30, "steps that are timed")
	fs.IntVar(&o.batch, "batch", 8, "images of a step")
	fs.IntVar(&o.rounds, "rounds", 3, "times that each row is measured, an odd number")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	o.models, o.engines = strings.Split(*models, ","), strings.Split(*engines, ",")
	if fs.NArg() > 0 || o.count < 2 || o.steps < 1 || o.batch < 1 || o.rounds%2 != 1 {
		return o, fmt.Errorf("flags only, --count of at least 2, and --steps and --batch of at least 1, and an odd number of --rounds; got %q", args)
	}
	return o, nil
}

// row is a line of the table.
type row struct {
	model, engine string
	alone, crowd  time.Duration // of one training alone, and of all at once
	throughput    float64
}

// measure measures each model on each engine.
func measure(ctx context.Context, o options) (rows []row, err error) {
	for _, model := range o.models {
		for _, engine := range o.engines {
			var rounds []row
			for i := range o.rounds {
				r, err := round(ctx, o, model, engine)
				if err != nil {
					return nil, fmt.Errorf("%s on %s: %w", model, engine, err)
				}
				fmt.Fprintf(os.Stderr, "crowd: %s on %s, round %d of %d: %.2f\n", model, engine, i+1, o.rounds, r.throughput)
				rounds = append(rounds, r)
			}
			slices.SortFunc(rounds, func(a, b row) int { return int(1e6 * (a.throughput - b.throughput)) })
			rows = append(rows, rounds[len(rounds)/2])
		}
	}
	return rows, nil
}

// round times one training alone, then it and the others at once.
func round(ctx context.Context, o options, model, engine string) (row, error) {
	ctx, stop := context.WithCancel(ctx)
	var all []*training
	defer func() {
		stop() // ends the processes
		for _, t := range all {
			t.cmd.Wait()
		}
	}()
	r := row{model: model, engine: engine}
	for len(all) < o.count {
		t, err := start(ctx, o, model, engine)
		if err != nil {
			return r, err
		}
		all = append(all, t)
		if len(all) == 1 {
			if r.alone, err = timed(all); err != nil {
				return r, err
			}
		}
	}
	var err error
	if r.crowd, err = timed(all); err != nil {
		return r, err
	}
	r.throughput = float64(o.count) * r.alone.Seconds() / r.crowd.Seconds()
	return r, nil
}

func table(rows []row) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "model\tengine\talone\tat once\tthroughput")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%.2f s\t%.2f s\t%.2f\n", r.model, r.engine, r.alone.Seconds(), r.crowd.Seconds(), r.throughput)
	}
	w.Flush()
	return b.String()
}
