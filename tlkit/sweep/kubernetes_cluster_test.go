//go:build unix

package sweep

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// kubeSocket is the variable with the socket of the test's cluster, for the test's kubectl.
const kubeSocket = "TLKIT_TEST_KUBERNETES"

// kube is a cluster without machines: it runs the pods of Indexed Jobs as processes of this one, with the environment
// of their manifest alone, and is driven by a program kubectl on PATH.
type kube struct {
	mu   sync.Mutex
	jobs map[string]*kubeJob
	// starts counts the pods of each index, over all jobs.
	starts    map[int]int
	disrupted []int // exit codes of pods that ended by a disruption, other than 0
	// said are the calls of kubectl, without the options.
	said []string
	// away makes kubectl fail; pending keeps pods from starting.
	away, pending bool
}

// kubeJob is a job on a kube.
type kubeJob struct {
	batchv1.Job
	pods    []*kubePod
	deleted bool
	over    sync.WaitGroup
}

// kubePod is a pod that was started.
type kubePod struct {
	corev1.Pod
	index     int
	process   *exec.Cmd
	out       bytes.Buffer
	disrupted bool
}

// startKube starts a cluster.
func startKube(t *testing.T) *kube {
	t.Helper()
	for _, name := range []string{"sh", "flock", "sed"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(err)
		}
	}
	dir, err := os.MkdirTemp("", "kube") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	k := &kube{jobs: map[string]*kubeJob{}, starts: map[int]int{}}
	server := rpc.NewServer()
	if err := server.RegisterName("Kube", (*kubeCalls)(k)); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "socket")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.Close()
		for name := range k.jobs {
			k.remove(name)
		}
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // the test is over
			}
			go server.ServeConn(conn)
		}
	}()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program, filepath.Join(dir, "kubectl")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv(kubeSocket, socket)
	return k
}

// kubectl is the program: it hands its arguments to the test's cluster.
func kubectl(args []string) int {
	client, err := rpc.Dial("unix", os.Getenv(kubeSocket))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer client.Close()
	var out string
	if err := client.Call("Kube.Do", args, &out); err != nil {
		fmt.Fprintln(os.Stderr, "Error from server:", err)
		return 1
	}
	fmt.Print(out)
	return 0
}

// kubeCalls are what kubectl may call.
type kubeCalls kube

// Do runs a command of kubectl's.
func (c *kubeCalls) Do(args []string, out *string) error {
	k := (*kube)(c)
	option := map[string]string{}
	var words []string
	for _, a := range args {
		if name, value, ok := strings.Cut(a, "="); ok && strings.HasPrefix(a, "--") {
			option[name] = value
		} else if !strings.HasPrefix(a, "-") {
			words = append(words, a)
		}
	}
	k.mu.Lock()
	away := k.away
	k.said = append(k.said, strings.Join(words, " "))
	k.mu.Unlock()
	if away {
		return errors.New("the connection was refused")
	}
	var answer any
	var err error
	switch call := strings.Join(words[:min(2, len(words))], " "); call {
	case "apply":
		return k.apply(option["--filename"])
	case "get job":
		answer, err = k.job(words[2])
	case "get pods":
		answer = k.podList(strings.TrimPrefix(option["--selector"], "batch.kubernetes.io/job-name="))
	case "delete job":
		k.remove(words[2])
		return nil
	default:
		if words[0] != "logs" {
			return fmt.Errorf("no such command: %q", words)
		}
		*out = k.logs(words[1])
		return nil
	}
	if err != nil || answer == nil {
		return err
	}
	text, err := json.Marshal(answer)
	*out = string(text)
	return err
}

// apply starts the job of a manifest. A job that is there stays as it is.
func (k *kube) apply(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	job, err := decodeJob(text)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.jobs[job.Name] != nil {
		return nil
	}
	j := &kubeJob{Job: *job}
	j.over.Add(1)
	k.jobs[job.Name] = j
	if !k.pending {
		go k.control(j)
		return nil
	}
	defer j.over.Done()
	j.Status.Active = *j.Spec.Parallelism
	j.pods = append(j.pods, &kubePod{Pod: corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: j.Name + "-0-x"}, Status: corev1.PodStatus{Phase: corev1.PodPending,
		ContainerStatuses: []corev1.ContainerStatus{{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
			Reason: "ImagePullBackOff", Message: "Back-off pulling image " + j.Spec.Template.Spec.Containers[0].Image}}}}}}})
	return nil
}

// control is the job's controller: it runs all indices, some at once, and failed ones again.
func (k *kube) control(j *kubeJob) {
	defer j.over.Done()
	var group sync.WaitGroup
	room := make(chan struct{}, *j.Spec.Parallelism)
	var failed []string
	for index := range int(*j.Spec.Completions) {
		room <- struct{}{}
		group.Go(func() {
			defer func() { <-room }()
			if !k.complete(j, index) {
				k.mu.Lock()
				failed = append(failed, fmt.Sprint(index))
				k.mu.Unlock()
			}
		})
	}
	group.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	end := batchv1.JobComplete
	if len(failed) > 0 {
		end = batchv1.JobFailed
	}
	all := strings.Join(failed, ",")
	j.Status.FailedIndexes = &all
	j.Status.Conditions = append(j.Status.Conditions, batchv1.JobCondition{Type: end, Status: corev1.ConditionTrue})
}

// complete runs an index until it succeeds or has failed too often.
func (k *kube) complete(j *kubeJob, index int) bool {
	for failures := int32(0); failures <= *j.Spec.BackoffLimitPerIndex; {
		ok, counts := k.runPod(j, index)
		if ok {
			return true
		}
		k.mu.Lock()
		deleted := j.deleted
		k.mu.Unlock()
		if deleted {
			return false
		}
		if counts {
			failures++
		}
	}
	return false
}

// runPod runs a pod to its end. counts is true if a failure counts.
func (k *kube) runPod(j *kubeJob, index int) (ok, counts bool) {
	spec := j.Spec.Template.Spec
	env := map[string]string{"JOB_COMPLETION_INDEX": fmt.Sprint(index)}
	p := &kubePod{index: index}
	for _, v := range spec.Containers[0].Env {
		env[v.Name] = expand(v.Value, env)
	}
	var command []string
	for _, word := range spec.Containers[0].Command {
		command = append(command, expand(word, env))
	}
	p.process = exec.Command(command[0], command[1:]...)
	p.process.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	for name, value := range env {
		p.process.Env = append(p.process.Env, name+"="+value)
	}
	p.process.Dir, p.process.Stdout, p.process.Stderr = "/", &p.out, &p.out
	p.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}

	k.mu.Lock()
	if j.deleted {
		k.mu.Unlock()
		return false, false
	}
	p.Name = fmt.Sprintf("%s-%d-%d", j.Name, index, len(j.pods))
	j.pods = append(j.pods, p)
	if err := p.process.Start(); err == nil {
		p.Status.Phase = corev1.PodRunning
	} else {
		p.out.WriteString(err.Error())
	}
	j.Status.Active++
	k.starts[index]++
	k.mu.Unlock()

	err := p.process.Wait()

	k.mu.Lock()
	defer k.mu.Unlock()
	j.Status.Active--
	if err == nil {
		j.Status.Succeeded++
		p.Status.Phase = corev1.PodSucceeded
		return true, false
	}
	j.Status.Failed++
	p.Status.Phase = corev1.PodFailed
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Error", ExitCode: int32(p.process.ProcessState.ExitCode())}}}}
	if !p.disrupted {
		return false, true
	}
	k.disrupted = append(k.disrupted, p.process.ProcessState.ExitCode())
	ignore := func(r batchv1.PodFailurePolicyRule) bool {
		return r.Action == batchv1.PodFailurePolicyActionIgnore && len(r.OnPodConditions) == 1 && r.OnPodConditions[0].Type == corev1.DisruptionTarget
	}
	return false, !slices.ContainsFunc(j.Spec.PodFailurePolicy.Rules, ignore)
}

// job is what "kubectl get job" prints: nothing for a job that is not there.
func (k *kube) job(name string) (any, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	j := k.jobs[name]
	if j == nil {
		return nil, nil
	}
	ready := j.Status.Active
	if k.pending {
		ready = 0
	}
	j.Status.Ready = &ready
	return j.Job.DeepCopy(), nil
}

// podList is what "kubectl get pods" prints.
func (k *kube) podList(job string) *corev1.PodList {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list corev1.PodList
	if j := k.jobs[job]; j != nil {
		for _, p := range j.pods {
			list.Items = append(list.Items, *p.DeepCopy())
		}
	}
	return &list
}

// logs is what a pod that has ended printed.
func (k *kube) logs(pod string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, j := range k.jobs {
		for _, p := range j.pods {
			if p.Name == pod && p.Status.Phase != corev1.PodRunning {
				return p.out.String()
			}
		}
	}
	return ""
}

// remove deletes a job: its pods are told to stop, and waited for.
func (k *kube) remove(name string) {
	k.mu.Lock()
	j := k.jobs[name]
	if j == nil {
		k.mu.Unlock()
		return
	}
	j.deleted = true
	for _, p := range j.pods {
		if p.Status.Phase == corev1.PodRunning {
			syscall.Kill(p.process.Process.Pid, syscall.SIGTERM)
		}
	}
	k.mu.Unlock()
	j.over.Wait()
	k.mu.Lock()
	delete(k.jobs, name)
	k.mu.Unlock()
}

// signal ends the running pod of an index, as the loss of its node does (SIGKILL) or an eviction (SIGTERM); disrupted
// says whether Kubernetes knows why.
func (k *kube) signal(index int, with syscall.Signal, disrupted bool) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, j := range k.jobs {
		for _, p := range j.pods {
			if p.index == index && p.Status.Phase == corev1.PodRunning {
				p.disrupted = disrupted
				pid := p.process.Process.Pid
				if with == syscall.SIGKILL {
					pid = -pid // all processes of the pod
				}
				return syscall.Kill(pid, with) == nil
			}
		}
	}
	return false
}

// expand replaces $(NAME) by the value of a variable, as Kubernetes does in commands and in values of
// variables; $$ is $.
func expand(s string, env map[string]string) string {
	var b strings.Builder
	for {
		text, rest, found := strings.Cut(s, "$")
		b.WriteString(text)
		if !found {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, ")")
		switch value, known := env[strings.TrimPrefix(name, "(")]; {
		case strings.HasPrefix(rest, "$"):
			b.WriteString("$")
			rest = rest[1:]
		case strings.HasPrefix(rest, "(") && closed && known:
			b.WriteString(value)
			rest = after
		default:
			b.WriteString("$")
		}
		s = rest
	}
}
