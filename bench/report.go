package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
)

// machine describes the computer and the versions with which the figures were made.
type machine struct {
	CPU     string `json:"cpu"`
	Cores   int    `json:"cores"`
	System  string `json:"system"`
	Go      string `json:"go"`
	GoMLX   string `json:"gomlx"`
	SIMD    bool   `json:"simd"`
	Peer    string `json:"peer,omitempty"`
	Version string `json:"version,omitempty"`
}

func describeMachine(peer string) machine {
	m := machine{CPU: "unknown", Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), SIMD: backend.SIMD}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == "github.com/gomlx/gomlx" {
				m.GoMLX = d.Version
			}
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				m.Version = s.Value
			}
		}
	}
	if peer != "" {
		out, err := exec.Command(peer, "-c", "import torch, torchvision; print('PyTorch', torch.__version__, 'torchvision', torchvision.__version__)").Output()
		if err == nil {
			m.Peer = strings.TrimSpace(string(out))
		}
	}
	return m
}

func (m machine) String() string {
	s := fmt.Sprintf("%s, %d cores, %s; %s, GoMLX %s, simd %t", m.CPU, m.Cores, m.System, m.Go, m.GoMLX, m.SIMD)
	if m.Peer != "" {
		s += "; " + m.Peer
	}
	return s
}

// A column is one figure of a job.
type column struct {
	name string
	of   func(result) float64
	unit string
}

var stepColumns = []column{
	{"inference", func(r result) float64 { return r.InferS }, "%.4f s"},
	{"training step", func(r result) float64 { return r.TrainS }, "%.4f s"},
	{"peak memory", func(r result) float64 { return r.PeakMiB }, "%.0f MiB"},
}

var trainColumns = []column{
	{"time", func(r result) float64 { return r.Seconds }, "%.2f s"},
	{"peak memory", func(r result) float64 { return r.PeakMiB }, "%.0f MiB"},
	{"accuracy, last epoch", func(r result) float64 { return r.Last }, "%.3f"},
	{"accuracy, best epoch", func(r result) float64 { return r.Best }, "%.3f"},
}

// table returns the report in Markdown: medians (of accuracies, means), and the ratio of each engine to the peer, which
// is the median of the rounds' own ratios.
func table(rep report, jobs []job, o options) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s. %s; %d rounds, %d threads, %s time", rep.Began.Format("2006-01-02"), rep.Machine, rep.Rounds, rep.Threads, rep.Clock)
	for _, j := range jobs {
		if j.Work != "step" {
			fmt.Fprintf(&b, "; hymenoptera: %d rounds, %d epochs", rep.Runs, rep.Epochs)
			break
		}
	}
	b.WriteString(".\n\n| work | figure |")
	rule := "|---|---|"
	if o.peer != "" {
		b.WriteString(" PyTorch |")
		rule += "---|"
	}
	for _, e := range o.engines {
		fmt.Fprintf(&b, " %s |", e)
		rule += "---|"
		if o.peer != "" {
			fmt.Fprintf(&b, " %s / PyTorch |", e)
			rule += "---|"
		}
	}
	b.WriteString("\n" + rule + "\n")
	for _, j := range jobs {
		columns := stepColumns
		if j.Work != "step" {
			columns = trainColumns
		}
		for _, c := range columns {
			b.WriteString(rep.row(j, c, o) + "\n")
		}
	}
	return b.String()
}

// row returns one figure of a job, in Markdown.
func (rep report) row(j job, c column, o options) string {
	accuracy := strings.HasPrefix(c.name, "accuracy")
	middle := median
	if accuracy {
		middle = mean
	}
	cell := func(side string) string {
		if values := rep.values(j, side, c); len(values) > 0 {
			return fmt.Sprintf(" "+c.unit+" |", middle(values))
		}
		return " |"
	}
	row := fmt.Sprintf("| %s | %s |", j.name(), c.name)
	if o.peer != "" {
		row += cell(peerSide)
	}
	for _, e := range o.engines {
		row += cell(e)
		if o.peer == "" {
			continue
		}
		if ratio := median(rep.ratios(j, e, c)); accuracy || ratio == 0 {
			row += " |"
		} else {
			row += fmt.Sprintf(" %.2f |", ratio)
		}
	}
	return row
}

// values returns a figure of a job on one side, round by round.
func (rep report) values(j job, side string, c column) []float64 {
	var all []float64
	for _, m := range rep.Results {
		if m.Job == j.name() && m.Side == side {
			all = append(all, c.of(m.result))
		}
	}
	return all
}

// ratios divides an engine's figure by the peer's of the same round.
func (rep report) ratios(j job, engine string, c column) []float64 {
	var all []float64
	for _, ours := range rep.Results {
		if ours.Job != j.name() || ours.Side != engine {
			continue
		}
		for _, theirs := range rep.Results {
			if theirs.Job == ours.Job && theirs.Side == peerSide && theirs.Round == ours.Round && c.of(theirs.result) > 0 {
				all = append(all, c.of(ours.result)/c.of(theirs.result))
			}
		}
	}
	return all
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(1, len(values)))
}
