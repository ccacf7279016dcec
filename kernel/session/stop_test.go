//go:build linux

package session

import (
	"strings"
	"testing"
)

// TestStopWaiting: one interrupt ends a cell that waits for anything, the state is kept, what comes after in the cell
// does not run, now or when the wait is over.
func TestStopWaiting(t *testing.T) {
	s := newSession(t)
	run(t, s, 1, "kept := 1\nwent := 0\nfree := make(chan int)\nvar mu sync.Mutex\nmu.Lock()")
	// Once the cell waits.
	const waits = "go func() { time.Sleep(100 * time.Millisecond); fmt.Println(\"started\") }()"
	cases := []struct{ name, code, says string }{
		{"send", "ch := make(chan int)\nWAITS\nch <- 1", "all goroutines of this cell wait (chan send)"},
		{"receive of a later cell", "WAITS\n<-free", "all goroutines of this cell wait (chan receive)"},
		{"in a function", "func get() int { return <-free }\nWAITS\nfor range 2 { get(); went++ }", "line 3"},
		{"wait group", "var wg sync.WaitGroup\nwg.Add(1)\nWAITS\nwg.Wait()", "all goroutines of this cell wait (sync.WaitGroup.Wait)"},
		{"mutex", "WAITS\nmu.Lock()", "all goroutines of this cell wait (sync.Mutex.Lock)"},
		{"select with cases", "WAITS\nif true { select { case <-free: went++; case v := <-make(chan int): went += v } }", "all goroutines of this cell wait (select)"},
		{"select", "WAITS\nselect {}", "all goroutines of this cell wait"},
		{"condition", "c := sync.NewCond(new(sync.Mutex))\nc.L.Lock()\nWAITS\nc.Wait()", "sync.Cond.Wait"},
		{"child process", "WAITS\nexec.Command(\"sleep\", \"60\").Run()", ""},
		{"a command between Go", "WAITS\n!sleep 1000\nwent++", ""},
		{"Go above a command", "WAITS\n<-free\n!echo went on", ""},
		{"stubborn child", "WAITS\nexec.Command(\"sh\", \"-c\", \"trap '' INT TERM; while true; do sleep 60; done\").Run()", ""},
		{"network", "l, lerr := net.Listen(\"tcp\", \"127.0.0.1:0\")\nif lerr != nil { panic(lerr) }\nWAITS\nl.Accept()", "IO wait"},
		{"http", "hl, herr := net.Listen(\"tcp\", \"127.0.0.1:0\")\nif herr != nil { panic(herr) }\nWAITS\nhttp.Get(\"http://\" + hl.Addr().String())", ""},
		{"a library's sort", "nums := make([]int, 1_000_000)\nfor i := range nums { nums[i] = (i * 7919) % 1000003 }\nfmt.Println(\"started\")\nsort.Ints(nums)", ""},
		{"iterator", "next, _ := iter.Pull(func(yield func(int) bool) { <-free; yield(1) })\nWAITS\nnext()", ""},
	}
	before := children(t)
	for i, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			done, out := begin(t, s, i+2, strings.ReplaceAll(test.code, "WAITS", waits)+"\nwent++\nfmt.Println(\"went on\")")
			s.Interrupt()
			err := wait(t, done)
			if err == nil || err.Name != "Interrupted" || !strings.Contains(err.Value+strings.Join(err.Traceback, " "), test.says) {
				t.Fatalf("ended with %v, want Interrupted that says %q", err, test.says)
			}
			if strings.Contains(out.String(), "went on") || test.says != "" && strings.Contains(out.String(), "Interrupt again") {
				t.Errorf("shown: %q", out.String())
			}
		})
	}
	// The channel closes and the lock opens: the goroutines that were left behind end there.
	run(t, s, 50, "close(free)\nmu.Unlock()\ntime.Sleep(200 * time.Millisecond)")
	if got := run(t, s, 51, "fmt.Sprint(kept, went)"); got != "=> 1 0" {
		t.Errorf("kept and went: %q", got)
	}
	if after := children(t); after != before {
		t.Errorf("%d child processes, %d before", after, before)
	}
}

// TestStopServer: a stopped cell with a web server runs again, at the same address; listeners of other cells stay.
func TestStopServer(t *testing.T) {
	s := newSession(t)
	run(t, s, 1, "addr := func() string { l, _ := net.Listen(\"tcp\", \"127.0.0.1:0\"); defer l.Close(); return l.Addr().String() }()")
	const connect = "go func() { for { if c, err := net.Dial(\"tcp\", addr); err == nil { c.Close(); fmt.Println(\"started\"); return }; time.Sleep(time.Millisecond) } }()\n"
	run(t, s, 2, "other, err := net.Listen(\"tcp\", \"127.0.0.1:0\")")
	const goes = "go func() { if err := http.ListenAndServe(addr, nil); err != nil { fmt.Println(err) } }()\n"
	for i, serve := range []string{
		"log.Fatal(http.ListenAndServe(addr, nil))", "mux := http.NewServeMux()\ngo http.ListenAndServe(addr, mux)\nselect {}",
		// These bodies end by themselves.
		goes + "ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)\ndefer stop()\n<-ctx.Done()",
		goes + "for { time.Sleep(time.Millisecond) }",
		goes + "c := make(chan os.Signal, 1)\nsignal.Notify(c, os.Interrupt)\n<-c\nlog.Fatal(\"over\")",
		goes + "srv := &http.Server{}\nl, _ := net.Listen(\"tcp\", \"127.0.0.1:0\")\ngo srv.Serve(l)\n_ = exec.Command(\"sleep\", \"600\").Run()",
		"l, err := net.Listen(\"unix\", \"./socket\")\nif err != nil { fmt.Println(err) }\nhttp.Serve(l, nil)",
	} {
		code := "http.HandleFunc(\"/\", http.NotFound)\n" + connect + serve
		if strings.Contains(serve, "unix") {
			code = strings.Replace(code, "\"tcp\", addr", "\"unix\", \"./socket\"", 1)
		}
		for again := range 3 {
			done, out := begin(t, s, 3+3*i+again, code)
			s.Interrupt()
			if err := wait(t, done); err == nil || strings.Contains(out.String(), "in use") {
				t.Fatalf("run %d of %q ended with %v and showed %q, want Interrupted", again+1, serve, err, out)
			}
		}
	}
	if got := run(t, s, 39, "go net.Dial(\"tcp\", other.Addr().String())\n_, err = other.Accept()\nerr == nil"); got != "=> true" {
		t.Errorf("the listener of another cell accepts: %q, want true", got)
	}
	// A goroutine of an earlier cell listens while the cell runs that is stopped.
	run(t, s, 40, "late := make(chan net.Listener)\ngo func() { late <- nil; l, _ := net.Listen(\"tcp\", \"127.0.0.1:0\"); late <- l; http.Serve(l, nil) }()")
	done, _ := begin(t, s, 41, "<-late\nl := <-late\n"+connect+"http.ListenAndServe(addr, nil)")
	s.Interrupt()
	if err := wait(t, done); err == nil || err.Name != "Interrupted" {
		t.Fatalf("ended with %v, want Interrupted", err)
	}
	if got := run(t, s, 42, "_, err = http.Get(\"http://\" + l.Addr().String())\nerr == nil"); got != "=> true" {
		t.Errorf("the server that another cell began meanwhile has an answer: %q, want true", got)
	}
}

// TestStopDeferred tests that the first interrupt leaves deferred functions their work, and that the second one ends
// them and keeps the state.
func TestStopDeferred(t *testing.T) {
	s := newSession(t)
	run(t, s, 1, "kept := 1\nsaved := 0")
	for n, code := range []string{
		"defer func() { fmt.Println(\"deferred\"); for saved == 0 { } }()\nfmt.Println(\"started\")\nfor { }",
		"func loop() { defer func() { recover(); fmt.Println(\"deferred\"); for { fmt.Sprint(saved) } }(); fmt.Println(\"started\"); for { } }\nloop()",
	} {
		done, out := begin(t, s, n+2, code)
		s.Interrupt()
		until(t, func() bool {
			return len(done) > 0 || strings.Contains(out.String(), "Interrupt again to end that too; all variables stay.\n")
		})
		if strings.Contains(out.String(), "C code") {
			t.Errorf("shown: %q", out.String())
		}
		s.Interrupt()
		if err := wait(t, done); err == nil || err.Name != "Interrupted" {
			t.Fatalf("ended with %v, want Interrupted", err)
		}
	}
	// Each further interrupt ends one more of them.
	done, out := begin(t, s, 4, "defer func() { fmt.Println(\"second\"); for { } }()\ndefer func() { fmt.Println(\"first\"); for { } }()\nfmt.Println(\"started\")\nos.Exit(3)")
	until(t, func() bool { return strings.Contains(out.String(), "first\n") }) // before, it would stop the body
	for n := range 2 {
		s.Interrupt()
		until(t, func() bool { return len(done) > 0 || strings.Count(out.String(), "all variables stay.\n") == n+1 })
	}
	s.Interrupt()
	if err := wait(t, done); err == nil || !strings.Contains(err.Value, "exit status 3") || strings.Contains(out.String(), "C code") {
		t.Errorf("ended with %v, shown %q", err, out.String())
	}
	done, out = begin(t, s, 5, "defer func() { for range 20 { time.Sleep(10 * time.Millisecond) }; saved = 1 }()\nfmt.Println(\"started\")\nfor { }")
	s.Interrupt()
	if err := wait(t, done); err == nil || err.Name != "Interrupted" || strings.Contains(out.String(), "Interrupt again") {
		t.Fatalf("ended with %v, shown %q", err, out.String())
	}
	if got := run(t, s, 6, "fmt.Sprint(kept, saved)"); got != "=> 1 1" {
		t.Errorf("kept and saved: %q", got)
	}
}

// TestStopTraining: GoMLX's own loop ends at an interrupt, though no code of a cell runs in it.
func TestStopTraining(t *testing.T) {
	s := newSession(t)
	run(t, s, 1, `kept := 7
func net(scope *model.Scope, spec any, inputs []*graph.Node) []*graph.Node {
	return []*graph.Node{fnn.New(scope, inputs[0], 1).NumHiddenLayers(1, 4).Done()}
}
backend, err := gobackend.New("")
if err != nil { panic(err) }
data, err := dataset.InMemoryFromData(backend, "line", []any{[][]float32{{1}, {2}}}, []any{[][]float32{{2}, {4}}})
if err != nil { panic(err) }
data = data.Infinite(true).BatchSize(2, true)
trainer := train.NewTrainer(backend, model.NewStore(), net, loss.MeanSquaredError, optimizer.Adam().LearningRate(0.001).Done(), nil, nil)
loop := train.NewLoop(trainer)`)
	done, out := begin(t, s, 2, "go func() { for loop.LoopStep < 3 { time.Sleep(time.Millisecond) }; fmt.Println(\"started\") }()\n_, rerr := loop.RunSteps(data, 1_000_000_000)\nfmt.Println(\"went on\", rerr)")
	s.Interrupt()
	if err := wait(t, done); err == nil || err.Name != "Interrupted" || strings.Contains(out.String(), "went on") {
		t.Fatalf("ended with %v, printed %q", err, out.String())
	}
	if got := run(t, s, 3, "fmt.Sprint(kept, loop.LoopStep >= 3)"); got != "=> 7 true" {
		t.Errorf("after it: %q", got)
	}
}

// TestStopInGraph: an interrupt, or os.Exit, while GoMLX builds a graph with a function of a cell. GoMLX keeps a record
// of graphs in the making: the same Exec with the same shapes works afterwards, whoever called it.
func TestStopInGraph(t *testing.T) {
	s := newSession(t)
	run(t, s, 1, `backend, err := gobackend.New("")
if err != nil { panic(err) }
kept, slow := 7, true
end := func() {}
func next(x *graph.Node) *graph.Node {
	end()
	for started := false; slow; started = true { if !started { fmt.Println("started") } }
	return graph.AddScalar(x, 1)
}`)
	n := 1
	for _, test := range []struct{ name, call string }{
		{"MustCall1", "exec.MustCall1(float32(1))"},
		{"Call", "y, yerr := exec.Call(float32(1))\nfmt.Println(\"went on\", y, yerr)"},
		{"last Call", "exec.Call(float32(1))"},
		{"recovered", "for range 1000000 { func() { defer func() { recover() }(); exec.MustCall1(float32(1)) }() }\nfmt.Println(\"went on\")"},
		{"deferred work", "defer func() { for range 30 { time.Sleep(10 * time.Millisecond) }; kept++ }()\nexec.MustCall1(float32(1))"},
		{"goroutine", "func() { var wg sync.WaitGroup; wg.Go(func() { exec.Call(float32(1)) }); wg.Wait() }()\nfmt.Println(\"went on\")"},
		{"goroutine that panics", "func() { var wg sync.WaitGroup; wg.Go(func() { exec.MustCall1(float32(1)) }); wg.Wait() }()\nfmt.Println(\"went on\")"},
	} {
		t.Run(test.name, func(t *testing.T) {
			n += 3
			run(t, s, n, "slow = true\nexec := graph.MustNewExec(backend, next)")
			done, out := begin(t, s, n+1, test.call)
			s.Interrupt()
			if err := wait(t, done); err == nil || err.Name != "Interrupted" || strings.Contains(out.String(), "went on") {
				t.Fatalf("ended with %v, printed %q", err, out.String())
			}
			if strings.HasPrefix(test.name, "goroutine") {
				return // it ended in a way that GoMLX does not see; that the worker lives is seen at the end
			}
			if got := run(t, s, n+2, "slow = false\nexec.MustCall1(float32(1)).Value()"); got != "=> 2" {
				t.Errorf("the next call: %q", got)
			}
		})
	}
	run(t, s, 60, "slow = false\nend = func() { os.Exit(3) }\nexec := graph.MustNewExec(backend, next)")
	for i, call := range []string{"exec.MustCall1(float32(1))", "y, _ := exec.Call(float32(1))"} {
		out := &record{}
		if err := s.Execute(t.Context(), &Cell{Code: call, Count: 61 + i}, out); err == nil || !strings.Contains(err.Value, "exit status 3") {
			t.Errorf("os.Exit in %s ended with %v", call, err)
		}
	}
	if got := run(t, s, 70, "end = func() {}\nfmt.Sprint(kept, exec.MustCall1(float32(1)).Value())"); got != "=> 8 2" {
		t.Errorf("kept and the next call: %q", got)
	}
}

// TestStopKeepsChildren: children of earlier cells live on when a cell is stopped.
func TestStopKeepsChildren(t *testing.T) {
	s := newSession(t)
	run(t, s, 1, "cmd := exec.Command(\"sleep\", \"1000\")\ncmd.Start()")
	done, _ := begin(t, s, 2, "fmt.Println(\"started\")\nexec.Command(\"sleep\", \"60\").Run()")
	s.Interrupt()
	if err := wait(t, done); err == nil || err.Name != "Interrupted" {
		t.Fatalf("ended with %v", err)
	}
	if got := run(t, s, 3, "cmd.Process.Signal(syscall.Signal(0)) == nil"); got != "=> true" {
		t.Errorf("the child of cell 1 is there: %q", got)
	}
}

// TestStopCommand tests that an interrupt leaves a command the time to end by itself, and ends what ignores it.
func TestStopCommand(t *testing.T) {
	s := newSession(t)
	run(t, s, 1, "1")
	for n, test := range []struct{ code, want string }{
		{"!trap 'echo saved; exit 1' INT; echo started; while true; do sleep 0.01; done", "saved"},
		{"%%bash\ntrap 'echo saved' INT\necho started\nwhile true; do sleep 0.01; done", "saved"},
		{"%%python3\nimport subprocess, signal, time\nsubprocess.Popen(['sh', '-c', 'trap \"sleep 0.1; echo saved; exit\" INT; echo started; while true; do sleep 0.01; done'])\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\ntime.sleep(1000)", "saved"}, // a child that outlives its parent
		{"!trap '' INT; (trap '' INT; sleep 1000) & echo started; while true; do sleep 0.01; done", ""},
	} {
		before := children(t)
		done, out := begin(t, s, n+2, test.code)
		s.Interrupt()
		if err := wait(t, done); err == nil || err.Name != "Interrupted" || !strings.Contains(out.String(), test.want) {
			t.Errorf("%s: ended with %v and showed %q, want Interrupted and %q", test.code, err, out.String(), test.want)
		}
		until(t, func() bool { return children(t) == before })
	}
}

// TestStopSaves: a cell that listens for an interrupt does what it must, and is a stopped cell all the same; what it
// declared is there. A second interrupt at once, and the kernel's end, leave it alone.
func TestStopSaves(t *testing.T) {
	s := newSession(t)
	run(t, s, 1, "saved := 0")
	done, _ := begin(t, s, 2, "defer func() { for range 30 { time.Sleep(10 * time.Millisecond) }; saved = 1 }()\nfmt.Println(\"started\")\nfor { }")
	s.Interrupt()
	s.Interrupt()
	s.Stop()
	if err := wait(t, done); err == nil || err.Name != "Interrupted" {
		t.Fatalf("ended with %v", err)
	}
	if got := run(t, s, 3, "saved"); got != "=> 1" {
		t.Errorf("saved: %q", got)
	}
	done, _ = begin(t, s, 4, "sig := make(chan os.Signal, 1)\nsignal.Notify(sig, os.Interrupt)\nfmt.Println(\"started\")\n<-sig")
	s.Interrupt()
	if err := wait(t, done); err == nil || err.Name != "Interrupted" {
		t.Fatalf("a cell that took the interrupt itself ended with %v", err)
	}
	if got := run(t, s, 5, "sig != nil"); got != "=> true" {
		t.Errorf("what it declared: %q", got)
	}
}
