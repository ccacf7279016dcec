package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// quiet is a log for nobody.
var quiet = slog.New(slog.DiscardHandler)

func newTestHandler(t testing.TB, o Options, h HandlerOptions) *Handler {
	t.Helper()
	p, err := New(loadModel(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	if h.Log == nil {
		h.Log = quiet
	}
	return NewHandler(p, h)
}

// form makes a multipart body of files, in the order of names and contents.
func form(t testing.TB, namesAndContents ...string) (kind string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(namesAndContents); i += 2 {
		part, err := w.CreateFormFile("image", namesAndContents[i])
		if err == nil {
			_, err = part.Write([]byte(namesAndContents[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.Bytes()
}

// TestAnswers is the table of requests and status codes.
func TestAnswers(t *testing.T) {
	h := newTestHandler(t, Options{MaxPixels: 1_000_000}, HandlerOptions{MaxBody: 1 << 20, MaxImages: 3, Name: "shapes"})
	images := shapes(t, 3)
	good := string(pngOf(t, images[0]))
	two, twoBody := form(t, "a.png", good, "b.png", string(pngOf(t, images[1])))
	mixed, mixedBody := form(t, "a.png", good, "bad.png", "no image")
	none, noneBody := form(t)
	many, manyBody := form(t, "1", good, "2", good, "3", good, "4", good)
	bad, badBody := form(t, "x.png", "no image", "y.png", "neither")
	const png = "image/png"
	cases := []struct {
		name, method, path, kind, body string
		status                         int
		want                           string
	}{
		{"one image", "POST", "/predict", png, good, 200, `"predictions":[{"class":`},
		{"without a type", "POST", "/predict", "", good, 200, `"probability":`},
		{"as bytes, one class", "POST", "/predict?top=1", "application/octet-stream", good, 200, `"model":"shapes"`},
		{"two in a form", "POST", "/predict", two, string(twoBody), 200, `"name":"b.png"`},
		{"one of two broken", "POST", "/predict", mixed, string(mixedBody), 200, `"error":"vision: not a JPEG`},
		{"all of two broken", "POST", "/predict", bad, string(badBody), 415, `"results":[{"name":"x.png"`},
		{"a form without images", "POST", "/predict", none, string(noneBody), 400, "no image"},
		{"too many images", "POST", "/predict", many, string(manyBody), 413, "more than 3 images"},
		{"a form cut short", "POST", "/predict", two, string(twoBody[:len(twoBody)-100]), 400, "form"},
		{"a form without boundary", "POST", "/predict", "multipart/form-data", "x", 400, "boundary"},
		{"another type", "POST", "/predict", "text/plain", good, 415, "expected image/"},
		{"a broken type", "POST", "/predict", "image/;;", good, 400, "Content-Type"},
		{"nothing", "POST", "/predict", png, "", 400, "empty"},
		{"no image", "POST", "/predict", png, "hello", 415, "not a JPEG"},
		{"HEIC", "POST", "/predict", "image/heic", "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", 415, "HEIC"},
		{"a compressed request", "POST", "/predict", png, "\x1f\x8b\x08\x00" + good, 415, "gzip file is not read"},
		{"half an image", "POST", "/predict", png, good[:len(good)/2], 422, "broken png"},
		{"too many bytes", "POST", "/predict", png, good + strings.Repeat("x", 1<<20), 413, "more than 1048576 bytes; send a smaller image"},
		{"too many pixels", "POST", "/predict", png, string(pngOf(t, vision.New(1001, 1000))), 413, "1001 x 1000"},
		{"top 0", "POST", "/predict?top=0", png, good, 400, "top"},
		{"top x", "POST", "/predict?top=x", png, good, 400, "top"},
		{"a semicolon in the query", "POST", "/predict?top=1;x", png, good, 400, "semicolon"},
		{"a broken query", "POST", "/predict?top=1%zz", png, good, 400, "query"},
		{"top without a number", "POST", "/predict?top=", png, good, 200, `"predictions":[{"class":`},
		{"top twice", "POST", "/predict?top=1&top=2", png, good, 400, `top is \"1, 2\"; expected one number`},
		{"top twice, without numbers", "POST", "/predict?top=&top=", png, good, 400, `top is \", \"; expected one number`},
		{"top a thousand times", "POST", "/predict?" + strings.Repeat("top=123&", 1000), png, good, 400, ` 123, 123, \"; expected one number`},
		{"top beyond the classes", "POST", "/predict?top=9999", png, good, 200, `"index":9`},
		{"the wrong method", "GET", "/predict", "", "", 405, "expected POST"},
		{"the wrong method of a probe", "POST", "/healthz", "", "", 405, "expected GET, HEAD"},
		{"the wrong method of the page", "PUT", "/", "", "", 405, "expected GET, HEAD"},
		{"another path", "GET", "/secret", "", "", 404, "there is no"},
		{"outside", "GET", "/..%2f..%2fetc/passwd", "", "", 404, "there is no"},
		{"a path to clean", "GET", "/x/../healthz", "", "", 307, `href="/healthz"`},
		{"alive", "GET", "/healthz", "", "", 200, "ok"},
		{"ready", "GET", "/readyz", "", "", 200, "ready"},
		{"info", "GET", "/info", "", "", 200, `"input_size":`},
		{"page", "GET", "/", "", "", 200, "<!doctype html>"},
		{"style", "GET", "/page.css", "", "", 200, "color-scheme"},
		{"script", "GET", "/page.js", "", "", 200, "predict"},
		{"interface", "GET", "/openapi.json", "", "", 200, `"openapi"`},
		{"metrics", "GET", "/metrics", "", "", 200, `tlkit_images_total{outcome="ok"}`},
	}
	described := describedBy(t, h)
	for _, c := range cases {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		if c.kind != "" {
			r.Header.Set("Content-Type", c.kind)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: %d %.300s\nwant %d with %q", c.name, w.Code, w.Body, c.status, c.want)
		}
		described.check(t, c.name, r, w)
		if kind := w.Header().Get("Content-Type"); c.status >= 400 && kind != "application/problem+json" {
			t.Errorf("%s: an error of type %q", c.name, kind)
		}
		if w.Header().Get("Content-Security-Policy") != contentPolicy || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: an answer without the headers of protection: %v", c.name, w.Header())
		}
		if c.status == 405 && w.Header().Get("Allow") == "" {
			t.Errorf("%s: an answer 405 without Allow", c.name)
		}
	}
	if taken := h.memory.taken.Load(); taken != 0 {
		t.Errorf("%d bytes of the memory for requests are not given back", taken)
	}
	if inside := h.predictor.inside.Load(); inside != 0 {
		t.Errorf("%d places of the queue are not given back", inside)
	}
}

// TestEveryRequestIsRecorded holds that each has a line in the log and is counted, also what no route answers.
func TestEveryRequestIsRecorded(t *testing.T) {
	var log bytes.Buffer
	h := newTestHandler(t, Options{}, HandlerOptions{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	for _, c := range []struct{ method, path, level, route, status string }{
		{"GET", "/healthz", "DEBUG", "GET /healthz", "200"},
		{"GET", "/secret", "INFO", "/", "404"},
		{"GET", "/predict", "INFO", "/predict", "405"},
		{"DELETE", "/info", "INFO", "/info", "405"},
		{"GET", "/x/../info", "DEBUG", "GET /info", "307"},
		{"POST", "/predict?top=x", "INFO", "POST /predict", "400"},
	} {
		log.Reset()
		r := httptest.NewRequest(c.method, c.path, nil)
		h.ServeHTTP(httptest.NewRecorder(), r)
		if line := log.String(); !strings.Contains(line, "level="+c.level) || !strings.Contains(line, "path="+r.URL.Path+" status="+c.status) {
			t.Errorf("%s %s: the log is %q", c.method, c.path, line)
		}
		for _, want := range []string{fmt.Sprintf(`tlkit_http_requests_total{code=%q,route=%q} 1`, c.status, c.route),
			fmt.Sprintf(`tlkit_http_request_seconds_count{route=%q} 1`, c.route)} {
			if !strings.Contains(scrape(h), want+"\n") {
				t.Errorf("%s %s: no line %s in the metrics", c.method, c.path, want)
			}
		}
	}
}

// scrape returns the metrics as text.
func scrape(h *Handler) string {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

// TestContentEncoding holds that a compressed body is refused with the reason, and not called a damaged image.
func TestContentEncoding(t *testing.T) {
	h := newTestHandler(t, Options{}, HandlerOptions{})
	image := pngOf(t, shapes(t, 1)[0])
	for coding, status := range map[string]int{"gzip": 415, "br": 415, "identity, gzip": 415, "identity": 200, "": 200} {
		r := httptest.NewRequest("POST", "/predict", bytes.NewReader(image))
		r.Header.Set("Content-Encoding", coding)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != status || status == 415 && (!strings.Contains(w.Body.String(), "Content-Encoding is") || w.Header().Get("Accept-Encoding") != "identity") {
			t.Errorf("Content-Encoding %q: %d %s, Accept-Encoding %q; want %d", coding, w.Code, w.Body, w.Header().Get("Accept-Encoding"), status)
		}
	}
}

// TestReadyAfterClose holds that a handler whose predictor is closed says so to the probe, as it does to requests.
func TestReadyAfterClose(t *testing.T) {
	h := newTestHandler(t, Options{}, HandlerOptions{})
	h.predictor.Close()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
	if w.Code != 503 {
		t.Errorf("/readyz after Close: %d %s, want 503", w.Code, w.Body)
	}
}

// TestAnswerIsTheModels holds that /predict gives the predictions of Model.Predict, in the order of the request.
func TestAnswerIsTheModels(t *testing.T) {
	h := newTestHandler(t, Options{}, HandlerOptions{})
	model := loadModel(t)
	images := shapes(t, 5)
	var files []string
	for i, m := range images {
		files = append(files, fmt.Sprint(i), string(pngOf(t, m)))
	}
	kind, body := form(t, files...)
	r := httptest.NewRequest("POST", "/predict?top=2", bytes.NewReader(body))
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var got reply
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got.Results) != len(images) {
		t.Fatalf("%d %s (%v)", w.Code, w.Body, err)
	}
	for i, m := range images {
		want, err := model.Predict(m, 2)
		if err != nil {
			t.Fatal(err)
		}
		res := got.Results[i]
		if res.Name != fmt.Sprint(i) || len(res.Predictions) != 2 {
			t.Fatalf("result %d is %+v", i, res)
		}
		for k, p := range res.Predictions {
			if p.Class != want[k].Class || p.Index != want[k].Index || math.Abs(p.Probability-want[k].Probability) > 1e-5 {
				t.Errorf("image %d: %+v, want %+v", i, p, want[k])
			}
		}
	}
}

// TestBusyAnswer holds that a full queue is answered with 429 and the seconds to wait, and a closed predictor with 503.
func TestBusyAnswer(t *testing.T) {
	g := newGate()
	p := gated(t, g, Options{Queue: 1})
	h := NewHandler(p, HandlerOptions{Log: quiet})
	image := string(pngOf(t, shapes(t, 1)[0]))
	post := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/predict", strings.NewReader(image)))
		return w
	}
	first := make(chan *httptest.ResponseRecorder)
	go func() { first <- post() }()
	<-g.entered
	if w := post(); w.Code != 429 || w.Header().Get("Retry-After") == "" {
		t.Errorf("a full queue: %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	if want := `tlkit_images_total{outcome="busy"} 1`; !strings.Contains(scrape(h), want) {
		t.Errorf("no line %s in the metrics", want)
	}
	close(g.leave)
	if w := <-first; w.Code != 200 {
		t.Errorf("the first request: %d %s", w.Code, w.Body)
	}
	h.Drain()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
	if w.Code != 503 {
		t.Errorf("/readyz of a closing service: %d", w.Code)
	}
	if w := post(); w.Code != 200 || w.Header().Get("Connection") != "close" {
		t.Errorf("a request to a closing service: %d, Connection %q; want an answer and the connection's end", w.Code, w.Header().Get("Connection"))
	}
	p.Close()
	if w := post(); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("after Close: %d", w.Code)
	}
}

// TestFaultIsNotShown holds that a client is not told what is wrong inside, and the log is: for one image, for all of a
// form, and for some.
func TestFaultIsNotShown(t *testing.T) {
	image := string(pngOf(t, shapes(t, 1)[0]))
	two, twoBody := form(t, "first.png", image, "second.png", image)
	broken, brokenBody := form(t, "first.png", image, "second.png", "no image")
	for _, c := range []struct {
		name, kind, body string
		works            int // batches that are computed before the others fail
		status           int
	}{
		{"one image", "image/png", image, 0, 500},
		{"all of a form", two, string(twoBody), 0, 500},
		{"one of a form", two, string(twoBody), 1, 200},
		{"a fault beside a broken image", broken, string(brokenBody), 0, 500},
	} {
		o, _ := Options{MaxBatch: 1}.withDefaults()
		batches := 0
		p := start(loadModel(t), o, func([]uint8, int) ([][]float32, error) {
			if batches++; batches > c.works {
				panic("file /srv/secret is broken")
			}
			return [][]float32{make([]float32, 10)}, nil
		})
		var log bytes.Buffer
		h := NewHandler(p, HandlerOptions{Log: slog.New(slog.NewTextHandler(&log, nil))})
		r := httptest.NewRequest("POST", "/predict", strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.kind)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status || strings.Contains(w.Body.String(), "secret") || !strings.Contains(w.Body.String(), "the service's log has the reason") {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
		if text := log.String(); !strings.Contains(text, "secret") || !strings.Contains(text, "level=ERROR") || c.kind == two && !strings.Contains(text, ".png") {
			t.Errorf("%s: the log is %s", c.name, text)
		}
		p.Close()
	}
}

// TestTimeoutIsKept holds that a request is answered in time though the memory for decoding is not free, and gives back
// what it holds.
func TestTimeoutIsKept(t *testing.T) {
	h := newTestHandler(t, Options{}, HandlerOptions{Timeout: time.Millisecond})
	p := h.predictor
	if !p.memory.TryAcquire(p.opts.MaxDecode) {
		t.Fatal("the memory for decoding is not free")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/predict", bytes.NewReader(pngOf(t, shapes(t, 1)[0]))))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %s, want 503", w.Code, w.Body)
	}
	until(t, "all given back", func() bool { return h.memory.taken.Load() == 0 && p.inside.Load() == 0 })
	p.memory.Release(p.opts.MaxDecode)
}

// TestNegativeLimits holds that a limit below zero is refused where it is given, and not met by each request.
func TestNegativeLimits(t *testing.T) {
	for want, o := range map[string]Options{"MaxBatch": {MaxBatch: -1}, "Queue": {Queue: -1}, "MaxPixels": {MaxPixels: -1}, "MaxDecode": {MaxDecode: -1}} {
		if _, err := New(loadModel(t), o); err == nil || !strings.Contains(err.Error(), "Options."+want+" is -1") {
			t.Errorf("Options.%s: %v", want, err)
		}
	}
	p, err := New(loadModel(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for want, o := range map[string]HandlerOptions{"Top": {Top: -1}, "MaxBody": {MaxBody: -1}, "MaxImages": {MaxImages: -1}, "MaxMemory": {MaxMemory: -1},
		"ReadTimeout": {ReadTimeout: -1}, "Timeout": {Timeout: -1}} {
		func() {
			defer func() {
				if err, _ := recover().(error); err == nil || !strings.Contains(err.Error(), "HandlerOptions."+want+" is -1") {
					t.Errorf("HandlerOptions.%s: %v", want, err)
				}
			}()
			NewHandler(p, o)
		}()
	}
	h := NewHandler(p, HandlerOptions{Log: quiet})
	for want, s := range map[string]Server{"Connections": {Connections: -1}, "Drain": {Drain: -1}, "Grace": {Grace: -1}} {
		s.Handler, s.Addr = h, "127.0.0.1:0"
		if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "Server."+want+" is -1") {
			t.Errorf("Server.%s: %v", want, err)
		}
	}
}

// TestOpenAPI holds that the description has the handler's routes, and the answers the fields that it names.
func TestOpenAPI(t *testing.T) {
	h := newTestHandler(t, Options{}, HandlerOptions{Version: `1.4 "beta"`, Top: 3})
	get := func(path string) map[string]any {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		var v map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return v
	}
	api := get("/openapi.json")
	paths := api["paths"].(map[string]any)
	top := paths["/predict"].(map[string]any)["post"].(map[string]any)["parameters"].([]any)[0].(map[string]any)
	if d := top["schema"].(map[string]any)["default"]; d != 3. {
		t.Errorf("the default of top is %v, want 3", d)
	}
	if v := api["info"].(map[string]any)["version"]; v != `1.4 "beta"` {
		t.Errorf("the version is %v", v)
	}
	for path, methods := range paths {
		for method := range methods.(map[string]any) {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(strings.ToUpper(method), path, nil))
			if w.Code == 404 || w.Code == 405 {
				t.Errorf("%s %s is described and answered with %d", method, path, w.Code)
			}
		}
	}
	schemas := api["components"].(map[string]any)["schemas"].(map[string]any)
	properties := schemas["Info"].(map[string]any)["properties"].(map[string]any)
	h.predictor.model.Calibration = zoo.Calibration{Temperature: 1.5, Threshold: 0.6, Precision: 0.9}
	info := get("/info")
	for key := range info {
		if properties[key] == nil {
			t.Errorf("/info has the key %q, which is not described", key)
		}
	}
	if c, _ := info["calibration"].(map[string]any); c["temperature"] != 1.5 || c["threshold"] != 0.6 {
		t.Errorf("/info of a calibrated model has the calibration %v", info["calibration"])
	}
}

// TestMetrics holds that images, batches and requests are counted.
func TestMetrics(t *testing.T) {
	h := newTestHandler(t, Options{}, HandlerOptions{})
	image := pngOf(t, shapes(t, 1)[0])
	var wait sync.WaitGroup
	for range 10 {
		wait.Go(func() {
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/predict", bytes.NewReader(image)))
		})
	}
	wait.Wait()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/predict", strings.NewReader("no image")))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body, _ := io.ReadAll(w.Body)
	families := 0
	for decoder := expfmt.NewDecoder(bytes.NewReader(body), expfmt.ResponseFormat(w.Header())); ; families++ {
		if err := decoder.Decode(&dto.MetricFamily{}); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("Prometheus can't read family %d of /metrics: %v", families, err)
		}
	}
	if families < 8 {
		t.Errorf("Prometheus reads %d families, want the 8 of ours and those of the process", families)
	}
	for _, want := range []string{`tlkit_images_total{outcome="ok"} 10`, `tlkit_images_total{outcome="error"} 1`, `tlkit_batch_images_sum 10`,
		`tlkit_http_requests_total{code="200",route="POST /predict"} 10`, `tlkit_http_requests_total{code="415",route="POST /predict"} 1`,
		`tlkit_queue_images 0`, `tlkit_predicted_total{class=`} {
		if !bytes.Contains(body, []byte(want)) {
			lines := slices.DeleteFunc(strings.Split(string(body), "\n"), func(l string) bool { return !strings.HasPrefix(l, "tlkit_") })
			t.Errorf("no line %q in\n%s", want, strings.Join(lines, "\n"))
		}
	}
}

// TestOtherEncoding holds that a class whose name is no UTF-8 is predicted and counted: folders of other systems have
// such names.
func TestOtherEncoding(t *testing.T) {
	model := loadModel(t)
	model.Classes = slices.Clone(model.Classes)
	for i := range model.Classes {
		model.Classes[i] += "\xe9"
	}
	p, err := New(model, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	h := NewHandler(p, HandlerOptions{Log: quiet})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/predict", bytes.NewReader(pngOf(t, shapes(t, 1)[0]))))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "\uFFFD") {
		t.Errorf("%d, %s", w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "\uFFFD\"} 1") {
		t.Errorf("/metrics: %d, %s", w.Code, w.Body)
	}
}

var _ http.Handler = (*Handler)(nil)
