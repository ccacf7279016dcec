package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
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

// predict answers POST /predict.
func (h *Handler) predict(w http.ResponseWriter, r *http.Request) {
	top, err := h.top(r)
	if err != nil {
		h.problem(w, err, nil)
		return
	}
	h.receive(w, r, h.opts.MaxImages, func(ctx context.Context, uploads []upload, held *share) {
		h.answer(w, h.classify(ctx, uploads, top, held))
	})
}

// receive reads the images of a request, of which it may have some number at most, takes their places in the
// queue, and calls answer, which gives the places back. It answers itself if something is wrong with the
// request, or it has to wait.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request, most int, answer func(ctx context.Context, uploads []upload, held *share)) {
	if h.predictor.full() { // before the body takes memory; more exactly below
		h.predictor.refuse(1)
		w.Header().Set("Connection", "close")
		h.problem(w, ErrBusy, nil)
		return
	}
	held := h.memory.newShare()
	defer held.release()
	uploads, err := h.read(w, r, most, held)
	if err != nil {
		if errors.Is(err, errMemory) {
			h.predictor.refuse(1)
		}
		h.problem(w, err, nil)
		return
	}
	defer h.count(r.ContentLength != 0)()
	if rec, ok := w.(*recorder); ok {
		rec.images = len(uploads)
	}
	if err := h.predictor.admit(len(uploads)); err != nil {
		h.problem(w, err, nil)
		return
	}
	ctx, stop := context.WithTimeoutCause(r.Context(), h.opts.Timeout, errTimeout)
	defer stop()
	answer(ctx, uploads, held)
}

// answer writes the results of a request, of which some may be errors. If all are, the answer is the gravest.
func (h *Handler) answer(w http.ResponseWriter, results []result) {
	var failed []result
	for _, res := range results {
		if res.err != nil {
			failed = append(failed, res)
		}
	}
	switch {
	case len(failed) < len(results):
		h.note(w, failed)
		writeJSON(w, http.StatusOK, "application/json", reply{Model: h.opts.Name, Results: results})
	case len(results) == 1:
		h.problem(w, results[0].err, nil)
	default:
		gravest := slices.MaxFunc(results, func(a, b result) int { return cmp.Compare(statusOf(a.err), statusOf(b.err)) })
		h.problem(w, gravest.err, results)
		h.note(w, failed)
	}
}

// note leaves the errors of a form's images for the log.
func (h *Handler) note(w http.ResponseWriter, failed []result) {
	rec, ok := w.(*recorder)
	if !ok || len(failed) == 0 {
		return
	}
	texts := make([]string, len(failed))
	for i, res := range failed {
		texts[i] = fmt.Sprintf("image %.80q: %v", res.Name, res.err)
		rec.fault = rec.fault || statusOf(res.err) == http.StatusInternalServerError
	}
	rec.problem = strings.Join(texts, "; ")
}

// full reports whether no image would be admitted now.
func (p *Predictor) full() bool { return p.inside.Load() >= int64(p.opts.Queue) }

// top is the number of classes that the request wants.
func (h *Handler) top(r *http.Request) (int, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return 0, badRequest("the query %.80q can't be read: %v; expected ?top=N", r.URL.RawQuery, err)
	}
	given := strings.Join(query["top"], ", ")
	if given == "" { // also ?top=, the empty field of a form
		return h.opts.Top, nil
	}
	top, err := strconv.Atoi(given)
	if err != nil || top < 1 {
		return 0, badRequest("top is %.40q; expected one number of classes from 1", given)
	}
	return top, nil
}

// classify predicts all images of a request, which were admitted.
func (h *Handler) classify(ctx context.Context, uploads []upload, top int, held *share) []result {
	results := make([]result, len(uploads))
	held.users.Add(int64(len(uploads)))
	var wait sync.WaitGroup
	for i, u := range uploads {
		wait.Go(func() {
			found, err := h.predictor.predictBytes(ctx, u.data, top, held.release)
			results[i] = result{Name: u.name, err: err, Predictions: make([]prediction, len(found))}
			if err != nil {
				results[i].Error = detail(err)
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
	// Calibration has what divides the logits and the probability below which a class is uncertain, if
	// the model has one.
	Calibration *zoo.Calibration `json:"calibration,omitempty"`
	Parameters  int              `json:"parameters"`
	Engine      string           `json:"engine"`
	Formats     []string         `json:"formats"`
	Limits      limits           `json:"limits"`
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
	var calibration *zoo.Calibration
	if m.Calibration != (zoo.Calibration{}) {
		calibration = &m.Calibration
	}
	writeJSON(w, http.StatusOK, "application/json", about{
		Name: h.opts.Name, Version: h.opts.Version, Model: m.Spec.Name, Weights: m.Weights, Classes: m.Classes,
		InputSize: m.ImageSize(), Preprocess: m.Preprocess, Calibration: calibration, Parameters: params,
		Engine: backend.Describe(), Formats: vision.Formats(),
		Limits: limits{Bytes: h.opts.MaxBody, Pixels: h.predictor.opts.MaxPixels, Images: h.opts.MaxImages},
	})
}

var _ = prediction(zoo.Prediction{}) // the fields are the same, so that one converts to the other
