package sweep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/internal/toolargs"
)

// queue is where a cluster keeps jobs. work is the folder of the executor's files.
type queue interface {
	// queued reports whether tasks of a job wait or run. The error is that the cluster's programs failed.
	queued(ctx context.Context, job, work string) (bool, error)
	// cancel ends a job, and waits until its tasks have saved.
	cancel(job, work string) error
}

// follow waits until a job has left the queue. At the end of ctx it cancels the job.
func follow(ctx context.Context, q queue, poll time.Duration, job, work string) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for unseen := 0; ; {
		running, err := q.queued(ctx, job, work)
		switch {
		case err == nil && !running:
			return nil
		case err == nil:
			unseen = 0
		case errors.Is(err, exec.ErrNotFound):
			return fmt.Errorf("job %s: %w", job, err)
		case ctx.Err() == nil:
			// The controller may be away for a while; the job goes on.
			if unseen++; unseen == 60 {
				return fmt.Errorf("job %s goes on, but its state can't be read, again and again: %w; the same call of Run waits for it", job, err)
			}
		}
		select {
		case <-ctx.Done():
			return q.cancel(job, work)
		case <-tick.C:
		}
	}
}

// jobFile holds the number or name of the sweep's job, from its submission until it has left the queue: a job goes on
// when the notebook that submitted it ends.
const jobFile = "job"

// remember keeps the number or name of a job.
func remember(job, work string) error {
	return atomicfile.WriteBytes(filepath.Join(work, jobFile), []byte(job+"\n"))
}

// remembered returns the number or name of the job that an earlier call left, and the file with it; "" if
// there is none.
func remembered(work string) (job, path string, err error) {
	path = filepath.Join(work, jobFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", path, nil
	}
	return strings.TrimSpace(string(text)), path, err
}

// forget removes the number or name of a job that is over.
func forget(work string) error {
	if err := os.Remove(filepath.Join(work, jobFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// folderList lists the tasks' folders, one a line.
func folderList(tasks []*Task) ([]byte, error) {
	if len(tasks) == 0 {
		return nil, errors.New("there are no tasks to submit")
	}
	var list bytes.Buffer
	for _, t := range tasks {
		if strings.Contains(t.Dir, "\n") {
			return nil, fmt.Errorf("the folder %q has a line break in its name", t.Dir)
		}
		fmt.Fprintln(&list, t.Dir)
	}
	return list.Bytes(), nil
}

// taskScript is the end of a job's shell script: it trains the folder in the line of a list that the variable index
// numbers from 0, in the working folder cwd, with a command that gets the folder as its last argument. flock keeps two
// processes, of which one was lost to the cluster but lives, from training one folder. A training that a signal stops
// before its end ends with EX_TEMPFAIL of sysexits.h, so that the cluster does not count it as done.
func taskScript(index, list, cwd string, command []string) string {
	var words []string
	for _, w := range command {
		words = append(words, shellQuote(w))
	}
	return fmt.Sprintf(`run=$(sed -n "$((%s + 1))p" %s)
cd %s || exit 1
export %s=75
exec flock --no-fork "$run/.detached/lock" %s "$run" >>"$run/.detached/log.txt" 2>&1
`, index, shellQuote(list), shellQuote(cwd), toolargs.StoppedCode, strings.Join(words, " "))
}

// shellQuote quotes a word for the shell.
func shellQuote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// command runs a program of a cluster's in the folder dir. The error has what it printed; missing is the next step
// where there is no such program.
func command(ctx context.Context, dir, missing, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	apart(cmd)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return "", fmt.Errorf("%w; %s", err, missing)
		}
		return out.String(), fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(said.String()))
	}
	return out.String(), nil
}
