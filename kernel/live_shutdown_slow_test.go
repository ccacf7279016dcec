//go:build slow

package kernel

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestShutdownStates: whatever the kernel is doing, a shutdown and a restart end it by itself, with its worker and all
// child processes, and nothing is left:
//
//	go test -tags slow -run ShutdownStates -v ./kernel
func TestShutdownStates(t *testing.T) {
	var long strings.Builder // some seconds of the compiler's
	for i := range 4000 {
		fmt.Fprintf(&long, "v%d := map[string][]float64{fmt.Sprint(%d): {1, 2, %d}}\n", i, i, i)
	}
	begin := func(code, text string) func(s *jupyter) {
		return func(s *jupyter) {
			s.do("start")
			s.do("begin", "code", code)
			s.do("until", "text", text)
		}
	}
	states := []struct {
		name string
		do   func(s *jupyter)
	}{
		{"during the start", func(s *jupyter) { s.do("launch") }},
		{"idle, nothing has run", func(s *jupyter) { s.do("start") }},
		{"idle", func(s *jupyter) { s.do("start"); s.run("x := 1") }},
		{"compiling", func(s *jupyter) { s.do("start"); s.run("x := 1"); s.do("begin", "code", long.String()) }},
		{"a loop", begin("fmt.Println(\"ready\")\nfor i := 0; ; i++ { }", "ready")},
		{"a loop of a library", begin("fmt.Println(\"ready\")\nstrings.Count(strings.Repeat(\"a\", 1<<30), \"ab\")\nfor { sort.Ints(make([]int, 1<<24)) }", "ready")},
		{"a wait", begin("fmt.Println(\"ready\")\nselect {}", "ready")},
		{"much output", begin("fmt.Println(\"ready\")\nfor { fmt.Println(time.Now()) }", "ready")},
		{"C code", begin("/*\n#include <unistd.h>\n*/\nimport \"C\"\nfmt.Println(\"ready\")\nC.sleep(600)", "ready")},
		{"waiting for input", func(s *jupyter) {
			s.do("start")
			s.do("begin", "code", "var line string\nfmt.Scanln(&line)")
			s.do("asked")
		}},
		{"a command of the shell", begin("!echo ready; sleep 600", "ready")},
		{"children of a cell", begin("for range 3 { exec.Command(\"sleep\", \"600\").Start() }\nfmt.Println(\"ready\")\nexec.Command(\"setsid\", \"sleep\", \"600\").Run()", "ready")},
		{"files in the temporary folder", func(s *jupyter) {
			s.do("start")
			s.run("os.WriteFile(filepath.Join(os.TempDir(), \"of a cell\"), nil, 0o400)\nd, _ := os.MkdirTemp(\"\", \"\")\nos.Chmod(d, 0o500)")
		}},
		{"left behind by an interrupt", func(s *jupyter) {
			s.do("start")
			s.do("begin", "code", "fmt.Println(\"ready\")\nselect {}")
			s.do("until", "text", "ready")
			s.do("interrupt")
			s.do("finish")
		}},
	}
	for _, state := range states {
		for _, way := range []string{"shutdown", "restart"} {
			t.Run(state.name+", "+way, func(t *testing.T) {
				p, tmp := installed(t)
				needLive(t, p, KernelName)
				m, err := ReadManifest(p)
				if err != nil {
					t.Fatal(err)
				}
				before := workers(t, m.liveCache(p))
				s := newSession(t, KernelName, p)
				state.do(s)
				if way == "restart" {
					s.do("restart")
					if out := s.run("fmt.Print(6 * 7)"); out != "42" {
						t.Errorf("after the restart a cell printed %q", out)
					}
				}
				if r := s.do("shutdown"); r.Status != "ShutdownRequest" {
					t.Errorf("the kernel did not end by itself: %s after %.1f s", r.Status, r.Seconds)
				}
				wantNothingLeft(t, tmp)
				if after := workers(t, m.liveCache(p)); after != before {
					t.Errorf("the workers' folder has\n%s\nand had\n%s", after, before)
				}
			})
		}
	}
}

// workers lists what a cache of compiled workers holds.
func workers(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, "\n")
}
