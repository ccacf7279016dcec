package serve

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/gradcam"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Explanation is which parts of an image speak for a class: its Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391).
type Explanation struct {
	// Prediction is the class, with its probability.
	zoo.Prediction
	// Stage of the network that was read.
	Stage string
	// Values are [height, width], rows from the top, in [0, 1], where 1 is the place that speaks most for the class.
	// All are 0 if no place does. They lie evenly over Seen.
	Values [][]float64
	// Seen is the part of the image, upright, that the network sees.
	Seen vision.Part
}

// ExplainBytes returns which parts of an image file speak for the class of the given index among the model's, or for
// the most probable one if that is negative. It takes a place in the queue as [Predictor.PredictBytes] does, and
// somewhat more time. It fails with [ErrUnexplained] if the network has no such maps.
func (p *Predictor) ExplainBytes(ctx context.Context, data []byte, class int) (*Explanation, error) {
	if err := p.checkClass(class); err != nil {
		return nil, err
	}
	if err := p.admit(1); err != nil {
		return nil, err
	}
	return p.explainBytes(ctx, data, class, func() {})
}

func (p *Predictor) checkClass(class int) error {
	if n := len(p.model.Classes); class >= n {
		return fmt.Errorf("serve: the class %d; the model has the classes 0 to %d", class, n-1)
	}
	return nil
}

// explainBytes explains an image that was admitted. It calls unused once, when data is read no longer.
func (p *Predictor) explainBytes(ctx context.Context, data []byte, class int, unused func()) (*Explanation, error) {
	var seen vision.Part
	prepare := func(m *vision.Image) ([]uint8, error) {
		seen = p.model.Preprocess.Seen(m.Width, m.Height)
		return p.model.Prepare(m)
	}
	a := p.do(ctx, &job{ctx: ctx, explain: true, class: class}, func() ([]uint8, error) { return p.decode(ctx, data, prepare) }, unused)
	if a.err != nil {
		return nil, a.err
	}
	if class < 0 {
		class = numbers.Argmax(a.logits)
	}
	all := p.model.Rank(a.logits, len(a.logits))
	of := all[slices.IndexFunc(all, func(f zoo.Prediction) bool { return f.Index == class })]
	return &Explanation{Prediction: of, Stage: a.stage, Values: scaled(a.values), Seen: seen}, nil
}

// scaled divides values by the largest one, and rounds them, so that they are short in JSON.
func scaled(values [][]float64) [][]float64 {
	most := 0.0
	for _, row := range values {
		most = max(most, slices.Max(row))
	}
	if most == 0 {
		return values
	}
	for _, row := range values {
		for i, v := range row {
			row[i] = math.Round(1000*v/most) / 1000
		}
	}
	return values
}

// explained computes the map of an image. A panic of the engine becomes an error. The first call compiles the network's
// gradients.
func (p *Predictor) explained(j *job) (a answer) {
	defer func() {
		if v := recover(); v != nil {
			a = answer{err: fmt.Errorf("serve: %w: %v", errCompute, v)}
		}
	}()
	if p.noMaps != nil {
		return answer{err: p.noMaps}
	}
	if p.maps == nil {
		engine, err := backend.Default()
		if err == nil {
			p.maps, err = gradcam.New(engine.Backend, p.model, "")
		}
		if err != nil {
			return answer{err: fmt.Errorf("serve: %w: %w", errCompute, err)}
		}
	}
	m, err := p.maps.Explain(j.pix, j.class)
	switch {
	case errors.Is(err, gradcam.ErrNoMap):
		p.noMaps = fmt.Errorf("serve: %w: %w", ErrUnexplained, err) // not compiled again for each image
		return answer{err: p.noMaps}
	case err != nil:
		return answer{err: fmt.Errorf("serve: %w: %w", errCompute, err)}
	}
	return answer{logits: m.Logits, values: m.Values, stage: m.Stage}
}

func (p *Predictor) releaseMaps() {
	if p.maps != nil {
		p.maps.Finalize()
	}
}

// explanation is the JSON answer of /explain.
type explanation struct {
	Model string `json:"model"`
	prediction
	Method string      `json:"method"`
	Stage  string      `json:"stage"`
	Seen   part        `json:"seen"`
	Values [][]float64 `json:"values"`
}

// part is a [vision.Part] as JSON.
type part struct {
	Left   float64 `json:"left"`
	Right  float64 `json:"right"`
	Top    float64 `json:"top"`
	Bottom float64 `json:"bottom"`
}

// explain answers POST /explain.
func (h *Handler) explain(w http.ResponseWriter, r *http.Request) {
	class, err := h.index(r)
	if err != nil {
		h.problem(w, err, nil)
		return
	}
	h.receive(w, r, 1, func(ctx context.Context, uploads []upload, held *share) {
		held.users.Add(1)
		found, err := h.predictor.explainBytes(ctx, uploads[0].data, class, held.release)
		if err != nil {
			h.problem(w, err, nil)
			return
		}
		writeJSON(w, http.StatusOK, "application/json", explanation{Model: h.opts.Name, prediction: prediction(found.Prediction),
			Method: "Grad-CAM", Stage: found.Stage, Seen: part(found.Seen), Values: found.Values})
	})
}

// index is the index of the class that the request wants explained; -1 for the most probable one.
func (h *Handler) index(r *http.Request) (int, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return 0, badRequest("the query %.80q can't be read: %v; expected ?index=N", r.URL.RawQuery, err)
	}
	given := strings.Join(query["index"], ", ")
	if given == "" {
		return -1, nil
	}
	index, err := strconv.Atoi(given)
	if most := len(h.predictor.model.Classes) - 1; err != nil || index < 0 || index > most {
		return 0, badRequest("index is %.40q; expected that of one class among the classes of /info, from 0 to %d", given, most)
	}
	return index, nil
}
