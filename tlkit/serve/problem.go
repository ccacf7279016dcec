package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// problem is an error as JSON: RFC 9457, section 3.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Results are those of each image, where there are several and all failed.
	Results []result `json:"results,omitempty"`
}

// statusClientGone is nginx's code for a client that has closed the connection; only the log shows it.
const statusClientGone = 499

// problem answers with an error.
func (h *Handler) problem(w http.ResponseWriter, err error, results []result) {
	status := statusOf(err)
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		seconds := math.Ceil(h.predictor.Wait().Seconds())
		w.Header().Set("Retry-After", strconv.Itoa(int(min(max(seconds, 1), 60))))
	}
	if rec, ok := w.(*recorder); ok {
		rec.problem = err.Error()
	}
	writeJSON(w, status, "application/problem+json", problem{Title: title(status), Status: status, Detail: detail(err), Results: results})
}

// detail is what a client is told of an error. A fault of the service is not its business.
func detail(err error) string {
	if statusOf(err) == http.StatusInternalServerError {
		return "the service's log has the reason"
	}
	return err.Error()
}

func title(status int) string {
	if status == statusClientGone {
		return "Client Closed Request"
	}
	return http.StatusText(status)
}

// statusOf is the status code for an error of a prediction or of reading a request.
func statusOf(err error) int {
	var request *requestError
	var unsupported *vision.UnsupportedError
	switch {
	case errors.As(err, &request):
		return request.status
	case errors.Is(err, vision.ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrBusy), errors.Is(err, errMemory):
		return http.StatusTooManyRequests
	case errors.Is(err, ErrClosed), errors.Is(err, errTimeout):
		return http.StatusServiceUnavailable
	case errors.Is(err, context.Canceled):
		return statusClientGone
	case errors.Is(err, errCompute):
		return http.StatusInternalServerError
	case errors.Is(err, ErrUnexplained):
		return http.StatusNotImplemented
	case errors.Is(err, vision.ErrFormat), errors.As(err, &unsupported):
		return http.StatusUnsupportedMediaType
	case errors.Is(err, vision.ErrEmpty):
		return http.StatusBadRequest
	}
	return http.StatusUnprocessableEntity
}

// writeJSON answers with a value as JSON. A client that no longer reads is not an error of ours.
func writeJSON(w http.ResponseWriter, status int, kind string, value any) {
	data, err := json.Marshal(value)
	if err != nil { // every value here is made of texts and finite numbers
		status, data = http.StatusInternalServerError, fmt.Appendf(nil, `{"title":%q,"status":500}`, http.StatusText(http.StatusInternalServerError))
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)+1))
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n'))
}
