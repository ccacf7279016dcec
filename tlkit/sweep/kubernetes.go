package sweep

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Kubernetes trains tasks as an Indexed Job of a Kubernetes cluster, 1.29 or newer, by kubectl. The sweep's folder
// and the working folder must be in a volume that all pods can mount and write (ReadWriteMany), at the same path as
// here, and its file system must know locks (flock): in a JupyterHub on the cluster, that is the user's home. A pod
// that a node loses is started again and goes on from the checkpoint; the sweep starts tasks that the job gives up
// again in another job.
//
// Without kubectl the error of Train names the manifest that it wrote.
type Kubernetes struct {
	// Image is the container image of the pods, with the installation. It must be set.
	Image string
	// Claim is the PersistentVolumeClaim of the volume; it must be set. Path is where it is mounted, in the pods as
	// here; "" means the home folder. SubPath is the folder of the volume that is mounted there; "" means all of it.
	Claim, Path, SubPath string
	// Home is the installation's folder in the image; "" means /opt/tlkit.
	Home string
	// Namespace is the pods'; "" leaves it to kubectl.
	Namespace string
	// CPUs is the number of cores for each task; 0 means 1. Memory is in bytes; 0 means no limit.
	CPUs   int
	Memory int64
	// Limits are further resources of each task, such as {"nvidia.com/gpu": "1"}; cpu and memory are CPUs and Memory.
	Limits map[string]string
	// NodeSelector are labels of the nodes that may train.
	NodeSelector map[string]string
	// Env is added to the environment of the tasks, such as "TLKIT_OFFLINE=1": they have none of this process.
	Env []string
	// Time is the limit for one start of a task; 0 means none. A task that reaches it saves, and is started again.
	Time time.Duration
	// AtOnce is the largest number of tasks that run at once; 0 means all.
	AtOnce int
	// Options are further options of kubectl, such as "--context=gpus".
	Options []string
	// Poll is the time between two looks at the job; 0 means 5 seconds.
	Poll time.Duration
}

// Train implements [Executor]. At the end of ctx it deletes the job, whose tasks then save.
func (k Kubernetes) Train(ctx context.Context, tasks []*Task, env []string, work string) error {
	job, manifest, err := k.write(tasks, env, work)
	if err != nil {
		return err
	}
	if _, err := exec.LookPath("kubectl"); err != nil {
		return fmt.Errorf("%w; where it is, run: kubectl apply -f %s\nWhen that job has ended, the same call of Run has its results", err, shellQuote(manifest))
	}
	// The name before the job: a submitted job is found again, whenever this process ends.
	if err := remember(job, work); err != nil {
		return err
	}
	if _, err := k.kubectl(context.WithoutCancel(ctx), "apply", "--filename="+manifest); err != nil {
		return errors.Join(err, forget(work))
	}
	return k.follow(ctx, job, work)
}

// attach implements attacher.
func (k Kubernetes) attach(ctx context.Context, work string) (waited bool, err error) {
	job, path, err := remembered(work)
	if err != nil || job == "" {
		return false, err
	}
	if !strings.HasPrefix(job, "tlkit-") {
		return false, fmt.Errorf("%s has %q, expected the name of a Kubernetes job; if no cluster has a job of this sweep, delete the file", path, job)
	}
	return true, k.follow(ctx, job, work)
}

// follow waits until a job has ended, deletes and forgets it.
func (k Kubernetes) follow(ctx context.Context, job, work string) error {
	seen := &watch{Kubernetes: k, told: map[string]bool{}}
	if err := follow(ctx, seen, cmp.Or(k.Poll, 5*time.Second), job, work); err != nil {
		return err
	}
	if err := seen.cancel(job, work); err != nil {
		return err
	}
	return forget(work)
}

// kubectl runs kubectl and returns what it prints.
func (k Kubernetes) kubectl(ctx context.Context, args ...string) (string, error) {
	if k.Namespace != "" {
		args = append(args, "--namespace="+k.Namespace)
	}
	return command(ctx, "", "put kubectl on PATH", "kubectl", append(args, k.Options...)...)
}

// watch is the queue of one job, and what was said of it.
type watch struct {
	Kubernetes
	told map[string]bool
}

// jobStatus is what is read of a job.
type jobStatus struct {
	Status struct {
		Active, Ready, Failed, Terminating int
		Conditions                         []condition
	}
}

// condition is one of a job's or pod's.
type condition struct{ Type, Status, Reason, Message string }

// ended reports whether the job is over and no pod of it lives.
func (j jobStatus) ended() bool {
	for _, c := range j.Status.Conditions {
		if c.Status == "True" && (c.Type == "Complete" || c.Type == "Failed") {
			return j.Status.Active == 0 && j.Status.Terminating == 0
		}
	}
	return false
}

// queued implements queue. It tells why pods wait, and how they failed.
func (w *watch) queued(ctx context.Context, job, _ string) (bool, error) {
	out, err := w.kubectl(ctx, "get", "job", job, "--ignore-not-found", "--output=json")
	if err != nil || strings.TrimSpace(out) == "" { // deleted
		return false, err
	}
	var j jobStatus
	if err := json.Unmarshal([]byte(out), &j); err != nil {
		return false, fmt.Errorf("kubectl get job %s: %w", job, err)
	}
	if j.Status.Ready < j.Status.Active || j.Status.Failed > 0 {
		w.tell(ctx, job)
	}
	return !j.ended(), nil
}

// cancel implements queue. It deletes a job, ended or not.
func (w *watch) cancel(job, _ string) error {
	ctx, stop := context.WithTimeout(context.Background(), 6*time.Minute)
	defer stop()
	_, err := w.kubectl(ctx, "delete", "job", job, "--ignore-not-found", "--cascade=foreground", "--wait=true", "--timeout=5m")
	if err != nil {
		return fmt.Errorf("job %s could not be deleted: %w; the same call of Run waits for it", job, err)
	}
	return nil
}

// pod is what is read of a pod.
type pod struct {
	Metadata struct{ Name string }
	Status   struct {
		Phase, Reason, Message string
		Conditions             []condition
		ContainerStatuses      []struct {
			State struct {
				Waiting    struct{ Reason, Message string }
				Terminated struct{ Reason string }
			}
		}
	}
}

// trouble is why a pod does not run, or how it failed; "" if it does.
func (p pod) trouble() string {
	s := p.Status
	if s.Phase == "Failed" && s.Reason != "" {
		return s.Reason + ": " + s.Message // by its node, such as DeadlineExceeded
	}
	for _, c := range s.Conditions {
		if s.Phase == "Pending" && c.Type == "PodScheduled" && c.Status == "False" {
			return c.Reason + ": " + c.Message
		}
	}
	for _, c := range s.ContainerStatuses {
		switch waits := c.State.Waiting; {
		case waits.Message != "": // ContainerCreating has none
			return waits.Reason + ": " + waits.Message
		case s.Phase == "Failed":
			return c.State.Terminated.Reason // such as OOMKilled
		}
	}
	return ""
}

// tell prints each kind of trouble of the job's pods once, and what a failed pod printed: a task has its own log, but a
// pod that can't start its task has none. Who may not look at pods is told that.
func (w *watch) tell(ctx context.Context, job string) {
	var pods struct{ Items []pod }
	out, err := w.kubectl(ctx, "get", "pods", "--selector=batch.kubernetes.io/job-name="+job, "--output=json")
	if err == nil {
		err = json.Unmarshal([]byte(out), &pods)
	}
	if err != nil && ctx.Err() == nil {
		w.once("pods", fmt.Sprintf("the pods of job %s: %v", job, err))
	}
	for _, p := range pods.Items {
		trouble := p.trouble()
		if trouble == "" || !w.once(trouble, "pod "+p.Metadata.Name+": "+trouble) || p.Status.Phase != "Failed" {
			continue
		}
		said, _ := w.kubectl(ctx, "logs", p.Metadata.Name, "--tail=5") // gone with its node, perhaps
		fmt.Fprint(os.Stderr, said)
	}
}

// once prints a line about something that was not told yet, and reports whether it did.
func (w *watch) once(what, line string) bool {
	if w.told[what] {
		return false
	}
	w.told[what] = true
	fmt.Fprintln(os.Stderr, "sweep:", line)
	return true
}
