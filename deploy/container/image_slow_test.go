//go:build linux && slow

package container

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Names of images.
const (
	baseImage = "localhost/tlkit-test-base"
	image     = "localhost/tlkit-test"
)

// TestImage builds the image and runs the quickstart in it, as the users that container engines give it.
func TestImage(t *testing.T) {
	b := newBuilder(t)
	b.base(baseImage)
	b.image(image, baseImage)
	c := b.container(image)
	t.Run("files", func(t *testing.T) { checkFiles(t, c.root) })

	volumes, err := os.MkdirTemp(b.work, "volumes-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(volumes) })
	volume := func(name string, uid, gid int, mode fs.FileMode) string {
		dir := filepath.Join(volumes, name)
		if err := os.Mkdir(dir, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, mode); err != nil { // whatever the umask
			t.Fatal(err)
		}
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	const temporary = "mount -t tmpfs -o mode=1777 none tmp\n"
	for _, tt := range []struct {
		name, user, mounts string
		readOnly           bool
		files              string // the home folder, as the test sees it
		arguments          []string
	}{
		{name: "jovyan", mounts: temporary, files: filepath.Join(c.root, "home/jovyan")},
		{name: "a volume over the home folder", mounts: temporary + "mount --bind " + volume("home", 1000, 100, 0o755) + " home/jovyan\n",
			files: filepath.Join(volumes, "home"), arguments: []string{"--ServerApp.root_dir=lessons"}},
		{name: "a random user", user: "12345:0", mounts: temporary, files: filepath.Join(c.root, "home/jovyan")},
		// Podman and docker mount /tmp so with --read-only --tmpfs: no program in it can be started.
		{name: "a random user, all read-only but a volume", user: "1000660000:0", readOnly: true,
			mounts: "mount -t tmpfs -o mode=1777,noexec none tmp\nmount --bind " + volume("claim", 0, 0, 0o775) + " home/jovyan\n",
			files:  filepath.Join(volumes, "claim")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := c
			c.t, c.user, c.mounts, c.readOnly = t, tt.user, tt.mounts, tt.readOnly
			quickstart(t, c, tt.files, tt.arguments...)
		})
	}
	t.Run("Binder", func(t *testing.T) {
		c := c
		c.t, c.mounts = t, temporary
		binder(t, c, filepath.Join(c.root, "home/jovyan"))
	})
	t.Run("a home folder that can't be written", func(t *testing.T) {
		c := c
		c.user, c.readOnly = "12345:12345", true
		out, err := c.start().CombinedOutput()
		if err == nil || !strings.Contains(string(out), "user 12345:12345 can't write /home/jovyan") {
			t.Errorf("it ended with %v and said %q", err, out)
		}
	})
}

// TestCUDA builds the variant with the libraries for NVIDIA GPUs. Without a GPU it looks only at what was
// installed, and that cells run.
func TestCUDA(t *testing.T) {
	b := newBuilder(t)
	b.base(baseImage)
	b.image(image+"-cuda", baseImage, "--build-arg", "ENGINES=auto cuda")
	c := b.container(image + "-cuda")
	t.Run("files", func(t *testing.T) { checkFiles(t, c.root) })
	const plugins = "usr/local/lib/go-xla/nvidia"
	for _, name := range []string{plugins + "/pjrt_c_api_cuda_plugin.so", plugins + "/cu13/bin/ptxas"} {
		if info, err := os.Stat(filepath.Join(c.root, name)); err != nil || info.Size() < 1<<20 {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Logf("the libraries for CUDA have %s", size(t, filepath.Join(c.root, "usr/local/lib")))
	c.mounts = "mount -t tmpfs -o mode=1777 none tmp\n"
	out, err := c.start("tlkernel", "doctor").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// size is the size of a folder's files in MB; hard links count once.
func size(t *testing.T, dir ...string) string {
	t.Helper()
	out, err := exec.Command("du", append([]string{"-csBMB"}, dir...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	total, _, _ := strings.Cut(lines[len(lines)-1], "\t")
	return total
}

// leftovers are what a build leaves, and an image has no use for.
var leftovers = []string{"usr/src/tlkit", "layers", "root/go", "root/.cache", "root/.config", "root/.local", "var/lib/apt/lists/*", "var/cache/apt/archives/*.deb",
	"opt/tlkit-modules/cache/vcs", "opt/tlkit-modules/cache/download/*/*/*/@v/*.zip", "tmp/*", "usr/lib/go-*", "usr/share/go-*", "run/secrets"}

// checkFiles holds that an image has no leftovers of its build, that what is installed belongs to root, and that nobody
// else can change it; and prints sizes.
func checkFiles(t *testing.T, root string) {
	for _, pattern := range leftovers {
		if found, err := filepath.Glob(filepath.Join(root, pattern)); err != nil || len(found) > 0 {
			t.Errorf("left by the build: %q (%v)", found, err)
		}
	}
	files := 0
	for _, dir := range []string{"opt", "usr/local"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			files++
			owner := info.Sys().(*syscall.Stat_t)
			link := info.Mode()&fs.ModeSymlink != 0
			if owner.Uid != 0 || !link && info.Mode().Perm()&0o022 != 0 || !link && info.Mode().Perm()&0o004 == 0 {
				t.Errorf("%s belongs to user %d and has the mode %v; expected root's, readable by all, writable by no other", path, owner.Uid, info.Mode())
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if files < 10000 {
		t.Errorf("%d files of the installation; expected Go, its modules and JupyterLab", files)
	}
	at := func(names ...string) string {
		var all []string
		for _, name := range names {
			all = append(all, filepath.Join(root, name))
		}
		return size(t, all...)
	}
	t.Logf("%d files; all %s; Go and modules %s, Python and JupyterLab %s, engines and weights %s, kernels and caches %s", files, at(""),
		at("opt/tlkit-modules"), at("opt/tlkit/venv"), at("opt/tlkit/lib", "opt/tlkit/weights"), at("opt/tlkit/bin", "opt/tlkit/gocache", "opt/tlkit/live", "opt/tlkit/src"))
}

// address is what a Jupyter server prints for its user.
var address = regexp.MustCompile(`http://127\.0\.0\.1:8888/lab\?token=([0-9a-f]{16,})`)

// quickstart starts the image's command, and beside it, as the same user, what shows that all is there. With arguments
// for Jupyter, the lessons are the server's root folder.
func quickstart(t *testing.T, c container, home string, arguments ...string) {
	t.Cleanup(func() { empty(t, home) }) // the next user can't write what this one leaves
	s := serve(t, c, address, slices.Concat(c.Cmd, arguments)...)
	s.run(`"tlkit"`, "python3", "-c", ask, "api/kernelspecs", s.token)
	lessons := "api/contents/lessons"
	if len(arguments) > 0 {
		lessons = "api/contents/"
	}
	s.run("00_quickstart.ipynb", "python3", "-c", ask, lessons, s.token)
	s.run("403", "python3", "-c", ask, lessons, "wrong")
	s.lesson(home)
	if c.user == "" {
		if text := s.run("", "tlkernel", "doctor"); strings.Contains(text, "FAIL") {
			t.Errorf("doctor:\n%s", text)
		}
		s.run("6.1.1", "jupyterhub-singleuser", "--version")
		s.run("go1.", "go", "version")
	}
}

// binder starts the server as BinderHub does (binderspawner_mixin.py and the chart's values.yaml): by a command of its
// own that takes JupyterLab from the python3 of the path, with a base address and a token.
func binder(t *testing.T, c container, home string) {
	t.Cleanup(func() { empty(t, home) })
	command := []string{"python3", "-c", `import os, sys, jupyterlab; os.execvp("jupyter-lab", sys.argv)`, "--ip=0.0.0.0", "--port=8888"}
	const token = "a-token-of-the-hub"
	for _, app := range []string{"NotebookApp", "ServerApp"} {
		for _, choice := range []string{"base_url=/user/somebody/", "token=" + token, "trust_xheaders=True", "default_url=/lab/", "allow_origin=*", "allow_origin_pat=.*"} {
			command = append(command, "--"+app+"."+choice)
		}
	}
	// A token that was given is not printed.
	s := serve(t, c, regexp.MustCompile(`http://127\.0\.0\.1:8888/user/somebody/lab/?\?token=(\.\.\.)`), command...)
	s.run(`"tlkit"`, "python3", "-c", ask, "user/somebody/api/kernelspecs", token)
	s.run("00_quickstart.ipynb", "python3", "-c", ask, "user/somebody/api/contents/lessons", token)
	s.lesson(home)
}

// server is a server in a container that has been started.
type server struct {
	t       *testing.T
	c       container
	started *exec.Cmd
	token   string
}

// serve starts a command and waits until it has printed its address, whose group is the token.
func serve(t *testing.T, c container, address *regexp.Regexp, command ...string) server {
	t.Helper()
	started := c.start(command...)
	out, err := started.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	started.Stdout = started.Stderr
	began := time.Now()
	if err := started.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.stop(started) })
	token, said := announced(out, address)
	if token == "" {
		t.Fatalf("the server ended, or printed no address with a token, in %s:\n%s", time.Since(began), said)
	}
	t.Logf("the server's address after %.1f s", time.Since(began).Seconds())
	return server{t, c, started, token}
}

// run runs a command beside the server, and returns what it printed, which must have the text that is wanted.
func (s server) run(want string, command ...string) string {
	s.t.Helper()
	began := time.Now()
	text, err := s.c.beside(s.started, command...)
	if err != nil || !strings.Contains(text, want) {
		s.t.Fatalf("%q: %v; expected %q in\n%s", command, err, want, tail(text, 6000))
	}
	s.t.Logf("%s: %.1f s", strings.Join(command[:2], " "), time.Since(began).Seconds())
	return text
}

// lesson executes the quickstart of the home folder.
func (s server) lesson(home string) {
	s.t.Helper()
	log := s.run("", "tlkernel", "exec", "lessons/00_quickstart.ipynb", "-o", "out/quickstart.ipynb", "--html", "none", "--timeout", "15m")
	checkExecuted(s.t, filepath.Join(home, "out/quickstart.ipynb"), log)
}

// empty removes what is in a folder.
func empty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Error(err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			t.Error(err)
		}
	}
}

// announced reads what the server prints until it names its address. It goes on reading after that.
func announced(out io.Reader, address *regexp.Regexp) (token, said string) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		said += lines.Text() + "\n"
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			go io.Copy(io.Discard, out)
			return m[1], said
		}
	}
	return "", said
}

// ask is a program for the image's Python that asks the server.
const ask = `import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen(f"http://127.0.0.1:8888/{sys.argv[1]}?token={sys.argv[2]}", timeout=60).read().decode())
except urllib.error.HTTPError as e:
    print(e.code)
`

// checkExecuted holds that every cell of an executed lesson ran, and that figures are among what was shown.
func checkExecuted(t *testing.T, path, log string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var n struct {
		Cells []struct {
			Type    string `json:"cell_type"`
			Count   int    `json:"execution_count"`
			Outputs []struct {
				Type string `json:"output_type"`
				Data map[string]json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(data, &n); err != nil {
		t.Fatal(err)
	}
	code, figures := 0, 0
	for i, cell := range n.Cells {
		if cell.Type != "code" {
			continue
		}
		code++
		if cell.Count == 0 {
			t.Errorf("cell %d was not run", i+1)
		}
		for _, o := range cell.Outputs {
			if o.Type == "error" {
				t.Errorf("cell %d shows an error", i+1)
			}
			for kind := range o.Data {
				if slices.Contains([]string{"image/svg+xml", "image/png", "application/vnd.vegalite.v5+json"}, kind) {
					figures++
				}
			}
		}
	}
	if code < 5 || figures == 0 {
		t.Errorf("%d cells and %d figures in %s; expected those of the quickstart\n%s", code, figures, path, log)
	}
	t.Log(fmt.Sprintf("%d cells, %d figures", code, figures))
}
