// Command bench measures TLKit beside PyTorch, on the same machine, the same files and the same number of threads.
//
//	bench --engine default,go --peer PYTHON         everything, PyTorch's settings and OpenVINO included
//	bench --work step --model resnet18,resnet50     some of it; --list names all
//	bench --work finetune --epochs 3 --rounds 1
//
// Every measurement is a process of its own, so that its peak memory is its own. The sides take turns, round by round:
// on a machine with other work the ratio of two neighbours is more reliable than either figure. The table shows
// medians; --json FILE keeps every single result. When interrupted, the command shows the results so far. PYTHON is an
// interpreter with torch and torchvision, and with openvino if OpenVINO is to be measured.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the command line.
type options struct {
	work, models, engines []string
	peers, left           []string // what is measured beside, and what is left out, with the reason
	peer, shared, json    string
	rounds, runs, threads int
	limit                 time.Duration
	steps, epochs         int
	seed                  int
	clock                 string
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) > 0 && args[0] == childCommand {
		return child(args[1:])
	}
	o, list, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 2
	}
	jobs, err := o.jobs()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 2
	}
	if list {
		for _, j := range jobs {
			fmt.Println(j.name())
		}
		return 0
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := measure(ctx, o, jobs); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

func parse(args []string) (o options, list bool, err error) {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	work := fs.String("work", "step,transfer,cached,finetune", "what to measure; \"hymenoptera\" is the last three")
	models := fs.String("model", strings.Join(stepModels(), ","), "models of the work \"step\"")
	engines := fs.String("engine", "go", "engines, by the names of GOMLX_BACKEND: go, onnx, xla:cuda; default: what TLKit chooses itself; openvino:bf16: bfloat16")
	variants := fs.String("variant", "auto", "peers: "+strings.Join(peerNames(), ",")+"; auto: all that PYTHON and the processor have")
	fs.StringVar(&o.peer, "peer", "", "Python with torch and torchvision, and openvino if it has that; without it, only our side is measured")
	fs.StringVar(&o.shared, "shared", "", "folder with data/ and peer/; default TLKIT_SHARED, or ../shared")
	fs.StringVar(&o.json, "json", "", "file for every single result")
	fs.IntVar(&o.rounds, "rounds", 3, "times that each side runs; the table has medians")
	fs.IntVar(&o.runs, "runs", 0, "rounds of \"hymenoptera\", which takes most of the time; 0: as many as --rounds")
	fs.DurationVar(&o.limit, "limit", 15*time.Minute, "longest time of one measurement; what takes longer has failed")
	fs.IntVar(&o.threads, "threads", 2, "threads of each side (the peers' scripts always use 2)")
	fs.IntVar(&o.steps, "steps", 8, "inferences and training steps of \"step\"; the first two don't count")
	fs.IntVar(&o.epochs, "epochs", 25, "epochs of \"hymenoptera\"")
	fs.IntVar(&o.seed, "seed", 0, "seed of the first round; each round has the next one")
	fs.StringVar(&o.clock, "clock", "wall", "\"cpu\" counts CPU time, with one thread on each side: for a machine with other work")
	fs.BoolVar(&list, "list", false, "list what would be measured")
	if err := fs.Parse(args); err != nil {
		return o, false, err
	}
	if o.clock == "cpu" {
		o.threads = 1
	}
	switch {
	case clocks[o.clock] == nil:
		return o, false, fmt.Errorf("no clock %q; there are wall and cpu", o.clock)
	case fs.NArg() > 0:
		return o, false, fmt.Errorf("flags only, got %q", fs.Args())
	case o.runs < 0 || o.limit <= 0:
		return o, false, errors.New("--runs must not be negative, and --limit must be positive")
	case o.rounds < 1 || o.epochs < 1 || o.threads < 1:
		return o, false, errors.New("--rounds, --epochs and --threads must be at least 1")
	case o.steps < 3:
		return o, false, errors.New("--steps must be at least 3: the first two are not counted")
	}
	var named []string
	for _, list := range []struct {
		to   *[]string
		text string
	}{{&o.work, *work}, {&o.models, *models}, {&o.engines, *engines}, {&named, *variants}} {
		for _, name := range strings.Split(list.text, ",") {
			if name = strings.TrimSpace(name); name != "" {
				*list.to = append(*list.to, name)
			}
		}
	}
	o.shared = cmp.Or(o.shared, os.Getenv("TLKIT_SHARED"), filepath.Join("..", "shared"))
	if slices.Contains(o.engines, defaultSide) && o.threads != runtime.NumCPU() {
		return o, false, fmt.Errorf("the default engines use every core, so that --threads must be %d beside them, got %d", runtime.NumCPU(), o.threads)
	}
	o.peers, o.left, err = o.choosePeers(named)
	return o, list, err
}
