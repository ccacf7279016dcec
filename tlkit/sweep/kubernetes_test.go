//go:build unix

package sweep

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/detached"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// decodeJob reads a manifest strictly, as the API server does with fieldValidation=Strict, and returns an error for
// what the API server or the kubelet would refuse (k8s.io/kubernetes, pkg/apis/batch/validation and core/validation),
// or where a default of the API server is not what a sweep needs.
func decodeJob(text []byte) (*batchv1.Job, error) {
	var j batchv1.Job
	if err := yaml.UnmarshalStrict(text, &j); err != nil {
		return nil, err
	}
	var wrong []string
	must := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	none := func(what string, problems []string) {
		must(len(problems) == 0, "%s: %s", what, strings.Join(problems, "; "))
	}
	s, p := j.Spec, j.Spec.Template.Spec
	must(j.APIVersion == "batch/v1" && j.Kind == "Job", "it is a %s of %s", j.Kind, j.APIVersion)
	if s.Completions == nil || s.Parallelism == nil || s.CompletionMode == nil || s.BackoffLimitPerIndex == nil || s.PodFailurePolicy == nil || s.PodReplacementPolicy == nil {
		return nil, fmt.Errorf("a field with an unsuitable default is not set: %s", text)
	}
	must(*s.CompletionMode == batchv1.IndexedCompletion, "completion mode %s", *s.CompletionMode)
	must(*s.Completions > 0 && *s.Parallelism > 0 && *s.BackoffLimitPerIndex >= 0, "completions %d, parallelism %d", *s.Completions, *s.Parallelism)
	none("the host name of the last pod", validation.IsDNS1123Label(fmt.Sprintf("%s-%d", j.Name, *s.Completions-1)))
	if j.Namespace != "" {
		none("namespace", validation.IsDNS1123Label(j.Namespace))
	}
	must(p.RestartPolicy == corev1.RestartPolicyNever, "restart policy %q beside a pod failure policy", p.RestartPolicy)
	must(*s.PodReplacementPolicy == batchv1.Failed, "pod replacement policy %s beside a pod failure policy", *s.PodReplacementPolicy)
	for _, labels := range []map[string]string{j.Labels, s.Template.Labels, p.NodeSelector} {
		for key, value := range labels {
			none("label "+key, append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...))
		}
	}
	must(p.TerminationGracePeriodSeconds != nil && *p.TerminationGracePeriodSeconds >= 60, "the default of 30 seconds to save")
	must(p.ActiveDeadlineSeconds == nil || *p.ActiveDeadlineSeconds > 0, "active deadline")
	must(p.SecurityContext.RunAsNonRoot == nil || !*p.SecurityContext.RunAsNonRoot || *p.SecurityContext.RunAsUser != 0, "root, and not root")
	volumes := map[string]bool{}
	for _, v := range p.Volumes {
		volumes[v.Name] = true
		none("claim", validation.IsDNS1123Subdomain(v.PersistentVolumeClaim.ClaimName))
	}
	must(len(p.Containers) == 1, "%d containers", len(p.Containers))
	for _, c := range p.Containers {
		none("container", validation.IsDNS1123Label(c.Name))
		must(c.Image != "" && c.Image == strings.TrimSpace(c.Image), "image %q", c.Image)
		seen := map[string]bool{}
		for _, v := range c.Env {
			none("variable", validation.IsEnvVarName(v.Name))
			must(!seen[v.Name], "variable %s twice", v.Name)
			seen[v.Name] = true
		}
		for _, m := range c.VolumeMounts {
			must(volumes[m.Name] && path.IsAbs(m.MountPath) && !strings.Contains(m.MountPath, ":"), "mount %+v", m)
			must(!path.IsAbs(m.SubPath) && !strings.Contains("/"+m.SubPath+"/", "/../"), "sub path %q", m.SubPath)
		}
		for name, limit := range c.Resources.Limits {
			none("resource", validation.IsQualifiedName(string(name)))
			request, ok := c.Resources.Requests[name]
			must(ok && limit.Cmp(request) >= 0 && request.Sign() >= 0, "%s: request %s, limit %s", name, &request, &limit)
			standard := name == corev1.ResourceCPU || name == corev1.ResourceMemory
			must(standard || limit.Cmp(request) == 0 && limit.Value()*1000 == limit.MilliValue(), "%s: %s", name, &limit)
		}
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("%s\n%s", strings.Join(wrong, "\n"), text)
	}
	return &j, nil
}

// inPods is a Kubernetes for the tests: pods have the volume that has the folder.
func inPods(t *testing.T, folder string) Kubernetes {
	t.Helper()
	t.Chdir(folder)
	return Kubernetes{Image: "registry.example/tlkit:1", Claim: "claim-ada", Path: folder, Home: os.Getenv("TLKIT_HOME"), Poll: 20 * time.Millisecond}
}

// when calls do once the task's training has done an epoch, unless ctx ends before.
func when(ctx context.Context, s Sweep, task string, do func()) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		d, err := detached.Attach(filepath.Join(s.Dir, s.Name), task)
		if err == nil {
			if state, err := d.State(); err == nil && state.Phase == detached.Training && state.Done > 0 {
				do()
				return
			}
		}
		<-tick.C
	}
}

// TestKubernetes: one pod is killed in the middle of its training and one is evicted; all results are those of this
// process, and nothing of the job is left.
func TestKubernetes(t *testing.T) {
	install(t)
	cluster := startKube(t)
	s := small(t)
	s.Recipes[0].Epochs = 12
	k := inPods(t, s.Dir)
	k.AtOnce = 2
	killed, evicted := make(chan bool, 1), make(chan bool, 1)
	ctx, over := context.WithCancel(t.Context())
	defer over()
	go when(ctx, s, "resnet20-finetune-recipe1-seed0", func() { killed <- cluster.signal(2, syscall.SIGKILL, false) })
	go when(ctx, s, "resnet20-finetune-recipe1-seed1", func() { evicted <- cluster.signal(3, syscall.SIGTERM, true) })
	results, err := s.Run(t.Context(), k)
	over()
	if err != nil {
		t.Fatal(err)
	}
	for what, done := range map[string]chan bool{"killed": killed, "evicted": evicted} {
		select {
		case ok := <-done:
			if !ok {
				t.Errorf("no pod was %s in its training, so that the test shows less than it should", what)
			}
		default:
			t.Errorf("no pod was %s in its training, so that the test shows less than it should", what)
		}
	}
	if got, want := outcome(results), compared(t, s); !reflect.DeepEqual(got, want) {
		t.Errorf("on the cluster:\n%+v\nhere:\n%+v", got, want)
	}
	if want := map[int]int{0: 1, 1: 1, 2: 2, 3: 2}; !reflect.DeepEqual(cluster.starts, want) {
		t.Errorf("pods of each index: %v, want %v", cluster.starts, want)
	}
	if want := []int{75}; !reflect.DeepEqual(cluster.disrupted, want) {
		t.Errorf("exit codes of evicted pods: %v, want %v", cluster.disrupted, want)
	}
	if log, err := results.Tasks[3].Log(); err != nil || !strings.Contains(log, "was interrupted in epoch") {
		t.Errorf("the evicted task did not save: %v\n%s", err, log)
	}
	if len(cluster.jobs) > 0 {
		t.Errorf("jobs that are left: %v", cluster.jobs)
	}
	if _, err := os.Stat(filepath.Join(s.work(), jobFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the job's name after its end: %v", err)
	}
}

// TestKubernetesStopped: the end of ctx deletes the job, whose tasks save; the same call goes on. A job whose notebook
// ended is waited for, also after kubectl failed for a while, and none is submitted beside it.
func TestKubernetesStopped(t *testing.T) {
	install(t)
	cluster := startKube(t)
	s := small(t)
	s.Recipes[0].Epochs = 15
	s.Strategies, s.Seeds = s.Strategies[1:], 1
	k := inPods(t, s.Dir)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go when(ctx, s, "resnet20-finetune-recipe1-seed0", cancel)
	results, err := s.Run(ctx, k)
	if !errors.Is(err, context.Canceled) || results.Trained() != 0 {
		t.Fatalf("%v, %v", results, err)
	}
	if state, err := results.Tasks[0].State(); err != nil || state.Phase != detached.Stopped || len(cluster.jobs) > 0 {
		t.Errorf("after the stop: %+v, %v, jobs %v", state, err, cluster.jobs)
	}
	tasks, err := s.prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	job, manifest, err := k.write(tasks.left, s.env(), s.work())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(remember(job, s.work()), cluster.apply(manifest)); err != nil {
		t.Fatal(err)
	}
	away := func(is bool) {
		cluster.mu.Lock()
		defer cluster.mu.Unlock()
		cluster.away, cluster.said = is, nil
	}
	away(true)
	k.Poll = time.Millisecond
	if _, err := s.Run(t.Context(), k); err == nil || !strings.Contains(err.Error(), "job "+job+" goes on") {
		t.Fatalf("%v, want %s to go on", err, job)
	}
	away(false)
	if results, err = s.Run(t.Context(), k); err != nil || results.Trained() != 1 {
		t.Fatalf("attached: %v, %v", results, err)
	}
	for _, call := range cluster.said {
		if call == "apply" {
			t.Errorf("a job was submitted beside %s: %q", job, cluster.said)
		}
	}
	if got, want := outcome(results), compared(t, s); !reflect.DeepEqual(got, want) {
		t.Errorf("on the cluster:\n%+v\nhere:\n%+v", got, want)
	}
}

// TestKubernetesTrouble: a task that always ends early is named, pods that can't start are told of.
func TestKubernetesTrouble(t *testing.T) {
	install(t)
	cluster := startKube(t)
	s := small(t)
	s.Attempts, s.Strategies, s.Seeds = 1, s.Strategies[:1], 1
	k := inPods(t, s.Dir)
	k.Env = []string{killName + "=!resnet20-transfer-recipe1-seed0"}
	if _, err := s.Run(t.Context(), k); err == nil || !strings.Contains(err.Error(), "killed by the test") || cluster.starts[0] != 3 {
		t.Errorf("%v after %d pods; want the log's end after 3", err, cluster.starts[0])
	}
	cluster.pending = true
	tasks, err := s.prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	job, manifest, err := k.write(tasks.left, s.env(), s.work())
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.apply(manifest); err != nil {
		t.Fatal(err)
	}
	w := &watch{Kubernetes: k, told: map[string]bool{}}
	running, err := w.queued(t.Context(), job, s.work())
	if want := "ImagePullBackOff: Back-off pulling image registry.example/tlkit:1"; err != nil || !running || !w.told[want] {
		t.Errorf("%v, %v, told %v; want %q", running, err, w.told, want)
	}
	if err := w.cancel(job, s.work()); err != nil || len(cluster.jobs) > 0 {
		t.Errorf("%v, jobs %v", err, cluster.jobs)
	}
}

func TestPodTrouble(t *testing.T) {
	for text, want := range map[string]string{
		`{"status": {"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}}`:                                                                 "",
		`{"status": {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}}`:                                    "",
		`{"status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}]}}`:    "Unschedulable: 0/3 nodes",
		`{"status": {"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}]}}`:                         "OOMKilled",
		`{"status": {"phase": "Failed", "reason": "DeadlineExceeded", "message": "too long", "containerStatuses": [{"state": {"terminated": {}}}]}}`:          "DeadlineExceeded: too long",
		`{"status": {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "CreateContainerConfigError", "message": "no such key"}}}]}}`: "CreateContainerConfigError: no such key",
	} {
		var typed corev1.Pod
		if err := yaml.UnmarshalStrict([]byte(text), &typed); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var p pod
		if err := yaml.Unmarshal([]byte(text), &p); err != nil {
			t.Fatal(err)
		}
		if got := p.trouble(); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// TestKubernetesGolden: the manifest with all choices. Without them, nothing of them stands in it.
func TestKubernetesGolden(t *testing.T) {
	k, err := Kubernetes{Image: "registry.example/tlkit:1", Claim: "claim-ada", Path: "/home/jovyan", SubPath: "home/ada", Namespace: "hub", CPUs: 4,
		Memory: 6 << 30, Limits: map[string]string{"nvidia.com/gpu": "1"}, NodeSelector: map[string]string{"pool": "gpu"}, AtOnce: 3}.complete(12, "/home/jovyan/work")
	if err != nil {
		t.Fatal(err)
	}
	made := func(j kubernetesJob) []byte {
		t.Helper()
		var text bytes.Buffer
		if err := kubernetesTemplate.Execute(&text, j); err != nil {
			t.Fatal(err)
		}
		if _, err := decodeJob(text.Bytes()); err != nil {
			t.Fatal(err)
		}
		return text.Bytes()
	}
	got := made(kubernetesJob{Kubernetes: k, Name: "tlkit-ants-0a1b2c3d", Sweep: "/home/jovyan/runs/ants", Script: "/home/jovyan/runs/ants/.sweep/tlkit-ants-0a1b2c3d.sh",
		Tasks: 12, Seconds: 7200, MiB: 6 << 10, User: 1000, Group: 100, Env: []variable{{"TLKIT_HOME", "/opt/tlkit"}, {"GOMAXPROCS", "4"}, {"GOMLX_BACKEND", "go"}}})
	golden := filepath.Join("testdata", "kubernetes.yaml")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v\ngot\n%s\nwant\n%s", err, got, want)
	}
	plain := made(kubernetesJob{Kubernetes: Kubernetes{Image: "i", Claim: "c", Path: "/p", CPUs: 1, AtOnce: 2}, Name: "n", Tasks: 2})
	for _, word := range []string{"namespace", "activeDeadlineSeconds", "nodeSelector", "memory", "subPath", "nvidia", "env:\n            -"} {
		if bytes.Contains(plain, []byte(word)) {
			t.Errorf("%q, which was not chosen:\n%s", word, plain)
		}
	}
}

// TestKubernetesNames: sweeps and folders of any name give a job that Kubernetes takes, whose script finds its folder.
func TestKubernetesNames(t *testing.T) {
	install(t)
	names := map[string]bool{}
	for _, name := range []string{"ants", "Ants_2026..x-", "a", "2026", strings.Repeat("x", 100), "x-" + strings.Repeat("-", 60)} {
		top := t.TempDir()
		dir := filepath.Join(top, `it's a "folder" $(TLKIT_HOME) $HOME 蟻`)
		work := filepath.Join(dir, name, ".sweep")
		var tasks []*Task
		for _, task := range []string{"one", "two $(X)"} {
			run := filepath.Join(dir, name, task)
			if err := os.MkdirAll(filepath.Join(run, ".detached"), 0o755); err != nil {
				t.Fatal(err)
			}
			tasks = append(tasks, &Task{Name: task, Detached: &detached.Detached{Name: task, Dir: run}})
		}
		if err := os.MkdirAll(work, 0o755); err != nil {
			t.Fatal(err)
		}
		k := inPods(t, top)
		k.Env = []string{"A=it's $(TLKIT_HOME)", "GOMAXPROCS=7"}
		job, manifest, err := k.write(tasks, nil, work)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(manifest)
		if err != nil {
			t.Fatal(err)
		}
		j, err := decodeJob(text)
		if err != nil {
			t.Fatal(err)
		}
		if j.Name != job || !strings.HasPrefix(job, "tlkit-") || int(*j.Spec.Completions) != len(tasks) || names[job] {
			t.Errorf("%q: job %q with %d tasks, names %v", name, j.Name, *j.Spec.Completions, names)
		}
		names[job] = true
		if again, _, err := k.write(tasks, nil, work); err != nil || again != job {
			t.Errorf("%q: written again %q, %v; want %q", name, again, err, job)
		}
		k.CPUs = 2
		if other, _, err := k.write(tasks, nil, work); err != nil || other == job {
			t.Errorf("%q: with other choices %q, %v; want another job", name, other, err)
		}
		bin := t.TempDir() // a flock that prints what it would run
		if err := os.WriteFile(filepath.Join(bin, "flock"), []byte("#!/bin/sh\nshift\necho \"lock $1\"; shift; echo \"run $*\"; echo \"$GOMAXPROCS $A\"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		env := map[string]string{"JOB_COMPLETION_INDEX": "1"}
		all := []string{"JOB_COMPLETION_INDEX=1", "PATH=" + bin + ":/bin:/usr/bin"}
		for _, v := range j.Spec.Template.Spec.Containers[0].Env {
			env[v.Name] = expand(v.Value, env)
			all = append(all, v.Name+"="+env[v.Name])
		}
		command := j.Spec.Template.Spec.Containers[0].Command
		cmd := exec.Command(command[0], expand(command[1], env))
		cmd.Env = all
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		log, err := os.ReadFile(tasks[1].LogFile())
		want := fmt.Sprintf("lock %s\nrun %s/bin/tlkernel train %s\n7 it's $(TLKIT_HOME)\n", tasks[1].LockFile(), k.Home, tasks[1].Dir)
		if err != nil || string(log) != want {
			t.Errorf("%q, %v; want %q", log, err, want)
		}
	}
}

func TestKubernetesChecks(t *testing.T) {
	install(t)
	dir := t.TempDir()
	good := inPods(t, dir)
	task := []*Task{{Name: "one", Detached: &detached.Detached{Name: "one", Dir: filepath.Join(dir, "one")}}}
	for want, change := range map[string]func(*Kubernetes){
		"Image is empty":       func(k *Kubernetes) { k.Image = "" },
		"Claim is empty":       func(k *Kubernetes) { k.Claim = "" },
		"expected an absolute": func(k *Kubernetes) { k.Path = "home" },
		"is not below /other":  func(k *Kubernetes) { k.Path = "/other" },
		"CPUs -1":              func(k *Kubernetes) { k.CPUs = -1 },
		"Kubernetes.CPUs":      func(k *Kubernetes) { k.Limits = map[string]string{"cpu": "2"} },
		"Kubernetes.Memory":    func(k *Kubernetes) { k.Limits = map[string]string{"memory": "2Gi"} },
		"Memory 4 bytes":       func(k *Kubernetes) { k.Memory = 4 },
		"expected NAME=VALUE":  func(k *Kubernetes) { k.Env = []string{"x"} },
	} {
		k := good
		change(&k)
		if err := k.Train(t.Context(), task, nil, filepath.Join(dir, ".sweep")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
	work := filepath.Join(dir, ".sweep")
	if err := errors.Join(os.Mkdir(work, 0o755), remember("7", work)); err != nil {
		t.Fatal(err)
	}
	if _, err := good.attach(t.Context(), work); err == nil || !strings.Contains(err.Error(), "name of a Kubernetes job") {
		t.Errorf("a job of Slurm's: %v", err)
	}
}

// TestNoKubectl: the error names the manifest.
func TestNoKubectl(t *testing.T) {
	install(t)
	s := small(t)
	k := inPods(t, s.Dir)
	t.Setenv("PATH", t.TempDir())
	_, err := s.Run(t.Context(), k)
	found, globErr := filepath.Glob(filepath.Join(s.work(), "tlkit-small-*.yaml"))
	if globErr != nil || len(found) != 1 || err == nil || !strings.Contains(err.Error(), "kubectl apply -f '"+found[0]+"'") {
		t.Fatalf("%v; files %v", err, found)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	if j, err := decodeJob(text); err != nil || *j.Spec.Completions != 4 {
		t.Error(err)
	}
}
