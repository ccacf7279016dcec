package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// measurement is one process's result, with its job, side, round and seed; --json keeps all of them.
type measurement struct {
	Job   string `json:"job"`
	Side  string `json:"side"`
	Round int    `json:"round"`
	Seed  int    `json:"seed"`
	result
}

// report is the JSON file.
type report struct {
	Machine  machine       `json:"machine"`
	Began    time.Time     `json:"began"`
	Rounds   int           `json:"rounds"`
	Runs     int           `json:"runs"` // rounds of hymenoptera
	Threads  int           `json:"threads"`
	Clock    string        `json:"clock"`
	Epochs   int           `json:"epochs"`
	Results  []measurement `json:"results"`
	Failures []string      `json:"failures,omitempty"`
}

// bench is a measurement under way.
type bench struct {
	options
	self     string            // our own binary, which runs our sides
	data     string            // the folder of hymenoptera, if a job needs it
	measured map[string]result // a peer's side of two jobs may be the same
}

// measure runs all sides of all jobs in turn and prints the table.
func measure(ctx context.Context, o options, jobs []job) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	b := &bench{options: o, self: self, measured: map[string]result{}}
	if slices.ContainsFunc(jobs, func(j job) bool { return j.Work != "step" }) {
		dir, err := os.MkdirTemp("", "bench-data")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if err := unzip(filepath.Join(o.shared, "data", "hymenoptera_data.zip"), dir); err != nil {
			return err
		}
		b.data = filepath.Join(dir, "hymenoptera_data")
	}
	rep := report{Machine: describeMachine(o), Began: time.Now().UTC().Truncate(time.Second), Rounds: o.rounds, Runs: o.roundsOf(job{Work: "transfer"}), Threads: o.threads, Clock: o.clock, Epochs: o.epochs}
	for _, j := range jobs {
		for round := range o.roundsOf(j) {
			if err := b.round(ctx, j, round, &rep); err != nil {
				return err
			}
		}
	}
	fmt.Print(tables(rep, jobs, o))
	if err := rep.write(o.json); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted; the table shows what was measured before")
	}
	if len(rep.Failures) > 0 {
		return fmt.Errorf("%d measurements failed", len(rep.Failures))
	}
	return nil
}

// round runs all sides of a job once, in turn, and adds their results and failures to the report.
func (b *bench) round(ctx context.Context, j job, round int, rep *report) error {
	sides := slices.Clone(b.engines)
	for _, name := range b.peers {
		if p, _ := peerNamed(name); p.does(j) {
			sides = append(sides, name)
		}
	}
	for _, side := range sides {
		if ctx.Err() != nil {
			return nil
		}
		m := measurement{Job: j.name(), Side: side, Round: round, Seed: b.seed + round}
		var err error
		if p, ok := peerNamed(side); ok {
			m.result, err = b.peerResult(ctx, p, j.peerJob(), m.Seed)
		} else {
			m.result, err = b.runOurs(ctx, b.self, j, side, b.data, m.Seed)
		}
		if err != nil {
			rep.Failures = append(rep.Failures, fmt.Sprintf("%s on %s: %v", j.name(), side, err))
			fmt.Fprintf(os.Stderr, "bench: %s\n", rep.Failures[len(rep.Failures)-1])
			continue
		}
		rep.Results = append(rep.Results, m)
		fmt.Fprintln(os.Stderr, m.progress())
		if err := rep.write(b.json); err != nil {
			return err
		}
	}
	return nil
}

// peerResult runs a peer's side of a job, or returns its result if the same job ran before.
func (b *bench) peerResult(ctx context.Context, p peer, j job, seed int) (result, error) {
	key := fmt.Sprint(p.name, j.name(), seed)
	if r, ok := b.measured[key]; ok {
		return r, nil
	}
	r, err := b.runPeer(ctx, p, j, b.data, seed)
	if err == nil {
		b.measured[key] = r
	}
	return r, err
}

// roundsOf returns how often each side of a job is measured.
func (o options) roundsOf(j job) int {
	if j.Work != "step" && o.runs > 0 {
		return o.runs
	}
	return o.rounds
}

// write writes the results to a file. measure calls it after each result, because a long run may be interrupted. ""
// means no file.
func (rep report) write(file string) error {
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(rep, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o666)
}

func (m measurement) progress() string {
	if m.Seconds > 0 {
		return fmt.Sprintf("%-40s %-13s %8.2f s, best %.3f, last %.3f, %5.0f MiB", m.Job, m.Side, m.Seconds, m.Best, m.Last, m.PeakMiB)
	}
	if m.TrainS == 0 {
		return fmt.Sprintf("%-40s %-13s %8.4f s inference, %5.0f MiB", m.Job, m.Side, m.InferS, m.PeakMiB)
	}
	return fmt.Sprintf("%-40s %-13s %8.4f s inference, %8.4f s training step, %5.0f MiB", m.Job, m.Side, m.InferS, m.TrainS, m.PeakMiB)
}

// runOurs measures TLKit's side of a job in a process of this same program.
func (o options) runOurs(ctx context.Context, self string, j job, engine, data string, seed int) (result, error) {
	ctx, stop := context.WithTimeout(ctx, o.limit)
	defer stop()
	cmd := exec.CommandContext(ctx, self, childCommand, "--work", j.Work, "--model", j.Model, "--batch", strconv.Itoa(j.Batch), "--size", strconv.Itoa(j.Size),
		"--steps", strconv.Itoa(o.steps), "--data", data, "--weights", weightFile(o.shared), "--epochs", strconv.Itoa(o.epochs), "--seed", strconv.Itoa(seed), "--clock", o.clock)
	cmd.Env = append(os.Environ(), "GOMLX_BACKEND="+engineConfig(engine, o.threads), fmt.Sprintf("GOMAXPROCS=%d", o.threads))
	return watched(cmd)
}

func (o options) runPeer(ctx context.Context, p peer, j job, data string, seed int) (result, error) {
	ctx, stop := context.WithTimeout(ctx, o.limit)
	defer stop()
	return watched(exec.CommandContext(ctx, o.peer, o.peerCommand(p, j, data, seed)...))
}

// watched runs a command and returns the result that it prints, with its peak memory.
func watched(cmd *exec.Cmd) (result, error) {
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	cmd.WaitDelay = 5 * time.Second // the peer's loaders may keep the pipes open after its end
	if err := cmd.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		return result{}, fmt.Errorf("%w: %s", err, lines[len(lines)-1])
	}
	r, err := lastJSON(out.String())
	if err != nil {
		return r, err
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.PeakMiB = float64(usage.Maxrss) / 1024
		if runtime.GOOS == "darwin" { // Maxrss is in bytes there
			r.PeakMiB /= 1024
		}
	}
	return r, nil
}

// unzip extracts a zip of plain files into dir.
func unzip(file, dir string) error {
	z, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		if !filepath.IsLocal(f.Name) {
			return fmt.Errorf("%s holds %q, which leads out of it", file, f.Name)
		}
		to := filepath.Join(dir, f.Name)
		if f.FileInfo().IsDir() {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return err
		}
		in, err := f.Open()
		if err != nil {
			return err
		}
		out, err := os.Create(to)
		if err == nil {
			_, err = io.Copy(out, in)
			err = errors.Join(err, out.Close())
		}
		if err = errors.Join(err, in.Close()); err != nil {
			return err
		}
	}
	return nil
}
