package kernel

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// completes waits until a match is among the completions at the end of code, and returns the number of requests that
// were needed: more than one on a machine where the first reply would have come too late for JupyterLab.
func (s *jupyter) completes(code, match string) (requests int) {
	s.t.Helper()
	var r reply
	if !await(time.Minute, func() bool {
		r = s.do("complete", "code", code)
		requests++
		return slices.Contains(r.Matches, match)
	}) {
		s.t.Errorf("%s completes to %q, want %q among them", code, r.Matches, match)
	}
	return requests
}

// TestFirstTab: completion and help of a real client right after the kernel's start, before any cell has run.
func TestFirstTab(t *testing.T) {
	p, tmp := installed(t)
	needLive(t, p, KernelName)
	for _, path := range []string{"/tlkit", "/datasets"} {
		needPackage(t, p, modulePath+path)
	}
	s := newSession(t, KernelName, p)
	s.do("start")
	for _, c := range []struct{ code, match string }{
		{"tlkit.MustLo", "MustLoad"},
		{"fmt.Printl", "Println"},
		{"tlkit.Mus", "MustLoad"},
		{`tlkit.MustLoad("resnet1`, "resnet18"},
		{`tlkit.MustLoad("resnet18.IMA`, "resnet18.IMAGENET1K_V1"},
		{`datasets.MustLoad("hym`, "hymenoptera"},
		{"tlkit.Recipe{Epo", "Epochs"},
		{"tlkit.Transfer{", "LearningRate"},
		{"%tim", "timeit"},
		{"fallthr", "fallthrough"},
	} {
		began := time.Now()
		n := s.completes(c.code, c.match)
		t.Logf("%-32s %d request(s), %.0f ms", c.code, n, 1000*time.Since(began).Seconds())
	}
	for _, c := range []struct{ code, text string }{
		{"fmt.Println", "Println formats using the default formats"},
		{"tlkit.MustLoad", "Load"},
		{"strings", "strings"},
	} {
		var r reply
		if !await(time.Minute, func() bool { r = s.do("inspect", "code", c.code); return strings.Contains(r.Text, c.text) }) {
			t.Errorf("inspecting %s shows %q, want %q in it", c.code, r.Text, c.text)
		}
	}
	s.run("weights := map[string]float64{\"a\": 1}\ntype Point struct{ Across, Down int }")
	s.completes("weigh", "weights")
	s.completes("Point{Acr", "Across")
	for code, want := range map[string]string{"weights?": "map[string]float64", "strings.ToUpper?": "ToUpper returns"} {
		if r := s.do("execute", "code", code); r.Status != "ok" || !strings.Contains(r.Stdout, want) {
			t.Errorf("%s: status %s, printed %q, want %q in it", code, r.Status, r.Stdout, want)
		}
	}
	s.do("shutdown")
	wantNothingLeft(t, tmp)
}
