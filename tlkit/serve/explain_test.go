package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/insight"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestExplain holds that /explain answers with the map of the notebook, for the most probable class and for a given
// one, while others classify.
func TestExplain(t *testing.T) {
	h := newTestHandler(t, Options{}, HandlerOptions{Name: "shapes"})
	own := loadModel(t)
	defer own.Release()
	img := shapes(t, 2)[1]
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			if _, err := h.predictor.Predict(t.Context(), img, 1); err != nil {
				t.Error(err)
			}
		})
	}
	for _, c := range []struct {
		query string
		class string
	}{{"", ""}, {"?index=", ""}, {"?index=0", own.Classes[0]}, {"?index=3", own.Classes[3]}} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/explain"+c.query, bytes.NewReader(pngOf(t, img))))
		var got explanation
		if err := json.Unmarshal(w.Body.Bytes(), &got); w.Code != http.StatusOK || err != nil {
			t.Fatalf("%q: %d, %v, %s", c.query, w.Code, err, w.Body)
		}
		want, err := insight.GradCAM(own, img, c.class)
		if err != nil {
			t.Fatal(err)
		}
		if got.Class != own.Classes[want.Index] || got.Index != want.Index || math.Abs(got.Probability-want.Probability) > 1e-5 || got.Stage != want.Stage || got.Method != want.Method ||
			got.Model != "shapes" || got.Seen != (part{Right: 1, Bottom: 1}) || len(got.Values) != len(want.Values) {
			t.Fatalf("%q: %+v, want %+v", c.query, got, want)
		}
		most := slices.Max(slices.Concat(want.Values...))
		for y, row := range want.Values {
			for x, v := range row {
				if most > 0 && math.Abs(got.Values[y][x]-v/most) > 2e-3 {
					t.Errorf("%q: the value at (%d, %d) is %g, want %g", c.query, x, y, got.Values[y][x], v/most)
				}
			}
		}
	}
	wait.Wait()
	if p := scrape(h); !strings.Contains(p, `tlkit_images_total{outcome="ok"} 8`) || !strings.Contains(p, `tlkit_http_requests_total{code="200",route="POST /explain"} 4`) {
		t.Errorf("the metrics are\n%s", p)
	}
}

// TestExplainRefuses is the table of requests that /explain can't answer.
func TestExplainRefuses(t *testing.T) {
	h := newTestHandler(t, Options{}, HandlerOptions{})
	image := string(pngOf(t, shapes(t, 1)[0]))
	kind, two := form(t, "a.png", image, "b.png", image)
	oneKind, one := form(t, "a.png", image)
	for _, c := range []struct {
		query, kind, body string
		status            int
		want              string
	}{
		{"?index=99", "image/png", image, 400, "from 0 to 15"},
		{"?index=-1", "image/png", image, 400, "from 0 to 15"},
		{"?index=bee", "image/png", image, 400, "index is"},
		{"?index=1&index=2", "image/png", image, 400, "one class"},
		{"?index=%zz", "image/png", image, 400, "can't be read"},
		{"", kind, string(two), 413, "send one"},
		{"", oneKind, string(one), 200, `"values"`},
		{"", "image/png", "no image", 415, ""},
		{"", "image/png", "", 400, ""},
		{"", "image/png", image[:len(image)/2], 422, ""},
	} {
		r := httptest.NewRequest("POST", "/explain"+c.query, strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.kind)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%q: %d, %s; want %d with %q", c.query, w.Code, w.Body, c.status, c.want)
		}
	}
	if h.memory.taken.Load() != 0 || h.predictor.inside.Load() != 0 {
		t.Error("memory or places were not given back")
	}
	if _, err := h.predictor.ExplainBytes(t.Context(), []byte(image), 16); err == nil || !strings.Contains(err.Error(), "0 to 15") {
		t.Errorf("a class that is not there: %v", err)
	}
}

// TestUnexplained holds that a network whose stages have no places still classifies, and is not compiled again for each
// question.
func TestUnexplained(t *testing.T) {
	classes := loadModel(t).Classes
	flat, err := zoo.New(zoo.Custom("flat", 32, func(scope *model.Scope, x *graph.Node) *graph.Node {
		return layers.Dense(scope.In("d"), graph.ReduceMean(x, 1, 2), true, len(classes))
	}), classes, 1)
	if err != nil {
		t.Fatal(err)
	}
	flat.Preprocess = vision.Preprocess{Resize: 32, Crop: 32}
	p, err := New(flat, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	h := NewHandler(p, HandlerOptions{Log: quiet})
	image := pngOf(t, shapes(t, 1)[0])
	var first error
	for range 2 {
		_, err := p.ExplainBytes(t.Context(), image, -1)
		if !errors.Is(err, ErrUnexplained) || first != nil && err != first {
			t.Errorf("%v, want ErrUnexplained, the same each time", err)
		}
		first = err
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/explain", bytes.NewReader(image)))
		if w.Code != http.StatusNotImplemented || !strings.Contains(w.Body.String(), "can't be explained") {
			t.Errorf("%d, %s", w.Code, w.Body)
		}
		if _, err := p.PredictBytes(t.Context(), image, 1); err != nil {
			t.Error(err)
		}
	}
}
