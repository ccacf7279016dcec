package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A job is one thing to measure; it has one side of TLKit's for each engine, and one of the peer's.
type job struct {
	// Work is "step", or "transfer", "cached" or "finetune" on hymenoptera.
	Work string
	// Model, Batch and Size belong to "step".
	Model       string
	Batch, Size int
}

func (j job) name() string {
	if j.Work == "step" {
		return fmt.Sprintf("step %s, batch %d at %d", j.Model, j.Batch, j.Size)
	}
	return j.Work
}

// steps are the models of "step" in the order of the table.
var steps = []job{
	{"step", "resnet20", 32, 32},
	{"step", "mobilenet_v1_025", 8, 224},
	{"step", "resnet18", 8, 224},
	{"step", "mobilenet_v2", 8, 224},
	{"step", "resnet50", 8, 224},
}

func stepModels() []string {
	var names []string
	for _, j := range steps {
		names = append(names, j.Model)
	}
	return names
}

var hymenopteraWork = []string{"transfer", "cached", "finetune"}

// jobs returns the jobs that the command line selects.
func (o options) jobs() ([]job, error) {
	var list []job
	for _, w := range o.work {
		switch {
		case w == "step":
			for _, m := range o.models {
				i := slices.Index(stepModels(), m)
				if i < 0 {
					i = len(steps)
					steps = append(steps, job{"step", m, 8, 224}) // any other model of the zoo and of torchvision
				}
				list = append(list, steps[i])
			}
		case w == "hymenoptera":
			for _, w := range hymenopteraWork {
				list = append(list, job{Work: w})
			}
		case slices.Contains(hymenopteraWork, w):
			list = append(list, job{Work: w})
		default:
			return nil, fmt.Errorf("no work %q; there are step, hymenoptera, and its parts %s", w, strings.Join(hymenopteraWork, ", "))
		}
	}
	return list, nil
}

// peerJob is the peer's work that j is compared with: the peer caches no features, so that "cached" is compared with
// its transfer learning.
func (j job) peerJob() job {
	if j.Work == "cached" {
		return job{Work: "transfer"}
	}
	return j
}

// peerArgs returns the command line of the peer's script.
func (j job) peerArgs(o options, data string, seed int) []string {
	if j.Work == "step" {
		return []string{filepath.Join(o.shared, "peer", "step.py"), j.Model, strconv.Itoa(j.Batch), strconv.Itoa(j.Size), strconv.Itoa(o.steps)}
	}
	return []string{filepath.Join(o.shared, "peer", "hymenoptera.py"), data, weightFile(o.shared), j.Work, strconv.Itoa(o.epochs), strconv.Itoa(seed)}
}

func weightFile(shared string) string {
	return filepath.Join(shared, "data", "mobilenetV1X0.25_pretrain.tar")
}
