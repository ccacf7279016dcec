//go:build linux && slow

package hub

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/kernel"
)

// The tests in this file start a real JupyterHub, with accounts and servers as other users, in namespaces of their own:
// the machine's accounts, mounts and processes stay as they are. They need root, the installation of ./install.sh,
// Node.js, a package index for the first run, and
//
//	go test -tags slow -timeout 60m -v ./kernel/hub

// liveHub is a running hub.
type liveHub struct {
	t       *testing.T
	address string
	dir     string // the hub's folder, as the test sees it
	home    string // the users' home folders
	python  string // of the hub's environment

	authority string // the file of the hub's own certificate; empty without TLS
	log       *bytes.Buffer
	stop      func()
	inside    func(command ...string) *exec.Cmd // runs a command as root in the hub's namespaces
}

// hubDir is the hub's folder as users see it.
const hubDir = "/srv/tlkit-hub"

// programsOf returns a folder with the hub's environment and proxy, made once for all tests.
var programsOf = sync.OnceValues(func() (string, error) {
	stamp, _ := filled("", append(bytes.Clone(requirements), proxyLock...))
	dir := filepath.Join("/var/tmp", "tlkit-test-hub-"+string(stamp[:12]))
	old := syscall.Umask(0o022)
	defer syscall.Umask(old)
	return dir, errors.Join(os.MkdirAll(filepath.Join(dir, "venv"), 0o755), os.MkdirAll(filepath.Join(dir, "proxy"), 0o755))
})

// hubSetup is how a hub is made.
type hubSetup struct {
	users  []string
	flags  []string          // added to the hub's command
	python string            // added to its configuration
	script string            // runs before, as root in the hub's namespaces, where /etc, /srv and /home are the test's own
	env    []string          // of the hub
	files  map[string]string // in /srv/test, which all can read
	url    string            // a format for the address, with the port; empty means http://127.0.0.1:%d
}

// startHub prepares and starts a hub for users; flags are added to its command, and python to its configuration.
func startHub(t *testing.T, users []string, python string, flags ...string) *liveHub {
	t.Helper()
	return hubSetup{users: users, python: python, flags: flags}.start(t)
}

func (s hubSetup) start(t *testing.T) *liveHub {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root: no accounts can be made")
	}
	p, err := kernel.DefaultPrefix()
	if err != nil {
		t.Skip(err)
	}
	m, err := kernel.ReadManifest(p)
	if err != nil {
		t.Skip(err)
	}
	if !m.Live {
		t.Skip("no live kernel here: " + m.WhyNotLive)
	}
	work, err := os.MkdirTemp("/var/tmp", "tlkit-hub-")
	if err != nil {
		t.Fatal(err)
	}
	h := &liveHub{t: t, dir: filepath.Join(work, "hub"), home: filepath.Join(work, "home"), log: new(bytes.Buffer)}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the hub's log:\n%s", tail(h.log.String(), 12000))
		}
		os.RemoveAll(work)
	})
	for _, dir := range []string{h.dir, h.home, filepath.Join(work, "bin"), filepath.Join(work, "closed")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "build", "-o", filepath.Join(work, "bin", "tlkernel"), "../cmd/tlkernel")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command("cp", "-a", "/etc", filepath.Join(work, "etc")).CombinedOutput(); err != nil {
		t.Logf("copying /etc: %v %s", err, out)
	}
	if err := os.WriteFile(filepath.Join(work, "names.txt"), []byte(strings.Join(s.users, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, text := range s.files {
		path := filepath.Join(work, "test", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	programs, err := programsOf()
	if err != nil {
		t.Fatal(err)
	}
	port := freePorts(t)
	h.address = fmt.Sprintf(cmp.Or(s.url, "http://127.0.0.1:%d"), port)
	lessons, err := filepath.Abs("../../notebooks")
	if err != nil {
		t.Fatal(err)
	}
	// Folders of the installation that are closed to others, as in a home folder, are shown in a place that is not.
	script := "mount --make-rprivate /\nmount --bind " + work + " /mnt\n"
	shown := map[string]bool{}
	folders := append([]string{string(p), m.GoModCache, m.GoCache, m.LiveCache, m.GoRoot, m.Venv}, m.KernelSpecs...)
	if out, err := exec.Command(filepath.Join(m.Venv, "bin", "python"), "-c", "import sys; print(sys.base_prefix)").Output(); err == nil {
		folders = append(folders, strings.TrimSpace(string(out)))
	}
	for _, dir := range folders {
		closed := kernel.ClosedTo(dir)
		if closed == "" {
			continue
		}
		if !shown[closed] {
			shown[closed] = true
			script += fmt.Sprintf("mkdir -p /mnt/closed%[1]s\nmount --bind %[1]s /mnt/closed%[1]s\nmount -t tmpfs -o mode=755 none %[1]s\n", closed)
		}
		script += fmt.Sprintf("if ! [ -e %[1]s ]; then mkdir -p %[1]s; mount --bind /mnt/closed%[1]s %[1]s; mount -o remount,ro,bind %[1]s; fi\n", dir)
	}
	script += `mount -t tmpfs -o mode=755 none /srv
mkdir ` + hubDir + ` /srv/bin /srv/lessons
mount --bind /mnt/hub ` + hubDir + `
mkdir -p ` + hubDir + `/venv ` + hubDir + `/proxy
mount --bind /mnt/bin /srv/bin
mount --bind ` + lessons + ` /srv/lessons
mount --bind /mnt/home /home
mount --bind /mnt/etc /etc
mount --bind ` + programs + `/venv ` + hubDir + `/venv
mount --bind ` + programs + `/proxy ` + hubDir + `/proxy
cp /mnt/names.txt /srv/names.txt
if [ -e /mnt/test ]; then cp -r /mnt/test /srv/test; fi
umount -l /mnt
mount -t tmpfs -o mode=1777 none /tmp
mount -t proc proc /proc
cd /
` + s.script
	prepare := append([]string{"/srv/bin/tlkernel", "hub", "--prepare", "--prefix", string(p), "--dir", hubDir, "--users", "/srv/names.txt", "--lessons", "/srv/lessons",
		"--port", fmt.Sprint(port), "--spawner", "local"}, s.flags...)
	script += strings.Join(prepare, " ") + "\ncat >>" + hubDir + "/jupyterhub_config.py <<'END'\n" + s.python + "\nEND\n"
	script += "/srv/bin/tlkernel hub --prefix " + string(p) + " --dir " + hubDir + " </dev/null &\nhub=$!\nread -r _ || true\nkill -TERM $hub\nwait $hub || true\n"
	h.launch(script, s.env)
	h.python = filepath.Join(programs, "venv", "bin", "python")
	return h
}

// launch runs the hub's script in namespaces of its own and waits until the hub serves.
func (h *liveHub) launch(script string, env []string) {
	h.t.Helper()
	cmd := exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-ec", script)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=/root", "LANG=C.UTF-8"}, env...)
	for _, kv := range os.Environ() { // how packages are fetched
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "PIP_") || strings.HasPrefix(name, "SSL_") || strings.HasPrefix(strings.ToLower(name), "npm_") || strings.HasPrefix(name, "NODE_EXTRA") || strings.HasSuffix(strings.ToLower(name), "_proxy") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Stdout, cmd.Stderr = h.log, h.log
	in, err := cmd.StdinPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	h.stop = sync.OnceFunc(func() {
		in.Close()
		select {
		case <-ended:
		case <-time.After(2 * time.Minute):
			h.t.Error("the hub did not stop in two minutes")
			cmd.Process.Kill()
			<-ended
		}
		for _, kind := range []string{"memory", "cpu", "pids"} {
			exec.Command("find", filepath.Join(cgroups, kind, "tlkit-hub"), "-depth", "-type", "d", "-delete").Run()
		}
	})
	h.t.Cleanup(h.stop)
	h.inside = func(command ...string) *exec.Cmd {
		child, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", cmd.Process.Pid))
		return exec.Command("nsenter", append([]string{"--target", strings.TrimSpace(string(child)), "--mount", "--pid"}, command...)...)
	}
	look, late := time.NewTicker(200*time.Millisecond), time.After(25*time.Minute)
	defer look.Stop()
	web := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // a certificate of the test's
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if host, port, err := net.SplitHostPort(addr); err == nil && strings.HasSuffix(host, ".localhost") { // as browsers do
				addr = net.JoinHostPort("127.0.0.1", port)
			}
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	}}
	for {
		if r, err := web.Get(h.address + "/hub/login"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-look.C:
		case <-ended:
			h.t.Fatal("the hub ended before it served")
		case <-late:
			h.t.Fatal("the hub did not serve within 25 minutes")
		}
	}
}

func tail(text string, n int) string { return text[max(0, len(text)-n):] }

// freePorts returns the first of three free ports in a row.
func freePorts(t *testing.T) int {
	t.Helper()
	for range 100 {
		var all []net.Listener
		first, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, first)
		port := first.Addr().(*net.TCPAddr).Port
		for i := 1; i < 3; i++ {
			if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+i)); err == nil {
				all = append(all, l)
			}
		}
		for _, l := range all {
			l.Close()
		}
		if len(all) == 3 {
			return port
		}
	}
	t.Fatal("no three free ports in a row")
	return 0
}

// passwords reads the passwords that the hub has made.
func (h *liveHub) passwords() map[string]string {
	h.t.Helper()
	text, err := os.ReadFile(filepath.Join(h.dir, passwordsFile))
	if err != nil {
		h.t.Fatal(err)
	}
	all := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		name, password, _ := strings.Cut(line, "\t")
		all[name] = password
	}
	return all
}

// answer is an answer of student.py.
type answer struct {
	OK      bool
	Error   string
	In      bool
	Status  any
	Running bool
	Seconds float64
	Stdout  string
	Stderr  string
	Shown   string
	Text    string
	Types   []string
	ID      string
}

// student is a user of the hub.
type student struct {
	t    *testing.T
	name string
	in   io.WriteCloser
	out  *bufio.Scanner
}

// student starts a client; login and server are left to the test.
func (h *liveHub) student(name string) *student {
	h.t.Helper()
	cmd := exec.Command(h.python, "testdata/student.py", h.address)
	cmd.Env = append(os.Environ(), "REQUESTS_CA_BUNDLE="+h.authority)
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	s := &student{t: h.t, name: name, in: in, out: bufio.NewScanner(out)}
	s.out.Buffer(nil, 64<<20)
	h.t.Cleanup(func() {
		in.Close()
		cmd.Wait()
		if h.t.Failed() && said.Len() > 0 {
			h.t.Logf("%s's client: %s", name, tail(said.String(), 2000))
		}
	})
	return s
}

// try sends a command with pairs of further fields.
func (s *student) try(op string, fields ...any) answer {
	s.t.Helper()
	command := map[string]any{"op": op}
	for i := 0; i+1 < len(fields); i += 2 {
		command[fmt.Sprint(fields[i])] = fields[i+1]
	}
	line, err := json.Marshal(command)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.in.Write(append(line, '\n')); err != nil {
		s.t.Fatalf("%s: %s: %v", s.name, op, err)
	}
	if !s.out.Scan() {
		s.t.Fatalf("%s: %s: the client ended: %v", s.name, op, s.out.Err())
	}
	var a answer
	if err := json.Unmarshal(s.out.Bytes(), &a); err != nil {
		s.t.Fatalf("%s: %s: %v in %q", s.name, op, err, s.out.Text())
	}
	return a
}

// do is try for what must succeed.
func (s *student) do(op string, fields ...any) answer {
	s.t.Helper()
	a := s.try(op, fields...)
	if !a.OK {
		s.t.Fatalf("%s: %s: %s", s.name, op, a.Error)
	}
	return a
}

// enter logs in by the form, starts the user's server and a kernel.
func (s *student) enter(password string) (server answer) {
	s.t.Helper()
	if !s.do("login", "name", s.name, "password", password).In {
		s.t.Fatalf("%s can't log in", s.name)
	}
	return s.begin()
}

// begin starts the server of a user who has logged in, and a kernel.
func (s *student) begin() (server answer) {
	s.t.Helper()
	server = s.do("server")
	s.do("start", "kernel", kernel.KernelName)
	return server
}

// cell runs a cell that must succeed.
func (s *student) cell(code string) answer {
	s.t.Helper()
	a := s.do("cell", "code", code)
	if a.Status != "ok" {
		s.t.Fatalf("%s: cell %q: %v\n%s\n%s", s.name, code, a.Status, a.Stdout, a.Stderr)
	}
	return a
}

// quickstart returns the cells of the lesson's code.
func quickstart(t *testing.T) (cells []string) {
	t.Helper()
	data, err := os.ReadFile("../../notebooks/00_quickstart.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	var nb struct {
		Cells []struct {
			Type   string `json:"cell_type"`
			Source any    `json:"source"`
		}
	}
	if err := json.Unmarshal(data, &nb); err != nil {
		t.Fatal(err)
	}
	for _, c := range nb.Cells {
		if c.Type != "code" {
			continue
		}
		text, ok := c.Source.(string)
		if lines, isList := c.Source.([]any); isList {
			for _, l := range lines {
				text += fmt.Sprint(l)
			}
		} else if !ok {
			t.Fatalf("a cell's source is a %T", c.Source)
		}
		cells = append(cells, text)
	}
	return cells
}

// goEngine is a line of the configuration: runs are equal to the bit on the pure-Go engine.
const goEngine = `c.Spawner.environment = {"GOMLX_BACKEND": "go", "GOMAXPROCS": "2"}`

// training is a cell that trains for a number of epochs, and histories shows what is equal, to the bit, in
// an uninterrupted run.
func training(epochs int) string {
	return fmt.Sprintf(`import "github.com/tlkit-go/tlkit-notebooks/datasets"
import "github.com/tlkit-go/tlkit-notebooks/tlkit"
run := tlkit.Recipe{Epochs: %d}.MustCompare("long", datasets.MustLoad("sketches"), tlkit.MustLoad("resnet20.shapes"), tlkit.FineTune{})`, epochs)
}

const histories = `import "github.com/tlkit-go/tlkit-notebooks/tlkit"
for _, r := range tlkit.MustOpen("long").Results {
	for _, e := range r.History {
		e.Seconds, e.ImagesPerSecond = 0, 0
		fmt.Printf("%s %+v\n", r.Strategy, e)
	}
}`

// TestClass: users log in by the form and run the quickstart; lessons are copied and not overwritten; one who attacks
// another finds nothing.
func TestClass(t *testing.T) {
	h := startHub(t, []string{"alice", "mallory"}, goEngine, "--memory", "4G", "--cores", "2")
	passwords := h.passwords()
	alice, mallory := h.student("alice"), h.student("mallory")
	if alice.do("login", "name", "alice", "password", passwords["mallory"]).In {
		t.Error("alice is let in with mallory's password")
	}
	t.Logf("alice's server: %.1f s", alice.enter(passwords["alice"]).Seconds)
	t.Logf("first cell: %.1f s", alice.cell(`fmt.Println(6 * 7)`).Seconds)
	var last answer
	began := time.Now()
	for _, code := range quickstart(t) {
		last = alice.cell(code)
	}
	t.Logf("quickstart: %.1f s; its last cell shows %q", time.Since(began).Seconds(), last.Types)
	if said := alice.cell("!/srv/bin/tlkernel doctor").Stdout; strings.Contains(said, "FAIL") || !strings.Contains(said, "live kernel") {
		t.Errorf("the doctor, as a user:\n%s", said)
	}
	secret := alice.cell(`!echo private > private.txt; cp lessons/00_quickstart.ipynb mine.ipynb; echo changed > lessons/00_quickstart.ipynb; rm lessons/01_go_cells.ipynb; umask; ls -ld ~ ~/private.txt | cut -c1-10; env | grep -c JUPYTERHUB_API_TOKEN`)
	if want := "0077\ndrwx------\n-rw-------\n1"; strings.TrimSpace(secret.Stdout) != want {
		t.Errorf("alice's umask, home folder and file: %q, want %q", secret.Stdout, want)
	}
	pids := alice.cell(`!echo $$ $PPID; for p in /proc/[0-9]*; do echo ${p#/proc/}; done`)
	h.attack(alice, mallory, passwords["mallory"], strings.Fields(pids.Stdout))
	alice.do("stop")
	alice.until(func() bool { return !alice.do("running").Running })
	alice.begin()
	kept := alice.cell(`!cat lessons/00_quickstart.ipynb; ls lessons/01_go_cells.ipynb lessons/ja/00_quickstart.ipynb`)
	if want := "changed\nlessons/01_go_cells.ipynb\nlessons/ja/00_quickstart.ipynb"; strings.TrimSpace(kept.Stdout) != want {
		t.Errorf("lessons at the second login: %q, want %q", kept.Stdout, want)
	}
}

// until waits for a state of the hub that nothing reports.
func (s *student) until(done func() bool) {
	s.t.Helper()
	look, late := time.NewTicker(300*time.Millisecond), time.After(12*time.Minute)
	defer look.Stop()
	for !done() {
		select {
		case <-look.C:
		case <-late:
			s.t.Fatalf("%s: it did not come to pass in twelve minutes", s.name)
		}
	}
}

// attack lets mallory try alice's files, sockets, ports and processes. That alice herself can do these things shows
// that the attempts could succeed.
func (h *liveHub) attack(alice, mallory *student, password string, pids []string) {
	t := h.t
	t.Helper()
	script, err := os.ReadFile("testdata/attack.py")
	if err != nil {
		t.Fatal(err)
	}
	code := fmt.Sprintf("out, err := exec.Command(%q, append([]string{\"-c\", %q}, strings.Fields(%q)...)...).CombinedOutput()\nfmt.Println(string(out), err)",
		hubDir+"/venv/bin/python", script, fmt.Sprintf("alice %s %s %s", hubDir, h.address, strings.Join(pids, " ")))
	own := alice.cell(code)
	for _, want := range []string{"got: socket ", "got: file /home/alice/private.txt", "/environ", "got: signal to", "/api/contents", "done"} {
		if !strings.Contains(own.Stdout, want) {
			t.Errorf("the attempts of the victim herself lack %q, so that they show nothing:\n%s", want, tail(own.Stdout, 3000))
		}
	}
	mallory.enter(password)
	found := mallory.cell(code).Stdout
	if !strings.Contains(found, "done") || strings.Contains(found, "got:") {
		t.Errorf("mallory at alice's:\n%s", tail(found, 3000))
	}
	t.Logf("attempts that succeed, for the victim: %s; for the attacker: %s", lastLine(own.Stdout), lastLine(found))
	if a := mallory.do("get", "path", "/user/alice/api/contents"); a.Status == float64(200) {
		t.Errorf("mallory's token opens alice's server: %+v", a)
	}
}

// lastLine is the last line that attack.py printed: "done" and a number.
func lastLine(text string) string {
	at := strings.LastIndex(text, "done ")
	line, _, _ := strings.Cut(text[max(0, at):], "\n")
	return line
}

// TestCulled: an idle session ends, a busy and silent kernel does not.
func TestCulled(t *testing.T) {
	h := startHub(t, []string{"silent", "idler"}, goEngine, "--idle", "60")
	passwords := h.passwords()
	silent, idler := h.student("silent"), h.student("idler")
	idler.enter(passwords["idler"])
	idler.cell(`x := 1`)
	began := time.Now()
	silent.enter(passwords["silent"])
	silent.do("begin", "code", "for {\n\tif _, err := os.Stat(\"end\"); err == nil {\n\t\tbreak\n\t}\n\ttime.Sleep(time.Second)\n}\nfmt.Println(\"not ended\")")
	idler.until(func() bool { return !idler.do("running").Running })
	t.Logf("the idle server ended %.0f s after its last cell; the limit is 60 s", time.Since(began).Seconds())
	if err := os.WriteFile(filepath.Join(h.home, "silent", "end"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if a := silent.do("wait"); a.Status != "ok" || !strings.Contains(a.Stdout, "not ended") {
		t.Errorf("the busy and silent kernel: %+v", a)
	}
}

// TestAge: the culler ends the servers of three users in mid-training; the users return and the same cell goes on,
// equal to the bit to a run that was not interrupted.
func TestAge(t *testing.T) {
	names := []string{"aged1", "aged2", "aged3"}
	h := startHub(t, names, goEngine, "--age", "150")
	passwords := h.passwords()
	resumed := make([]string, len(names))
	var group sync.WaitGroup
	for i, name := range names {
		aged := h.student(name)
		group.Go(func() {
			aged.enter(passwords[name])
			resumed[i] = aged.sessions(2)
		})
	}
	group.Wait()
	h.stop()
	if t.Failed() {
		return
	}
	longest := slices.MaxFunc(resumed, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
	for i, one := range resumed {
		if one == "" || !strings.HasPrefix(longest, one) {
			t.Errorf("%s:\n%s\nanother user:\n%s", names[i], one, longest)
		}
	}

	n := strings.Count(longest, "\n")
	other := startHub(t, []string{"whole"}, goEngine)
	whole := other.student("whole")
	whole.enter(other.passwords()["whole"])
	whole.cell(training(n)) // the rate is constant, so that the number of epochs has no influence on the first ones
	if want := whole.cell(histories).Stdout; longest != want {
		t.Errorf("in several sessions:\n%s\nin one:\n%s", longest, want)
	}
	t.Logf("%d epochs in several sessions are equal to the bit to those of one session", n)
}

// sessions trains in sessions that the culler ends, until so many of them have trained further, and
// returns the histories.
func (s *student) sessions(n int) (had string) {
	s.t.Helper()
	for tries, trained := 0, []int{}; len(trained) < n; tries++ {
		if tries == 8 {
			s.t.Fatalf("%s: epochs after each session that trained: %d", s.name, trained)
		}
		s.do("begin", "code", training(1000)) // more than a session can
		ended := s.do("wait")
		s.until(func() bool { return !s.do("running").Running })
		if ended.Status == "ok" {
			s.t.Fatalf("%s: the training ended before the session did", s.name)
		}
		s.begin()
		now := s.do("cell", "code", histories).Stdout
		if !strings.HasPrefix(now, had) {
			s.t.Fatalf("%s: epochs of earlier sessions changed:\n%s\nbefore:\n%s", s.name, now, had)
		}
		if now != had {
			trained = append(trained, strings.Count(now, "\n"))
			s.t.Logf("%s: %d epochs after a session that was ended", s.name, strings.Count(now, "\n"))
		}
		had = now
	}
	return had
}

// TestTwentyUsers: twenty users log in, in waves of four, and run the quickstart with 2 epochs in place of 10. Then
// each trains; the server is ended in mid-training, as the culler does it, and the user returns to the same cell. All
// trainings are the same one, to the bit. It logs memory and times.
func TestTwentyUsers(t *testing.T) {
	const users, wave = 20, 4
	var names []string
	for i := range users {
		names = append(names, fmt.Sprintf("user%02d", i))
	}
	h := startHub(t, names, goEngine)
	passwords := h.passwords()
	cells := quickstart(t)
	var mu sync.Mutex
	var firsts, starts, whole []float64
	var training []int
	trainings := map[string]string{}
	for at := 0; at < users; at += wave {
		var group sync.WaitGroup
		for _, name := range names[at : at+wave] {
			s := h.student(name)
			group.Go(func() {
				server := s.enter(passwords[name])
				first := s.cell(`fmt.Println(6 * 7)`)
				began := time.Now()
				for i, code := range cells {
					s.cell(strings.Replace(code, "Epochs: 10", "Epochs: 2", 1))
					if i == len(cells)-1 {
						mu.Lock()
						training = append(training, h.memory(name))
						mu.Unlock()
					}
				}
				took := time.Since(began).Seconds()
				trained := h.returns(s)
				mu.Lock()
				defer mu.Unlock()
				trainings[name] = trained
				starts, firsts, whole = append(starts, server.Seconds), append(firsts, first.Seconds), append(whole, took)
			})
		}
		group.Wait()
		t.Logf("%d users are in", at+wave)
	}
	longest := slices.MaxFunc(slices.Collect(maps.Values(trainings)), func(a, b string) int { return cmp.Compare(len(a), len(b)) })
	t.Logf("the longest training:\n%s", longest)
	for _, name := range names {
		if one := trainings[name]; strings.Count(one, "\n") < 3 || !strings.HasPrefix(longest, one) {
			t.Errorf("%s, ended in mid-training and resumed:\n%s\nanother user:\n%s", name, one, longest)
		}
	}
	var idle []int
	for _, name := range names {
		idle = append(idle, h.memory(name))
	}
	t.Logf("server's start, seconds: %.1f", starts)
	t.Logf("first cell, seconds: %.1f", firsts)
	t.Logf("quickstart, seconds: %.1f", whole)
	t.Logf("memory of a user after training, MiB (PSS): %d", training)
	t.Logf("memory of an idle user, MiB (PSS): %d", idle)
	t.Logf("hub and proxy, MiB (PSS): %d", h.memory("root"))
}

// returns trains, has the server ended in mid-training through the hub's API, as the culler does, returns and trains
// further. It returns the histories.
func (h *liveHub) returns(s *student) string {
	s.t.Helper()
	file := filepath.Join(h.home, s.name, "runs", "long", "finetune", "history.jsonl")
	epochs := func() int {
		text, _ := os.ReadFile(file)
		return max(0, bytes.Count(text, []byte("\n"))-1) // after the checksum
	}
	s.do("begin", "code", training(1000))
	s.until(func() bool { return epochs() >= 1 })
	s.do("stop")
	s.until(func() bool { return !s.do("running").Running })
	had := epochs()
	s.begin()
	s.do("begin", "code", training(1000))
	s.until(func() bool { return epochs() >= had+2 })
	s.do("stop")
	s.until(func() bool { return !s.do("running").Running })
	s.begin()
	return s.cell(histories).Stdout
}

// memory is the proportional set size of a user's processes in MiB.
func (h *liveHub) memory(name string) int {
	script := `for p in $(ps -o pid= -u ` + name + `); do grep -h '^Pss:' /proc/$p/smaps_rollup 2>/dev/null; done | awk '{s+=$2} END {print int(s/1024)}'`
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := h.inside("sh", "-c", script)
	out, err := cmd.Output()
	var n int
	if _, scanErr := fmt.Sscan(string(out), &n); err != nil || scanErr != nil || ctx.Err() != nil {
		return -1
	}
	return n
}
