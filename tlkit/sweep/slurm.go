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
	"strconv"
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
	return s.follow(ctx, job, work)
}

// jobFile holds the number of the sweep's job, from its submission until it has left the queue.
const jobFile = "job"

// attach implements attacher: a job goes on when the notebook that submitted it ends.
func (s Slurm) attach(ctx context.Context, work string) (waited bool, err error) {
	path := filepath.Join(work, jobFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	job := strings.TrimSpace(string(text))
	if _, err := strconv.ParseUint(job, 10, 64); err != nil {
		return false, fmt.Errorf("%s has %q, expected the number of a Slurm job; if squeue shows no job of this sweep, delete the file", path, job)
	}
	return true, s.follow(ctx, job, work)
}

// follow waits until a job has left the queue. At the end of ctx it cancels the job.
func (s Slurm) follow(ctx context.Context, job, work string) error {
	tick := time.NewTicker(cmp.Or(s.Poll, 5*time.Second))
	defer tick.Stop()
	for unseen := 0; ; {
		running, err := queued(ctx, job, work)
		switch {
		case err == nil && !running:
			return forget(work)
		case err == nil:
			unseen = 0
		case errors.Is(err, exec.ErrNotFound):
			return fmt.Errorf("job %s: %w", job, err)
		case ctx.Err() == nil:
			// The controller may be away for a while; the job goes on.
			if unseen++; unseen == 60 {
				return fmt.Errorf("job %s goes on, but squeue fails again and again: %w; the same call of Run waits for it", job, err)
			}
		}
		select {
		case <-ctx.Done():
			return s.cancel(job, work)
		case <-tick.C:
		}
	}
}

// forget removes the number of a job that is over.
func forget(work string) error {
	if err := os.Remove(filepath.Join(work, jobFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
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
		"Name": jobName(work), "Last": len(tasks) - 1, "AtOnce": s.AtOnce, "CPUs": cmp.Or(s.CPUs, 1),
		"Partition": s.Partition, "Account": s.Account, "MiB": s.Memory >> 20, "Minutes": int(s.Time / time.Minute), "Env": env,
		"Folders": folders, "Cwd": cwd, "Command": command[:len(command)-1],
	}); err != nil {
		return "", err
	}
	script := filepath.Join(work, "sweep.sh")
	return script, atomicfile.WriteBytes(script, text.Bytes())
}

// submit returns the job's number, after writing it to the sweep's folder. The end of ctx does not end it: the controller
// may have accepted a job whose number was not printed yet.
func (s Slurm) submit(ctx context.Context, script, work string) (job string, err error) {
	out, err := slurmCommand(context.WithoutCancel(ctx), work, "sbatch", append(append([]string{"--parsable"}, s.Options...), script)...)
	if err != nil {
		return "", err
	}
	job, _, _ = strings.Cut(strings.TrimSpace(out), ";") // "job;cluster"
	if job == "" {
		return "", errors.New("sbatch printed no number of a job")
	}
	if err := atomicfile.WriteBytes(filepath.Join(work, jobFile), []byte(job+"\n")); err != nil {
		return "", errors.Join(fmt.Errorf("job %s: its number can't be kept: %w", job, err), s.cancel(job, work))
	}
	return job, nil
}

// queued reports whether tasks of a job wait or run. A job of that number in another folder is not the sweep's: numbers
// begin anew when a cluster is set up again.
func queued(ctx context.Context, job, work string) (bool, error) {
	out, err := slurmCommand(ctx, "", "squeue", "--noheader", "--jobs="+job, "--format=%j|%Z")
	if err != nil && strings.Contains(err.Error(), "Invalid job id") { // Slurm has forgotten it: it ended a while ago
		return false, nil
	}
	for line := range strings.Lines(out) {
		// Options may name the job or its folder differently, hardly both.
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, jobName(work)+"|") || strings.HasSuffix(line, "|"+work) {
			return true, err
		}
	}
	return false, err
}

// jobName is the name of a sweep's jobs.
func jobName(work string) string { return "tlkit-" + filepath.Base(filepath.Dir(work)) }

// cancel ends a job, and waits until its tasks have saved. Those that wait go first, so that none of them starts when
// another ends.
func (s Slurm) cancel(job, work string) error {
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
	defer stop()
	_, failed := slurmCommand(ctx, "", "scancel", "--state=PENDING", job)
	_, untold := slurmCommand(ctx, "", "scancel", "--signal=TERM", "--batch", job)
	tick := time.NewTicker(cmp.Or(s.Poll, 5*time.Second))
	defer tick.Stop()
	for {
		running, err := queued(ctx, job, work)
		if err == nil && !running {
			return forget(work)
		}
		if failed != nil {
			return fmt.Errorf("job %s could not be cancelled: %w", job, failed)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("job %s was cancelled and is still in the queue after five minutes; the same call of Run waits for it", job), untold)
		}
		if untold != nil { // no task ran, or the controller was away
			_, untold = slurmCommand(ctx, "", "scancel", "--signal=TERM", "--batch", job)
		}
	}
}

// slurmCommand runs a program of Slurm's. The error has what it printed.
func slurmCommand(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	apart(cmd)
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
