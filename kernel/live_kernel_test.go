package kernel

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// fixtureCell returns the source of a code cell of testdata/name, counted from 0.
func fixtureCell(t *testing.T, name string, index int) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var nb notebookFile
	if err := json.Unmarshal(data, &nb); err != nil {
		t.Fatal(err)
	}
	for _, c := range nb.Cells {
		if c.Type == "code" {
			if index == 0 {
				return string(c.Source)
			}
			index--
		}
	}
	t.Fatalf("%s has too few code cells", name)
	return ""
}

// noNetwork sends every way to the network to a server of the test, and returns how often it was asked.
func noNetwork(t *testing.T) (env []string, asked *atomic.Int32) {
	asked = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Error(w, "no network in this test", http.StatusNotFound)
	}))
	t.Cleanup(server.Close)
	env = []string{"GOPROXY=" + server.URL, "GOFLAGS=-mod=mod", "GOSUMDB=sum.golang.org"}
	for _, name := range []string{"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"} {
		env = append(env, name+"="+server.URL)
	}
	return env, asked
}

// buildSeconds is how long Go takes to link a program that imports a package, everything being compiled: what a
// kernel's start and first cell are held against.
func buildSeconds(t *testing.T, p Prefix, m *Manifest, path string) float64 {
	t.Helper()
	dir := t.TempDir()
	main := filepath.Join(dir, "main.go")
	if err := os.WriteFile(main, fmt.Appendf(nil, "package main\n\nimport _ %q\n\nfunc main() {}\n", path), 0o644); err != nil {
		t.Fatal(err)
	}
	gt := m.cellGo()
	began := time.Now()
	if _, err := gt.output(t.Context(), p.workspaceDir(), []string{"GOPROXY=off", "GOFLAGS=-mod=mod"}, "build", "-o", filepath.Join(dir, "main"), main); err != nil {
		t.Fatal(err)
	}
	return time.Since(began).Seconds()
}

// TestFirstCell: GoMLX and GoNB in the first cell, offline, without a set-up cell, soon after the kernel's start.
func TestFirstCell(t *testing.T) {
	eachKernel(t, func(t *testing.T, kernel string) {
		const path = "github.com/gomlx/gomlx/core/graph"
		testFirstCell(t, kernel, path, fixtureCell(t, "gomlx.ipynb", 0), "[2 4 6]", `<b id="tlkit-fixture">`)
	})
}

// TestFirstCellWithTLKit: the same for this repository's own packages, whose façade brings in all engines and models.
func TestFirstCellWithTLKit(t *testing.T) {
	eachKernel(t, func(t *testing.T, kernel string) {
		const path = modulePath + "/tlkit"
		testFirstCell(t, kernel, path, fmt.Sprintf("import _ %q\n%%%%\nfmt.Print(6 * 7)", path), "42", "")
	})
}

func testFirstCell(t *testing.T, kernel, path, cell, stdout, html string) {
	p, tmp := installed(t)
	m, err := ReadManifest(p)
	if err != nil {
		t.Fatal(err)
	}
	needPackage(t, p, path)
	env, asked := noNetwork(t)
	// Compiling what the cell imports, or asking for it, would take tens of builds.
	const limit = 5
	best := 0.0
	for try := range 3 { // the first may have to read the build cache from disk
		s := newSession(t, kernel, p, env...)
		start := s.do("start")
		r := s.do("execute", "code", cell)
		if r.Status != "ok" || strings.TrimSpace(r.Stdout) != stdout {
			t.Fatalf("status %s, stdout %q, want %s\n%s%s", r.Status, r.Stdout, stdout, r.Stderr, r.Traceback)
		}
		if !strings.Contains(r.HTML, html) {
			t.Errorf("HTML from gonbui: %q, want %s in it", r.HTML, html)
		}
		if r.Stderr != "" {
			t.Errorf("standard error: %q", r.Stderr)
		}
		s.do("shutdown")
		build := buildSeconds(t, p, m, path)
		t.Logf("kernel started in %.2f s, first cell in %.2f s; go build takes %.2f s", start.Seconds, r.Seconds, build)
		if ratio := (start.Seconds + r.Seconds) / build; try == 0 || ratio < best {
			best = ratio
		}
		if best <= limit {
			break
		}
	}
	if best > limit {
		t.Errorf("start and first cell took %.1f times as long as go build, want at most %d", best, limit)
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("the network was asked %d times", n)
	}
	wantNothingLeft(t, tmp)
}

func TestCompileErrorAtItsLine(t *testing.T) { eachKernel(t, testCompileErrorAtItsLine) }

func testCompileErrorAtItsLine(t *testing.T, kernel string) {
	p, tmp := installed(t)
	s := newSession(t, kernel, p)
	s.do("start")
	r := s.do("execute", "code", fixtureCell(t, "compile_error.ipynb", 1))
	line := map[string]string{KernelName: "cell 1, line 6", GonbKernelName: "Cell[1]: Line 6"}[kernel]
	for _, want := range []string{line, `var n int = "seven"`, `cannot use "seven" (untyped string constant) as int value`} {
		if r.Status != "error" || !strings.Contains(r.Traceback, want) {
			t.Errorf("status %s, traceback lacks %q:\n%s", r.Status, want, r.Traceback)
		}
	}
	// The kernel goes on, and did not keep the broken cell.
	if out := s.run("%%\nfmt.Print(6 * 7)"); out != "42" {
		t.Errorf("next cell printed %q", out)
	}
	s.do("shutdown")
	wantNothingLeft(t, tmp)
}

// TestMissingModule: an import that the workspace lacks fails with the compiler's advice, and without the network; a
// module added by hand works.
func TestMissingModule(t *testing.T) { eachKernel(t, testMissingModule) }

func testMissingModule(t *testing.T, kernel string) {
	p, _ := installed(t)
	env, asked := noNetwork(t)
	s := newSession(t, kernel, p, env...)
	s.do("start")
	const use = "import \"example.com/greet\"\n%%\nfmt.Print(greet.Hello)"
	r := s.do("execute", "code", use)
	want := map[string]string{KernelName: "!*go get example.com/greet@", GonbKernelName: "no required module provides package example.com/greet"}[kernel]
	if r.Status != "error" || !strings.Contains(r.Traceback, want) {
		t.Errorf("status %s, want an error with %q:\n%s", r.Status, want, r.Traceback)
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("the network was asked %d times", n)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/greet\n", "greet.go": "package greet\n\nconst Hello = \"hello\"\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s.run("!*go mod edit -replace=example.com/greet=" + dir)
	s.run("!*GOPROXY=off GOFLAGS=-mod=mod go get example.com/greet")
	if out := s.run(use); out != "hello" {
		t.Errorf("after go get the cell printed %q", out)
	}
	// A bare go get neither asks the network nor changes versions. In the live kernel there is no such
	// thing as GoNB's own.
	if kernel == GonbKernelName {
		r := s.do("execute", "code", "!*go get && git --version >/dev/null; sed -n 's/.*gomlx.gomlx //p' go.mod")
		if !strings.Contains(r.Stderr, "automatic go get is off") || !strings.HasPrefix(r.Stdout, "v0.") {
			t.Errorf("bare go get: stdout %q, stderr %q", r.Stdout, r.Stderr)
		}
		// go mod tidy would empty the workspace; a module that is named changes alone.
		const count = "; grep -c 'gomlx\\|example.com/greet v0' go.mod"
		before := s.run("!*true" + count)
		if r = s.do("execute", "code", "!*go mod tidy"+count); !strings.Contains(r.Stderr, "go.mod is as before") || r.Stdout != before {
			t.Errorf("go mod tidy: %q lines before, %q after, stderr %q", before, r.Stdout, r.Stderr)
		}
		if r = s.do("execute", "code", "!*GOPROXY=off go get example.com/greet@none"+count); r.Status != "ok" || r.Stdout == before {
			t.Errorf("go get of none: %q lines before, %q after, stderr %q", before, r.Stdout, r.Stderr)
		}
	}
	// Starting over brings the prepared workspace back. In the live kernel that ends the worker, which has loaded the
	// module.
	again := "%reset go.mod"
	if kernel == KernelName {
		if r := s.do("execute", "code", again); r.Status != "error" || !strings.Contains(r.Stderr+r.Traceback, "go.mod is as before") {
			t.Errorf("%s of a module that is loaded: status %s, %s %s", again, r.Status, r.Stderr, r.Traceback)
		}
		again = "%reset"
	}
	s.run(again)
	if out := s.run(fixtureCell(t, "gomlx.ipynb", 0)); strings.TrimSpace(out) != "[2 4 6]" {
		t.Errorf("after %s: %q", again, out)
	}
	s.do("shutdown")
}

// TestLiveInterrupt: an interrupt stops a cell's loop and keeps what cells have declared; what can't be stopped ends
// with the second one, and the kernel goes on.
func TestLiveInterrupt(t *testing.T) {
	p, tmp := installed(t)
	needLive(t, p, KernelName)
	s := newSession(t, KernelName, p)
	s.do("start")
	s.run("kept := 7")
	s.do("begin", "code", "fmt.Println(\"ready\")\nfor {\n}")
	s.do("until", "text", "ready")
	s.do("interrupt")
	if r := s.do("finish"); r.Status != "error" || !strings.Contains(strings.ToLower(r.Traceback), "interrupt") {
		t.Errorf("status %s, %s", r.Status, r.Traceback)
	}
	if out := s.run("fmt.Print(kept)"); out != "7" {
		t.Errorf("after the interrupt: %q", out)
	}
	s.do("begin", "code", `var mu sync.Mutex
mu.Lock()
go func() {
	for all := make([]byte, 1<<20); !bytes.Contains(all[:runtime.Stack(all, true)], []byte(" [sync.Mutex.Lock")); {
		time.Sleep(time.Millisecond)
	}
	fmt.Println("ready")
}()
mu.Lock()`)
	s.do("until", "text", "ready")
	s.do("interrupt")
	if r := s.do("finish"); r.Status != "error" || !strings.Contains(r.Traceback, "all goroutines of this cell wait") {
		t.Errorf("a cell that waits: status %s, %s", r.Status, r.Traceback)
	}
	if out := s.run("fmt.Print(kept)"); out != "7" {
		t.Errorf("after the interrupt of a cell that waits: %q", out)
	}
	// The library prints the word itself, so that no interrupt can come between the print and the call.
	s.do("begin", "code", "import \"text/template\"\ntemplate.Must(template.New(\"\").Parse(\"ready{{range 1000000000000}}{{end}}\")).Execute(os.Stdout, nil)")
	s.do("until", "text", "ready")
	s.do("interrupt")
	time.Sleep(time.Second)
	s.do("interrupt")
	if r := s.do("finish"); r.Status != "error" {
		t.Errorf("status %s, %s", r.Status, r.Traceback)
	}
	if r := s.do("execute", "code", "fmt.Print(kept)"); r.Status != "error" || !strings.Contains(r.Traceback, "kept") {
		t.Errorf("a name of the worker that is gone: status %s, %s", r.Status, r.Traceback)
	}
	if out := s.run("fmt.Print(6 * 7)"); out != "42" {
		t.Errorf("next cell printed %q", out)
	}
	s.do("shutdown")
	wantNothingLeft(t, tmp)
}

// TestInterrupt: one interrupt reaches the cell's program once; one that does not listen ends; the kernel goes on.
func TestInterrupt(t *testing.T) {
	p, tmp := installed(t)
	s := newSession(t, GonbKernelName, p)
	s.do("start")
	s.do("begin", "code", `import ("os"; "os/signal"; "time"; "fmt")
%%
c := make(chan os.Signal, 8)
signal.Notify(c, os.Interrupt)
fmt.Println("ready")
<-c
time.Sleep(time.Second)
fmt.Printf("interrupts: %d\n", 1+len(c))`)
	s.do("until", "text", "ready")
	s.do("interrupt")
	if r := s.do("finish"); r.Status != "ok" || !strings.Contains(r.Stdout, "interrupts: 1\n") {
		t.Errorf("status %s, stdout %q, want one interrupt\n%s", r.Status, r.Stdout, r.Traceback)
	}

	s.do("begin", "code", "%%\nfmt.Println(\"ready\")\ntime.Sleep(time.Hour)")
	s.do("until", "text", "ready")
	began := time.Now()
	s.do("interrupt")
	if r := s.do("finish", "timeout", 4); r.Status != "error" || !strings.Contains(r.Stderr, "^C") {
		t.Errorf("status %s, stderr %q, want an error after ^C", r.Status, r.Stderr)
	}
	t.Logf("a sleeping cell ended %.2f s after the interrupt", time.Since(began).Seconds())
	if out := s.run("%%\nfmt.Print(6 * 7)"); out != "42" {
		t.Errorf("next cell printed %q", out)
	}
	s.do("shutdown")
	wantNothingLeft(t, tmp)
}

// strayCell leaves a program in a session of its own, one that ignores SIGTERM, and a temporary file behind.
const strayCell = `import ("os"; "os/exec"; "syscall")
%%
os.WriteFile(os.TempDir()+"/stray.txt", []byte("x"), 0o644)
for _, script := range []string{"sleep 301", "trap '' TERM INT; while true; do sleep 302; done"} {
	cmd := exec.Command("sh", "-c", script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
}`

// below returns the processes below pid whose command line, with a blank after each word, has text in it; it
// waits until there is one.
func below(t *testing.T, pid int, text string) (found []int) {
	t.Helper()
	if !await(20*time.Second, func() bool {
		found = withLine(pid, text)
		return len(found) > 0
	}) {
		t.Fatalf("no process with %q below %d", text, pid)
	}
	return found
}

// withLine returns those of the processes that there are now.
func withLine(pid int, text string) (found []int) {
	family := map[int]bool{pid: true}
	for range 3 { // children, theirs, and theirs
		for _, p := range processes() {
			family[p.pid] = family[p.pid] || family[p.parent]
		}
	}
	for p, ours := range family {
		if !ours {
			continue
		}
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p))
		if strings.Contains(strings.ReplaceAll(string(line), "\x00", " "), text) {
			found = append(found, p)
		}
	}
	return found
}

func killBelow(t *testing.T, pid int, text string) []int {
	t.Helper()
	found := below(t, pid, text)
	for _, p := range found {
		syscall.Kill(p, syscall.SIGKILL)
	}
	return found
}

func TestNothingLeft(t *testing.T) {
	ends := []struct {
		name string
		end  func(t *testing.T, s *jupyter, pid int)
	}{
		{"shutdown", func(t *testing.T, s *jupyter, pid int) {
			r := s.do("shutdown")
			t.Logf("shutdown took %.1f s", r.Seconds)
			if r.Status != "ShutdownRequest" {
				t.Errorf("the kernel did not end when it was asked to: %s after %.1f s", r.Status, r.Seconds)
			}
		}},
		{"shutdown while a cell runs", func(t *testing.T, s *jupyter, pid int) {
			s.do("begin", "code", "%%\nfor { fmt.Println(\"ready\"); time.Sleep(time.Second) }")
			s.do("until", "text", "ready")
			s.do("shutdown")
		}},
		{"killed at once by Jupyter", func(t *testing.T, s *jupyter, pid int) { s.do("shutdown", "now", true) }},
		{"SIGKILL", func(t *testing.T, s *jupyter, pid int) { syscall.Kill(pid, syscall.SIGKILL) }},
		{"SIGTERM", func(t *testing.T, s *jupyter, pid int) { syscall.Kill(pid, syscall.SIGTERM) }},
		{"Jupyter dies", func(t *testing.T, s *jupyter, pid int) { s.cmd.Process.Kill() }},
		{"SIGKILL of the kernel proper", func(t *testing.T, s *jupyter, pid int) { killBelow(t, pid, " live ") }},
		{"SIGKILL of the janitor, then of the launcher", func(t *testing.T, s *jupyter, pid int) {
			killed := killBelow(t, pid, " janitor ")
			await(20*time.Second, func() bool { return !slices.Contains(killed, below(t, pid, " janitor ")[0]) }) // another one is there
			syscall.Kill(pid, syscall.SIGKILL)
		}},
		{"SIGKILL of the worker, then of the launcher", func(t *testing.T, s *jupyter, pid int) {
			killBelow(t, pid, "/worker ")
			syscall.Kill(pid, syscall.SIGKILL)
		}},
	}
	eachKernel(t, func(t *testing.T, kernel string) {
		for i, e := range ends {
			if kernel == GonbKernelName && (i%2 == 1 || i > 5) {
				continue // one way in two shows that the two kernels end alike; the last have to do with the live one
			}
			t.Run(e.name, func(t *testing.T) {
				p, tmp := installed(t)
				s := newSession(t, kernel, p)
				pid := s.do("start").PID
				s.run(strayCell)
				if left := fmt.Sprint(remains(t, tmp)); !strings.Contains(left, "sleep 302") || !strings.Contains(left, "stray.txt") {
					t.Fatalf("the cell left no strays to find: %s", left)
				}
				e.end(t, s, pid)
				wantNothingLeft(t, tmp)
			})
		}
	})
}

func TestRestart(t *testing.T) { eachKernel(t, testRestart) }

func testRestart(t *testing.T, kernel string) {
	p, tmp := installed(t)
	s := newSession(t, kernel, p)
	first := s.do("start").PID
	s.run("var kept = 7\n%%\nfmt.Print(kept)")
	s.run(strayCell)
	second := s.do("restart").PID
	if first == second {
		t.Errorf("same process %d after the restart", first)
	}
	if left := fmt.Sprint(remains(t, tmp)); strings.Contains(left, "sleep 30") || strings.Contains(left, "stray.txt") {
		t.Errorf("left of the first kernel: %s", left)
	}
	if r := s.do("execute", "code", "%%\nfmt.Print(kept)"); r.Status != "error" || !strings.Contains(r.Traceback, "undefined: kept") {
		t.Errorf("after the restart a name of before: status %s, %s", r.Status, r.Traceback)
	}
	if out := s.run(fixtureCell(t, "gomlx.ipynb", 0)); strings.TrimSpace(out) != "[2 4 6]" {
		t.Errorf("first cell after the restart: %q", out)
	}
	s.do("shutdown")
	wantNothingLeft(t, tmp)
}
