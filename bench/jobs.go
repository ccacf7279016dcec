package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// A job is one thing to measure; it has one side of TLKit's for each engine, and one for each peer.
type job struct {
	// Work is "step", or "transfer", "cached" or "finetune" on hymenoptera.
	Work string
	// Model, Batch and Size belong to "step".
	Model       string
	Batch, Size int
	// Adds is the number of multiply-adds of the network for one image, in units of 10^9; 0 if it is not known.
	Adds float64
}

func (j job) name() string {
	if j.Work == "step" {
		return fmt.Sprintf("step %s, batch %d at %d", j.Model, j.Batch, j.Size)
	}
	return j.Work
}

// steps are the models of "step" in the order of the table. The multiply-adds are those of the papers (ResNet, section
// 4.2; MobileNet, table 6) and of torchvision's weight sets.
var steps = []job{
	{"step", "resnet20", 32, 32, 0.041},
	{"step", "mobilenet_v1_025", 8, 224, 0.041},
	{"step", "resnet18", 8, 224, 1.814},
	{"step", "mobilenet_v2", 8, 224, 0.301},
	{"step", "resnet50", 8, 224, 4.089},
	{"step", "vit_b_16", 8, 224, 17.564},
	{"step", "convnext_tiny", 8, 224, 4.456},
	{"step", "efficientnet_b0", 8, 224, 0.386},
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
					steps = append(steps, job{"step", m, 8, 224, 0}) // any other model of the zoo and of torchvision
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

func weightFile(shared string) string {
	return filepath.Join(shared, "data", "mobilenetV1X0.25_pretrain.tar")
}
