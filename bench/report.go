package main

import (
	"fmt"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/bench/processor"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
)

// machine describes the computer and the versions with which the figures were made.
type machine struct {
	CPU string `json:"cpu"`
	// Features are the processor's instructions that matter here.
	Features []string `json:"features"`
	Cores    int      `json:"cores"`
	System   string   `json:"system"`
	Go       string   `json:"go"`
	GoMLX    string   `json:"gomlx"`
	SIMD     bool     `json:"simd"`
	// PeakGFLOPS is the speed of fused multiply-adds without memory, on vectors of PeakBits; 0 if it was not measured.
	PeakGFLOPS float64 `json:"peak_gflops,omitempty"`
	PeakBits   int     `json:"peak_bits,omitempty"`
	Peer       string  `json:"peer,omitempty"`
	Version    string  `json:"version,omitempty"`
}

func describeMachine(o options) machine {
	m := machine{CPU: processor.Name(), Features: processor.Features(), Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), SIMD: backend.SIMD}
	m.PeakGFLOPS, m.PeakBits = peak(o.threads)
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
	if o.peer != "" {
		out, err := exec.Command(o.peer, "-c", `import importlib.metadata as m
for name in "torch", "torchvision", "openvino":
    try: print(name, m.version(name))
    except m.PackageNotFoundError: pass`).Output()
		if err == nil {
			m.Peer = strings.Join(strings.Fields(string(out)), " ")
		}
	}
	return m
}

func (m machine) String() string {
	s := fmt.Sprintf("%s (%s), %d cores, %s; %s, GoMLX %s, simd %t", m.CPU, strings.Join(m.Features, " "), m.Cores, m.System, m.Go, m.GoMLX, m.SIMD)
	if m.PeakGFLOPS > 0 {
		s += fmt.Sprintf("; peak %.0f GFLOP/s with %d bits", m.PeakGFLOPS, m.PeakBits)
	}
	if m.Peer != "" {
		s += "; " + m.Peer
	}
	return s
}

// A column is one figure of a job: a row of the table.
type column struct {
	name string
	of   func(result) float64
	unit string
}

var (
	inference    = column{"inference", func(r result) float64 { return r.InferS }, "%.4f s"}
	trainingStep = column{"training step", func(r result) float64 { return r.TrainS }, "%.4f s"}
	peakMemory   = column{"peak memory", func(r result) float64 { return r.PeakMiB }, "%.0f MiB"}
	wholeTime    = column{"time", func(r result) float64 { return r.Seconds }, "%.2f s"}
	lastAccuracy = column{"accuracy, last epoch", func(r result) float64 { return r.Last }, "%.3f"}
	bestAccuracy = column{"accuracy, best epoch", func(r result) float64 { return r.Best }, "%.3f"}
)

// columns returns the figures of a job.
func (j job) columns() []column {
	if j.Work == "step" {
		return []column{inference, trainingStep, peakMemory}
	}
	return []column{wholeTime, peakMemory, lastAccuracy, bestAccuracy}
}

// isRatio reports whether the figure of two sides may be divided: an accuracy may not.
func (c column) isRatio() bool { return !strings.HasPrefix(c.name, "accuracy") }

// tables returns the report in Markdown: ours beside the others, then each setting of the others.
func tables(rep report, jobs []job, o options) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s. %s; %d rounds, %d threads, %s time", rep.Began.Format("2006-01-02"), rep.Machine, rep.Rounds, rep.Threads, rep.Clock)
	if slices.ContainsFunc(jobs, func(j job) bool { return j.Work != "step" }) {
		fmt.Fprintf(&b, "; hymenoptera: %d rounds, %d epochs", rep.Runs, rep.Epochs)
	}
	b.WriteString(".\n")
	for _, left := range o.left {
		fmt.Fprintf(&b, "Left out: %s.\n", left)
	}
	// Where a run was interrupted, jobs without a result have no rows.
	jobs = slices.DeleteFunc(slices.Clone(jobs), func(j job) bool {
		return !slices.ContainsFunc(rep.Results, func(m measurement) bool { return m.Job == j.name() })
	})
	b.WriteString("\n" + rep.oursTable(jobs, o))
	if len(o.peers) > 0 {
		b.WriteString("\n" + rep.peersTable(jobs, o))
	}
	return b.String()
}

// oursTable has our engines with their ratios to PyTorch's eager mode, to its fastest float32 setting and to OpenVINO.
func (rep report) oursTable(jobs []job, o options) string {
	header := []string{"work", "figure"}
	if len(o.fp32()) > 0 {
		header = append(header, "PyTorch eager", "PyTorch's best fp32")
	}
	for _, e := range o.engines {
		header = append(header, e)
		if len(o.peers) > 0 {
			header = append(header, "to eager / best / OpenVINO")
		}
	}
	rows := [][]string{header}
	for _, j := range jobs {
		for _, c := range j.columns() {
			row := []string{j.name(), c.name}
			best := rep.best(j, c, o)
			if len(o.fp32()) > 0 {
				row = append(row, rep.cell(j, eagerSide, c), strings.TrimSpace(rep.cell(j, best, c)+" "+best))
			}
			for _, e := range o.engines {
				row = append(row, rep.cell(j, e, c))
				if len(o.peers) > 0 {
					row = append(row, rep.ratioCell(j, e, c, []string{eagerSide, best, "openvino"}))
				}
			}
			rows = append(rows, row)
		}
		if speed := rep.speedRow(j, o); speed != nil {
			rows = append(rows, speed)
		}
	}
	return markdown(rows)
}

// speedRow has the GFLOP/s of the inference of a job; nil if the network's multiply-adds are not known.
func (rep report) speedRow(j job, o options) []string {
	if j.Adds == 0 {
		return nil
	}
	speed := func(side string) string {
		if s := numbers.Median(rep.values(j, side, inference)); s > 0 {
			return fmt.Sprintf("%.0f", 2*j.Adds*float64(j.Batch)/s)
		}
		return ""
	}
	row := []string{j.name(), "GFLOP/s of inference"}
	if len(o.fp32()) > 0 {
		row = append(row, speed(eagerSide), speed(rep.best(j, inference, o)))
	}
	for _, e := range o.engines {
		row = append(row, speed(e))
		if len(o.peers) > 0 {
			row = append(row, "")
		}
	}
	return row
}

// peersTable has each setting of the others, and our ratios to those in bfloat16, whose numbers are others.
func (rep report) peersTable(jobs []job, o options) string {
	header := append([]string{"work", "figure"}, o.peers...)
	var bf16 []string
	for _, name := range o.peers {
		if p, _ := peerNamed(name); p.bf16 {
			bf16 = append(bf16, name)
		}
	}
	if len(bf16) > 0 {
		for _, e := range o.engines {
			header = append(header, e+" to "+strings.Join(bf16, " / "))
		}
	}
	rows := [][]string{header}
	for _, j := range jobs {
		for _, c := range j.columns() {
			row := []string{j.name(), c.name}
			for _, name := range o.peers {
				row = append(row, rep.cell(j, name, c))
			}
			for _, e := range o.engines {
				if len(bf16) > 0 {
					row = append(row, rep.ratioCell(j, e, c, bf16))
				}
			}
			rows = append(rows, row)
		}
	}
	return markdown(rows)
}

// best returns PyTorch's float32 setting with the lowest figure; "" for an accuracy, or if none was measured.
func (rep report) best(j job, c column, o options) string {
	name, lowest := "", 0.0
	for _, side := range o.fp32() {
		if v := numbers.Median(rep.values(j, side, c)); v > 0 && c.isRatio() && (name == "" || v < lowest) {
			name, lowest = side, v
		}
	}
	return name
}

// cell returns the median of a figure (of accuracies, the mean), or "".
func (rep report) cell(j job, side string, c column) string {
	middle := numbers.Median
	if !c.isRatio() {
		middle = mean
	}
	if v := middle(rep.values(j, side, c)); v > 0 {
		return fmt.Sprintf(c.unit, v)
	}
	return ""
}

// ratioCell returns the ratios of an engine's figure to those of others, each the median of the rounds' own ratios.
func (rep report) ratioCell(j job, engine string, c column, others []string) string {
	var all []string
	any := false
	for _, other := range others {
		text := "-"
		if ratio := numbers.Median(rep.ratios(j, engine, other, c)); ratio > 0 && c.isRatio() {
			text, any = fmt.Sprintf("%.2f", ratio), true
		}
		all = append(all, text)
	}
	if !any {
		return ""
	}
	return strings.Join(all, " / ")
}

// values returns a figure of a job on one side, round by round, where that side has it.
func (rep report) values(j job, side string, c column) []float64 {
	var all []float64
	for _, m := range rep.Results {
		if v := c.of(m.result); m.Job == j.name() && m.Side == side && v > 0 {
			all = append(all, v)
		}
	}
	return all
}

// ratios divides an engine's figure by another side's of the same round.
func (rep report) ratios(j job, engine, other string, c column) []float64 {
	var all []float64
	for _, ours := range rep.Results {
		if ours.Job != j.name() || ours.Side != engine {
			continue
		}
		for _, theirs := range rep.Results {
			if theirs.Job == ours.Job && theirs.Side == other && theirs.Round == ours.Round && c.of(theirs.result) > 0 {
				all = append(all, c.of(ours.result)/c.of(theirs.result))
			}
		}
	}
	return all
}

// markdown writes rows as a table; the first one is its header.
func markdown(rows [][]string) string {
	var b strings.Builder
	for i, row := range rows {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(row)) + "|\n")
		}
	}
	return b.String()
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(1, len(values)))
}
