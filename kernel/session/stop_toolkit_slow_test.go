//go:build slow && linux

package session

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestStopToolkit: one interrupt ends each long call of tlkit and datasets, what comes after it in the cell does not
// run, and the next cell has the values, with which the library still works:
//
//	go test -tags slow -run StopToolkit -v ./kernel/session
func TestStopToolkit(t *testing.T) {
	asked := make(chan string, 100)
	stalled := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		<-stalled
	}))
	defer server.Close()
	defer close(stalled)
	s := newSession(t)
	run(t, s, 1, fmt.Sprintf(`sketches := datasets.MustLoad("sketches")
m := tlkit.MustLoad("resnet20.shapes")
runs := %q
os.Setenv("HF_ENDPOINT", %q)
os.Setenv("TLKIT_MIRROR", %[2]q)
work := func() (n int) { // goroutines of the library
	all := make([]byte, 1 << 20)
	for _, g := range strings.Split(string(all[:runtime.Stack(all, true)]), "\n\n") {
		if strings.Contains(g, "/tlkit/") { n++ }
	}
	return n
}`, t.TempDir(), server.URL))
	const long = "tlkit.Recipe{Epochs: 1000, Dir: runs, Quiet: true}."
	for i, test := range []struct{ name, code, begun string }{
		{"MustLoad, a download", `tlkit.MustLoad("resnet34")`, ""},
		{"MustLoad, the hub", `tlkit.MustLoad("hf://someone/something")`, ""},
		{"Load", `_, lerr := tlkit.Load("resnet50")` + "\n" + `_ = lerr`, ""},
		{"MustCompare", long + `MustCompare("a", sketches, m, tlkit.Transfer{})`, "a/transfer/history.jsonl"},
		{"MustCompare, fine-tuning", long + `MustCompare("b", sketches, m, tlkit.FineTune{})`, "b/finetune/history.jsonl"},
		{"MustCompare as a value", `result := ` + long + `MustCompare("c", sketches, m, tlkit.FineTune{})`, "c/finetune/history.jsonl"},
		{"MustSampleSizes", long + `MustSampleSizes("d", sketches, m, []int{2, 4}, tlkit.FineTune{})`, "d*/*/history.jsonl"},
		{"MustFindLR", `for { ` + long + `MustFindLR(sketches, m, tlkit.FineTune{}) }`, "work"},
		{"MustSuggest", `for { tlkit.MustSuggest(sketches, m) }`, "work"},
		{"MustInspect", `for { tlkit.MustInspect(sketches) }`, "work"},
		{"MustRank", `for { tlkit.MustRank(sketches, m) }`, "work"},
		{"MustEmbeddingMap", `for { tlkit.MustEmbeddingMap(m, sketches.Val) }`, "work"},
		{"MustOcclusion", `picture, perr := sketches.Val.Image(0)` + "\n" + `_ = perr` + "\n" + `for { tlkit.MustOcclusion(m, picture, "") }`, "work"},
		{"Predict", `for { m.Predict(vision.New(3000, 2000), 1) }`, "work"},
	} {
		t.Run(test.name, func(t *testing.T) {
			watch := `for { found, _ := filepath.Glob(filepath.Join(runs, "` + test.begun + `")); if len(found) > 0 { break }; time.Sleep(5 * time.Millisecond) }`
			switch test.begun {
			case "work":
				watch = `for work() < 2 { time.Sleep(5 * time.Millisecond) }`
			case "":
				watch = ""
			}
			code := "went := false\n"
			if watch != "" {
				code += "go func() { " + watch + "; fmt.Println(\"started\") }()\n"
			}
			code += test.code + "\nwent = true\nfmt.Println(\"went on\")"
			var done chan *Error
			var out *record
			if watch == "" {
				out, done = &record{}, make(chan *Error, 1)
				go func() { done <- s.Execute(t.Context(), &Cell{Code: code, Count: 2 * (i + 1)}, out) }()
				select {
				case <-asked:
				case err := <-done:
					t.Fatalf("ended with %v before it asked for a file", err)
				}
			} else {
				done, out = begin(t, s, 2*(i+1), code)
			}
			s.Interrupt()
			if err := wait(t, done); err == nil || err.Name != "Interrupted" || strings.Contains(out.String(), "went on") {
				t.Fatalf("ended with %v, printed %q", err, out.String())
			}
			got := run(t, s, 2*(i+1)+1, `fmt.Sprint(went, len(tlkit.Recipe{Epochs: 1, Dir: runs, Quiet: true}.MustCompare(fmt.Sprint("after", time.Now().UnixNano()), sketches, m, tlkit.Transfer{}).Results))`)
			if got != "=> false 1" {
				t.Errorf("after it: %q", got)
			}
		})
	}
}
