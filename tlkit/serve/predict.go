package serve

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// reply is the JSON answer of /predict.
type reply struct {
	Model   string   `json:"model"`
	Results []result `json:"results"`
}

// result is the outcome of one image: predictions or an error.
type result struct {
	Name        string       `json:"name,omitempty"` // of the file, as the client gave it
	Predictions []prediction `json:"predictions,omitempty"`
	Error       string       `json:"error,omitempty"`
	err         error
}

// prediction is a class with its probability; Uncertain marks one below the threshold of a calibrated model.
type prediction struct {
	Class       string  `json:"class"`
	Index       int     `json:"index"`
	Probability float64 `json:"probability"`
	Uncertain   bool    `json:"uncertain,omitempty"`
}

// errTimeout is the cause of contexts that HandlerOptions.Timeout has ended.
var errTimeout = errors.New("the image was not classified in time")

// predict answers POST /predict.
func (h *Handler) predict(w http.ResponseWriter, r *http.Request) {
	top, err := h.top(r)
	if err != nil {
		h.problem(w, err, nil)
		return
	}
	if h.predictor.full() { // before the body takes memory; more exactly below
		w.Header().Set("Connection", "close")
		h.problem(w, ErrBusy, nil)
		return
	}
	held := &share{budget: &h.memory}
	defer held.release()
	uploads, err := h.read(w, r, held)
	if err != nil {
		h.problem(w, err, nil)
		return
	}
	if rec, ok := w.(*recorder); ok {
		rec.images = len(uploads)
	}
	release, err := h.predictor.admit(len(uploads))
	if err != nil {
		h.problem(w, err, nil)
		return
	}
	defer release()
	ctx, stop := context.WithTimeoutCause(r.Context(), h.opts.Timeout, errTimeout)
	defer stop()
	results := h.classify(ctx, uploads, top)
	for _, res := range results {
		if res.err == nil {
			writeJSON(w, http.StatusOK, "application/json", reply{Model: h.opts.Name, Results: results})
			return
		}
	}
	if len(results) == 1 {
		h.problem(w, results[0].err, nil)
		return
	}
	h.problem(w, results[0].err, results)
}

// full reports whether no image would be admitted now.
func (p *Predictor) full() bool { return p.inside.Load() >= int64(p.opts.Queue) }

// top is the number of classes that the request wants.
func (h *Handler) top(r *http.Request) (int, error) {
	text := r.URL.Query().Get("top")
	if text == "" {
		return h.opts.Top, nil
	}
	top, err := strconv.Atoi(text)
	if err != nil || top < 1 {
		return 0, badRequest("top is %.20q; expected a number of classes from 1", text)
	}
	return top, nil
}

// classify predicts all images of a request, which were admitted.
func (h *Handler) classify(ctx context.Context, uploads []upload, top int) []result {
	results := make([]result, len(uploads))
	var wait sync.WaitGroup
	for i, u := range uploads {
		wait.Go(func() {
			found, err := h.predictor.predictBytes(ctx, u.data, top)
			results[i] = result{Name: u.name, err: err, Predictions: make([]prediction, len(found))}
			if err != nil {
				results[i].Error = err.Error()
			}
			for k, f := range found {
				results[i].Predictions[k] = prediction(f)
			}
		})
	}
	wait.Wait()
	return results
}

// about is the JSON answer of /info.
type about struct {
	Name       string            `json:"name"`
	Version    string            `json:"version,omitempty"`
	Model      string            `json:"model"`
	Weights    string            `json:"weights"`
	Classes    []string          `json:"classes"`
	InputSize  int               `json:"input_size"`
	Preprocess vision.Preprocess `json:"preprocess"`
	Parameters int               `json:"parameters"`
	Engine     string            `json:"engine"`
	Formats    []string          `json:"formats"`
	Limits     limits            `json:"limits"`
}

// limits are those that a client must keep.
type limits struct {
	Bytes  int64 `json:"bytes"`
	Pixels int   `json:"pixels"`
	Images int   `json:"images"`
}

// info answers GET /info.
func (h *Handler) info(w http.ResponseWriter, _ *http.Request) {
	m := h.predictor.model
	params, _ := m.NumParams()
	writeJSON(w, http.StatusOK, "application/json", about{Name: h.opts.Name, Version: h.opts.Version, Model: m.Spec.Name, Weights: m.Weights,
		Classes: m.Classes, InputSize: m.ImageSize(), Preprocess: m.Preprocess, Parameters: params, Engine: backend.Describe(), Formats: vision.Formats(),
		Limits: limits{Bytes: h.opts.MaxBody, Pixels: h.predictor.opts.MaxPixels, Images: h.opts.MaxImages}})
}

var _ = prediction(zoo.Prediction{}) // the fields are the same, so that one converts to the other
