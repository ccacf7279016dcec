package sweep

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
)

// Slurm trains tasks as an array job of a Slurm cluster, from a machine that has sbatch, squeue and scancel. The
// sweep's folder and the installation (TLKIT_HOME) must be at the same paths on all nodes, and the file system must
// know locks (flock). A task that a node loses is queued again by Slurm and goes on from its checkpoint; what Slurm
// gives up, the sweep submits again.
type Slurm struct {
	// Partition and Account are those of sbatch; "" leaves them to the cluster.
	Partition, Account string
	// CPUs is the number of cores for each task; 0 means 1. Memory is in bytes; 0 leaves it to the cluster.
	CPUs   int
	Memory int64
	// Time is the limit for one start of a task, four minutes at least; 0 leaves it to the cluster. A task that comes
	// near it saves, and is submitted again.
	Time time.Duration
	// AtOnce is the largest number of tasks that run at once; 0 means as many as the cluster allows.
	AtOnce int
	// Options are further options of sbatch, such as "--gres=gpu:1".
	Options []string
	// Poll is the time between two looks at the queue; 0 means 5 seconds.
	Poll time.Duration
}

// slurmScript is the array job. Every task has a line in the file of folders.
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
{{end}}{{.Task}}`))

// slurmShortest is the shortest limit of time. A task has 120 seconds to save; Slurm sends the signal up to a minute
// earlier than it is told, and counts in minutes.
const slurmShortest = 4 * time.Minute

// check implements checker.
func (s Slurm) check() error {
	return share{"Slurm", s.CPUs, s.AtOnce, s.Memory, s.Time, slurmShortest, s.Poll}.check()
}

// Train implements [Executor]. At the end of ctx it cancels the job, whose tasks then save.
func (s Slurm) Train(ctx context.Context, tasks []*Task, env []string, work string) error {
	if err := s.check(); err != nil {
		return err
	}
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

// attach implements attacher.
func (s Slurm) attach(ctx context.Context, work string) (waited bool, err error) {
	job, path, err := remembered(work)
	if err != nil || job == "" {
		return false, err
	}
	if _, err := strconv.ParseUint(job, 10, 64); err != nil {
		return false, fmt.Errorf("%s has %q, expected the number of a Slurm job; if no cluster has a job of this sweep, delete the file", path, job)
	}
	return true, s.follow(ctx, job, work)
}

// follow waits until a job has left the queue, and forgets it.
func (s Slurm) follow(ctx context.Context, job, work string) error {
	if err := follow(ctx, s, cmp.Or(s.Poll, 5*time.Second), job, work); err != nil {
		return err
	}
	return forget(work)
}

// write writes the job and the list of its folders, and returns the job's path.
func (s Slurm) write(tasks []*Task, env []string, work string) (string, error) {
	list, err := folderList(tasks)
	if err != nil {
		return "", err
	}
	command, err := tasks[0].Command()
	if err != nil {
		return "", err
	}
	// An earlier job may still read its list.
	folders := fmt.Sprintf("%s-%d", filepath.Join(work, "folders.txt"), time.Now().UnixNano())
	if err := atomicfile.WriteBytes(folders, list); err != nil {
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
		"Task": taskScript("SLURM_ARRAY_TASK_ID", folders, cwd, command[:len(command)-1]),
	}); err != nil {
		return "", err
	}
	script := filepath.Join(work, "sweep.sh")
	return script, atomicfile.WriteBytes(script, text.Bytes())
}

// submit returns the job's number, after writing it to the sweep's folder. The end of ctx does not end it: the
// controller may have accepted a job whose number was not printed yet.
func (s Slurm) submit(ctx context.Context, script, work string) (job string, err error) {
	out, err := slurmCommand(context.WithoutCancel(ctx), work, "sbatch", append(append([]string{"--parsable"}, s.Options...), script)...)
	if err != nil {
		return "", err
	}
	job, _, _ = strings.Cut(strings.TrimSpace(out), ";") // "job;cluster"
	if job == "" {
		return "", errors.New("sbatch printed no number of a job")
	}
	if err := remember(job, work); err != nil {
		return "", errors.Join(fmt.Errorf("job %s: its number can't be kept: %w", job, err), s.cancel(job, work))
	}
	return job, nil
}

// queued implements queue. A job of that number in another folder is not the sweep's: numbers begin anew when a cluster
// is set up again.
func (Slurm) queued(ctx context.Context, job, work string) (bool, error) {
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

// cancel implements queue. Tasks that wait go first, so that none of them starts when another ends.
func (s Slurm) cancel(job, work string) error {
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
	defer stop()
	_, failed := slurmCommand(ctx, "", "scancel", "--state=PENDING", job)
	_, untold := slurmCommand(ctx, "", "scancel", "--signal=TERM", "--batch", job)
	tick := time.NewTicker(cmp.Or(s.Poll, 5*time.Second))
	defer tick.Stop()
	for {
		running, err := s.queued(ctx, job, work)
		if err == nil && !running {
			return nil
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

// slurmCommand runs a program of Slurm's.
func slurmCommand(ctx context.Context, dir, name string, args ...string) (string, error) {
	return command(ctx, dir, "Slurm's programs are on the cluster's login machine (on Debian: apt install slurm-client)", name, args...)
}
