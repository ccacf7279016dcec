package serve

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// HandlerOptions set the limits of a [Handler]. The zero value is good for a service that strangers reach.
type HandlerOptions struct {
	// Name is the service's name, on the page and in answers; "" is the name of the architecture.
	Name string
	// Version is shown by /info.
	Version string
	// Top is the number of classes in an answer unless the request has ?top=N; 0: 5.
	Top int
	// MaxBody is the largest request in bytes; 0: 20 MiB.
	MaxBody int64
	// MaxImages is the largest number of images in a request; 0: 16. It is at most the predictor's queue.
	MaxImages int
	// MaxMemory bounds the memory in bytes that the bodies of all requests take together; 0: 256 MiB. A request beyond
	// it is answered with 429.
	MaxMemory int64
	// ReadTimeout is the time in which a request must have arrived; 0: 30 s.
	ReadTimeout time.Duration
	// Timeout is the time in which a request that has arrived is answered; 0: 30 s.
	Timeout time.Duration
	// Log receives a line for each request; nil is slog.Default().
	Log *slog.Logger
	// NoPage leaves out the web page.
	NoPage bool
}

func (o HandlerOptions) check() error {
	return checkLimits("HandlerOptions", limit{"Top", int64(o.Top)}, limit{"MaxBody", o.MaxBody}, limit{"MaxImages", int64(o.MaxImages)},
		limit{"MaxMemory", o.MaxMemory}, limit{"ReadTimeout", int64(o.ReadTimeout)}, limit{"Timeout", int64(o.Timeout)})
}

func (o HandlerOptions) withDefaults(p *Predictor) HandlerOptions {
	o.Name = cmp.Or(o.Name, p.model.Spec.Name)
	o.Top = cmp.Or(o.Top, 5)
	o.MaxBody = cmp.Or(o.MaxBody, 20<<20)
	o.MaxImages = min(cmp.Or(o.MaxImages, 16), p.opts.Queue)
	o.MaxMemory = cmp.Or(o.MaxMemory, 256<<20)
	o.ReadTimeout = cmp.Or(o.ReadTimeout, 30*time.Second)
	o.Timeout = cmp.Or(o.Timeout, 30*time.Second)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// Handler answers HTTP requests with predictions:
//
//   - POST /predict: the body is an image file, or multipart/form-data with one image per part. ?top=N chooses the
//     number of classes. The answer is JSON.
//   - POST /explain: the body is one image, as in /predict. The answer says which parts of it speak for the class with
//     ?index=N, or for the most probable one.
//   - GET /info: the model's classes and preprocessing.
//   - GET /healthz: 200 while the process lives. GET /readyz: 200 while it takes requests, else 503.
//   - GET /metrics: Prometheus. GET /openapi.json: the description of this interface.
//   - GET /: a page to drop pictures on.
//
// Errors of /predict and /explain, of other paths (404) and of other methods (405) are problem details (RFC 9457).
// Those of net/http, such as for headers that are too long, and of its file server are not. Every request that reaches
// the handler has a deadline to arrive, a line in the log, and a place in the metrics.
//
// Status codes of /predict and /explain: 400 for a request that is not as described, 408 for one that does not arrive
// in time, 413 for too many bytes, pixels or images, 415 for what is no image of a known format, 422 for a damaged
// image, 429 with Retry-After when the queue is full, 503 when it is being closed or too slow, 500 for a fault of the
// model, and 501 for /explain with a network that has no such maps.
type Handler struct {
	predictor *Predictor
	opts      HandlerOptions
	memory    budget
	closing   atomic.Bool
	answering atomic.Int64 // requests that have arrived and are being answered
	mux       *http.ServeMux
}

//go:embed page
var page embed.FS

// Page returns a file of the service's web page: index.html, page.css or page.js. It panics on another name.
func Page(name string) string { return string(pageFile(name)) }

// NewHandler returns a handler for a predictor, which stays the caller's to close. The handler is to be mounted at the
// root of a host; under another path use [http.StripPrefix]. It panics if a limit is negative.
func NewHandler(p *Predictor, opts HandlerOptions) *Handler {
	if err := opts.check(); err != nil {
		panic(err)
	}
	h := &Handler{predictor: p, opts: opts.withDefaults(p), mux: http.NewServeMux()}
	h.memory.limit = h.opts.MaxMemory
	metrics := promhttp.HandlerFor(p.metrics.registry, promhttp.HandlerOpts{})
	h.mux.HandleFunc("/", h.notFound)
	h.route("POST", "/predict", h.predict)
	h.route("POST", "/explain", h.explain)
	h.route("GET", "/info", h.info)
	h.route("GET", "/healthz", func(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "ok") })
	h.route("GET", "/readyz", h.ready)
	h.route("GET", "/metrics", metrics.ServeHTTP)
	h.route("GET", "/openapi.json", content("openapi.json", "application/json", h.openAPI()))
	if !h.opts.NoPage {
		h.route("GET", "/{$}", file("index.html", "text/html; charset=utf-8"))
		h.route("GET", "/page.css", file("page.css", "text/css; charset=utf-8"))
		h.route("GET", "/page.js", file("page.js", "text/javascript; charset=utf-8"))
	}
	return h
}

// route adds a path with its method; others are answered with 405.
func (h *Handler) route(method, path string, serve http.HandlerFunc) {
	h.mux.HandleFunc(method+" "+path, serve)
	allowed := method
	if method == http.MethodGet {
		allowed = "GET, HEAD"
	}
	h.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", allowed)
		h.problem(w, &requestError{http.StatusMethodNotAllowed, fmt.Sprintf("the method is %.20q; expected %s for %s", r.Method, allowed, r.URL.Path)}, nil)
	})
}

func (h *Handler) notFound(w http.ResponseWriter, r *http.Request) {
	h.problem(w, &requestError{http.StatusNotFound, fmt.Sprintf("there is no %.80q; openapi.json describes what there is", r.URL.Path)}, nil)
}

// ServeHTTP answers a request, and measures and logs it.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	// net/http awaits the body of every request, also of one whose handler does not read it. Without a connection, as
	// in a test, there is nothing to set.
	_ = http.NewResponseController(w).SetReadDeadline(started.Add(h.opts.ReadTimeout))
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", contentPolicy)
	header.Set("Referrer-Policy", "no-referrer")
	if h.closing.Load() {
		header.Set("Connection", "close") // so that a client who keeps connections opens the next one elsewhere
	}
	rec := &recorder{ResponseWriter: w}
	// One with a body has not arrived yet. Only /predict and /explain await it; elsewhere net/http may,
	// while it sends the answer.
	defer h.count(r.ContentLength == 0)()
	h.mux.ServeHTTP(rec, r)
	h.record(r, rec, time.Since(started))
}

// count counts a request, if it has arrived, as one that is being answered, until the returned function is called.
func (h *Handler) count(arrived bool) (answered func()) {
	if !arrived {
		return func() {}
	}
	h.answering.Add(1)
	return func() { h.answering.Add(-1) }
}

// record measures and logs a request that was answered. The mux has set its pattern.
func (h *Handler) record(r *http.Request, rec *recorder, took time.Duration) {
	status, m := cmp.Or(rec.status, http.StatusOK), h.predictor.metrics
	m.requests.WithLabelValues(r.Pattern, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(r.Pattern).Observe(took.Seconds())
	level := slog.LevelInfo
	switch {
	case status >= 500 && status != http.StatusNotImplemented, rec.fault:
		level = slog.LevelError
	case status < 400 && r.Method != http.MethodPost:
		level = slog.LevelDebug // probes and scrapes come every few seconds
	}
	attrs := []slog.Attr{slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", status),
		slog.Duration("took", took), slog.String("client", r.RemoteAddr), slog.Int("images", rec.images)}
	if rec.problem != "" {
		attrs = append(attrs, slog.String("error", rec.problem))
	}
	h.opts.Log.LogAttrs(r.Context(), level, "request", attrs...)
}

// Drain makes /readyz answer 503, so that a load balancer sends no more requests; those that arrive are still answered,
// and their connections are closed.
func (h *Handler) Drain() { h.closing.Store(true) }

func (h *Handler) ready(w http.ResponseWriter, _ *http.Request) {
	if h.closing.Load() || h.predictor.isClosed() {
		text(w, http.StatusServiceUnavailable, "closing")
		return
	}
	text(w, http.StatusOK, "ready")
}

// contentPolicy lets the page load its own files only, and show pictures that it has in memory.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; " +
	"media-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// recorder remembers what was answered, for the log.
type recorder struct {
	http.ResponseWriter
	status  int
	images  int
	problem string
	fault   bool // the network failed for some of the images
}

func (r *recorder) WriteHeader(status int) {
	r.status = cmp.Or(r.status, status)
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap gives http.ResponseController the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func text(w http.ResponseWriter, status int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, line)
}

// file serves an embedded file.
func file(name, kind string) http.HandlerFunc { return content(name, kind, pageFile(name)) }

// content serves data under a name.
func content(name, kind string, data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(data))
	}
}

func pageFile(name string) []byte {
	data, err := page.ReadFile("page/" + name)
	if err != nil {
		panic("serve: embedded file: " + err.Error())
	}
	return data
}

// openAPI is the description of the interface, with this service's version and its default of top.
func (h *Handler) openAPI() []byte {
	version, _ := json.Marshal(cmp.Or(h.opts.Version, "unversioned")) // a text has no other outcome
	values := strings.NewReplacer(`"$VERSION"`, string(version), `"$TOP"`, strconv.Itoa(h.opts.Top))
	return []byte(values.Replace(string(pageFile("openapi.json"))))
}
