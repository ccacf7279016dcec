package sweep

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
)

// Slurm trains tasks as an array job of a Slurm cluster, from a machine that has sbatch, squeue and scancel. The sweep's
// folder and the installation (TLKIT_HOME) must be at the same paths on all nodes, and the file system must know locks
// (flock). A task that a node loses is queued again by Slurm and goes on from its checkpoint; what Slurm gives up, the
// sweep submits again.
type Slurm struct {
	// Partition and Account are those of sbatch; "" leaves them to the cluster.
	Partition, Account string
	// CPUs is the number of cores for each task; 0 means 1. Memory is in bytes; 0 leaves it to the cluster.
	CPUs   int
	Memory int64
	// Time is the limit for one start of a task; 0 leaves it to the cluster. A task that comes near it saves, and is
	// submitted again.
	Time time.Duration
	// AtOnce is the largest number of tasks that run at once; 0 means as many as the cluster allows.
	AtOnce int
	// Options are further options of sbatch, such as "--gres=gpu:1".
	Options []string
	// Poll is the time between two looks at the queue; 0 means 5 seconds.
	Poll time.Duration
}

// slurmScript is the array job. Every task has a line in the file of folders; flock keeps two processes, of which one was
// lost to Slurm but lives, from training one folder.
var slurmScript = template.Must(template.New("sweep.sh").Funcs(template.FuncMap{"quote": shellQuote}).Parse(`#!/bin/bash
#SBATCH --job-name={{.Name}}
#SBATCH --array=0-{{.Last}}{{with .AtOnce}}%{{.}}{{end}}
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%A_%a.log
#SBATCH --cpus-per-task={{.CPUs}}
#SBATCH --signal=B:TERM@120
{{with .Partition}}#SBATCH --partition={{.}}
{{end}}{{with .Account}}#SBATCH --account={{.}}
{{end}}{{with .MiB}}#SBATCH --mem={{.}}M
{{end}}{{with .Minutes}}#SBATCH --time={{.}}
{{end}}export GOMAXPROCS={{.CPUs}}
{{range .Env}}export {{quote .}}
{{end}}run=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" {{quote .Folders}})
cd {{quote .Cwd}}
exec flock --no-fork "$run/.detached/lock" {{range .Command}}{{quote .}} {{end}}"$run" >>"$run/.detached/log.txt" 2>&1
`))

// shellQuote quotes a word for the shell. In NAME=VALUE the value is quoted.
func shellQuote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// Train implements [Executor]. At the end of ctx it cancels the job, whose tasks then save.
func (s Slurm) Train(ctx context.Context, tasks []*Task, env []string, work string) error {
	script, err := s.write(tasks, env, work)
	if err != nil {
		return err
	}
	job, err := s.submit(ctx, script, work)
	if err != nil {
		return err
	}
	tick := time.NewTicker(cmp.Or(s.Poll, 5*time.Second))
	defer tick.Stop()
	for unseen := 0; ; {
		running, err := queued(ctx, job)
		switch {
		case err == nil && !running:
			return nil
		case err == nil:
			unseen = 0
		case ctx.Err() == nil:
			// The controller may be away for a while; the job goes on.
			if unseen++; unseen == 60 {
				return fmt.Errorf("job %s: squeue fails again and again: %w; the same call of Run goes on", job, err)
			}
		}
		select {
		case <-ctx.Done():
			return s.cancel(job)
		case <-tick.C:
		}
	}
}

// write writes the job and the list of its folders, and returns the job's path.
func (s Slurm) write(tasks []*Task, env []string, work string) (string, error) {
	if len(tasks) == 0 {
		return "", errors.New("there are no tasks to submit")
	}
	command, err := tasks[0].Command()
	if err != nil {
		return "", err
	}
	folders := filepath.Join(work, "folders.txt")
	var list bytes.Buffer
	for _, t := range tasks {
		if strings.Contains(t.Dir, "\n") {
			return "", fmt.Errorf("the folder %q has a line break in its name", t.Dir)
		}
		fmt.Fprintln(&list, t.Dir)
	}
	// An earlier job may still read its list.
	folders = fmt.Sprintf("%s-%d", folders, time.Now().UnixNano())
	if err := atomicfile.WriteBytes(folders, list.Bytes()); err != nil {
		return "", err
	}
	cwd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	var text bytes.Buffer
	if err := slurmScript.Execute(&text, map[string]any{
		"Name": "tlkit-" + filepath.Base(filepath.Dir(work)), "Last": len(tasks) - 1, "AtOnce": s.AtOnce, "CPUs": cmp.Or(s.CPUs, 1),
		"Partition": s.Partition, "Account": s.Account, "MiB": s.Memory >> 20, "Minutes": int(s.Time / time.Minute), "Env": env,
		"Folders": folders, "Cwd": cwd, "Command": command[:len(command)-1],
	}); err != nil {
		return "", err
	}
	script := filepath.Join(work, "sweep.sh")
	return script, atomicfile.WriteBytes(script, text.Bytes())
}

// submit returns the job's number.
func (s Slurm) submit(ctx context.Context, script, work string) (job string, err error) {
	out, err := slurmCommand(ctx, work, "sbatch", append(append([]string{"--parsable"}, s.Options...), script)...)
	job, _, _ = strings.Cut(strings.TrimSpace(out), ";") // "job;cluster"
	if err == nil && job == "" {
		err = errors.New("sbatch printed no number of a job")
	}
	return job, err
}

// queued reports whether tasks of a job wait or run.
func queued(ctx context.Context, job string) (bool, error) {
	out, err := slurmCommand(ctx, "", "squeue", "--noheader", "--jobs="+job, "--format=%T")
	if err != nil && strings.Contains(err.Error(), "Invalid job id") { // Slurm has forgotten it: it ended a while ago
		return false, nil
	}
	return strings.TrimSpace(out) != "", err
}

// cancel ends a job, and waits until its tasks have saved.
func (s Slurm) cancel(job string) error {
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
	defer stop()
	if _, err := slurmCommand(ctx, "", "scancel", "--signal=TERM", "--batch", job); err != nil {
		return err
	}
	if _, err := slurmCommand(ctx, "", "scancel", job); err != nil { // those that wait
		return err
	}
	tick := time.NewTicker(cmp.Or(s.Poll, 5*time.Second))
	defer tick.Stop()
	for {
		if running, err := queued(ctx, job); err == nil && !running {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("job %s was cancelled and is still in the queue after five minutes", job)
		}
	}
}

// slurmCommand runs a program of Slurm's. The error has what it printed.
func slurmCommand(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return "", fmt.Errorf("%w; Slurm's programs are on the cluster's login machine (on Debian: apt install slurm-client)", err)
		}
		return out.String(), fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(said.String()))
	}
	return out.String(), nil
}
