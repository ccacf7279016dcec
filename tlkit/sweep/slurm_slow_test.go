//go:build linux && slow

package sweep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/detached"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// cluster is a Slurm cluster of one node on this machine, with folders and ports of its own.
type cluster struct {
	t   *testing.T
	dir string
	log bytes.Buffer
	mu  sync.Mutex
}

// slurmConf is the cluster's configuration. A lost node is noticed after 10 seconds, and what was lost with it starts
// again after another 5.
const slurmConf = `ClusterName=tlkit
SlurmctldHost=%[1]s(127.0.0.1)
SlurmctldPort=%[3]d
SlurmdPort=%[4]d
SlurmUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=%[2]s/munge.socket,cred_expire=5
StateSaveLocation=%[2]s/state
SlurmdSpoolDir=%[2]s/spool
SlurmctldPidFile=%[2]s/slurmctld.pid
SlurmdPidFile=%[2]s/slurmd.pid
SlurmctldLogFile=%[2]s/slurmctld.log
SlurmdLogFile=%[2]s/slurmd.log
SlurmdTimeout=10
SlurmdParameters=config_overrides
ReturnToService=2
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
NodeName=%[1]s NodeAddr=127.0.0.1 CPUs=%[5]d RealMemory=2000
PartitionName=main Nodes=ALL Default=YES State=UP
`

// startCluster starts munged, slurmctld and slurmd. It skips the test without them.
func startCluster(t *testing.T) *cluster {
	t.Helper()
	for _, name := range []string{"munged", "slurmctld", "slurmd", "sbatch", "flock"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%v; on Debian: apt install slurm-wlm munge", err)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("not root: slurmd can't start jobs")
	}
	dir, err := os.MkdirTemp("", "tlkit-slurm-")
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, dir: dir}
	t.Cleanup(func() {
		c.killTasks()
		os.RemoveAll(dir)
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"state", "spool"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	host, _, _ = strings.Cut(host, ".")
	conf := fmt.Sprintf(slurmConf, host, dir, freePort(t), freePort(t), runtime.NumCPU())
	if err := os.WriteFile(filepath.Join(dir, "slurm.conf"), []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "munge.key"), bytes.Repeat([]byte("a key of the test's "), 20), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SLURM_CONF", filepath.Join(dir, "slurm.conf"))
	at := func(name string) string { return filepath.Join(dir, name) }
	c.start("munged", "--foreground", "--force", "--key-file="+at("munge.key"), "--socket="+at("munge.socket"), "--pid-file="+at("munged.pid"),
		"--log-file="+at("munged.log"), "--seed-file="+at("munged.seed"))
	c.start("slurmctld", "-D")
	c.slurmd()
	c.until("the node to be ready", func() bool { return c.nodes() == "idle" })
	return c
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Write collects what the daemons print.
func (c *cluster) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.Write(p)
}

// start starts a daemon; it ends with the test.
func (c *cluster) start(name string, args ...string) *exec.Cmd {
	c.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = c, c
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd
}

func (c *cluster) slurmd() *exec.Cmd { return c.start("slurmd", "-D") }

// nodes is the state of the node, such as "idle".
func (c *cluster) nodes() string {
	out, _ := exec.Command("sinfo", "--noheader", "--format=%t").Output()
	return strings.TrimSpace(string(out))
}

// until waits for a state of the cluster that nothing reports.
func (c *cluster) until(what string, done func() bool) {
	c.t.Helper()
	look, late := time.NewTicker(100*time.Millisecond), time.After(4*time.Minute)
	defer look.Stop()
	for !done() {
		select {
		case <-look.C:
		case <-late:
			for _, name := range []string{"slurmctld.log", "slurmd.log"} {
				text, _ := os.ReadFile(filepath.Join(c.dir, name))
				c.t.Logf("%s:\n%s", name, text[max(0, len(text)-3000):])
			}
			c.t.Fatalf("waited four minutes for %s; nodes %q; daemons: %s", what, c.nodes(), &c.log)
		}
	}
}

// killTasks kills the processes of jobs, as the end of a node's power does.
func (c *cluster) killTasks() (n int) {
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environs {
		env, err := os.ReadFile(path)
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && pid != os.Getpid() && bytes.Contains(env, []byte("SLURM_CONF="+c.dir+"/")) && bytes.Contains(env, []byte("SLURM_JOB_ID=")) {
			syscall.Kill(pid, syscall.SIGKILL)
			n++
		}
	}
	return n
}

// TestSlurm: twelve tasks on a real cluster, whose only node is lost in the middle and comes back: all results are
// there, and are those of this process.
func TestSlurm(t *testing.T) {
	install(t)
	c := startCluster(t)
	s := small(t)
	s.Name = "cluster"
	s.Recipes = []train.Recipe{{Epochs: 12}, {Epochs: 12, BatchSize: 8}}
	s.Seeds = 3
	node := make(chan string, 1)
	ctx, over := context.WithCancel(t.Context())
	defer over()
	go func() { node <- c.loseNode(ctx, s) }()
	began := time.Now()
	results, err := s.Run(t.Context(), Slurm{Poll: 200 * time.Millisecond})
	over()
	if err != nil {
		for _, name := range []string{"slurmctld.log", "slurmd.log"} {
			text, _ := os.ReadFile(filepath.Join(c.dir, name))
			t.Logf("%s:\n%s", name, text[max(0, len(text)-3000):])
		}
		t.Fatal(err)
	}
	told := <-node
	t.Logf("12 tasks in %.0f s; %s", time.Since(began).Seconds(), told)
	if !strings.HasPrefix(told, "lost") {
		t.Error("the node was not lost while tasks ran, so that the test shows less than it should")
	}
	if results.Trained() != 12 {
		t.Errorf("%d tasks trained", results.Trained())
	}
	if got, want := outcome(results), compared(t, s); !reflect.DeepEqual(got, want) {
		t.Errorf("on the cluster:\n%+v\nhere:\n%+v", got, want)
	}
}

// loseNode kills slurmd and all that it started once some tasks are trained, and starts it again when the
// controller has noticed.
func (c *cluster) loseNode(ctx context.Context, s Sweep) string {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		finished, begun := 0, 0
		all, _ := detached.List(filepath.Join(s.Dir, s.Name))
		for _, d := range all {
			switch state, err := d.State(); {
			case err != nil:
			case state.Phase == detached.Finished:
				finished++
			case state.Phase == detached.Training && state.Done > 0:
				begun++
			}
		}
		if finished >= 3 && begun > 0 {
			break
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return "the sweep ended before"
		}
	}
	pid, err := os.ReadFile(filepath.Join(c.dir, "slurmd.pid"))
	if err != nil {
		return err.Error()
	}
	slurmd, err := strconv.Atoi(strings.TrimSpace(string(pid)))
	if err != nil {
		return err.Error()
	}
	syscall.Kill(slurmd, syscall.SIGKILL)
	n := c.killTasks()
	for !strings.HasPrefix(c.nodes(), "down") {
		select {
		case <-look.C:
		case <-ctx.Done():
			return "the sweep ended before the loss was noticed"
		}
	}
	c.slurmd()
	return fmt.Sprintf("lost the node with %d processes in the middle", n)
}

// TestSlurmStopped: the end of ctx makes the task that runs save and removes those that wait; a job whose notebook
// ended is waited for, and nothing is submitted beside it.
func TestSlurmStopped(t *testing.T) {
	install(t)
	startCluster(t)
	s := small(t)
	s.Recipes = []train.Recipe{{Epochs: 40}}
	s.Strategies = s.Strategies[1:]
	slurm := Slurm{Poll: 200 * time.Millisecond, AtOnce: 1}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			all, _ := detached.List(filepath.Join(s.Dir, s.Name))
			for _, d := range all {
				if state, err := d.State(); err == nil && state.Done > 0 {
					cancel()
				}
			}
			<-tick.C
		}
	}()
	results, err := s.Run(ctx, slurm)
	if !errors.Is(err, context.Canceled) || results.Trained() != 0 {
		t.Fatalf("%v, %v", results, err)
	}
	phases := map[detached.Phase]int{}
	for _, task := range results.Tasks {
		state, err := task.State()
		if err != nil {
			t.Fatal(err)
		}
		phases[state.Phase]++
	}
	if phases[detached.Stopped] != 1 {
		t.Errorf("phases after the stop: %v; want one task that saved", phases)
	}
	tasks, err := s.prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	script, err := slurm.write(tasks.left, s.env(), s.work())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := slurm.submit(t.Context(), script, s.work()); err != nil {
		t.Fatal(err)
	}
	if results, err = s.Run(t.Context(), slurm); err != nil || results.Trained() != 2 {
		t.Fatalf("attached: %v, %v", results, err)
	}
	// Every submission has a list of its folders.
	if lists, _ := filepath.Glob(filepath.Join(s.work(), "folders.txt-*")); len(lists) != 2 {
		t.Errorf("%d submissions, want the stopped one and the one that was waited for", len(lists))
	}
	if got, want := outcome(results), compared(t, s); !reflect.DeepEqual(got, want) {
		t.Errorf("on the cluster:\n%+v\nhere:\n%+v", got, want)
	}
}
