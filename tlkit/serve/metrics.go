package serve

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/tlkit-go/tlkit-notebooks/internal/classnames"
)

// maxClassSeries is the largest number of classes that are counted one by one: each is a time series of its own.
const maxClassSeries = 100

// metrics are what a predictor and its handler measure.
type metrics struct {
	registry *prometheus.Registry
	images   *prometheus.CounterVec // by outcome
	classes  *prometheus.CounterVec // by predicted class; nil if there are too many
	batch    prometheus.Histogram
	compute  prometheus.Histogram
	requests *prometheus.CounterVec   // by route and status
	seconds  *prometheus.HistogramVec // by route
}

func newMetrics(classes []string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		images: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tlkit_images_total",
			Help: "Images by outcome: ok, error (unreadable, or the network failed), busy (refused; a request that was not read counts as one), cancelled."}, []string{"outcome"}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "tlkit_batch_images",
			Help: "Images that the network computed at once.", Buckets: []float64{1, 2, 4, 8, 16, 32, 64}}),
		compute: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "tlkit_compute_seconds",
			Help: "Time of a batch in the network.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 13)}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tlkit_http_requests_total",
			Help: "HTTP requests by route and status code."}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tlkit_http_request_seconds",
			Help: "Time of an HTTP request, with reading it.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 15)}, []string{"route"}),
	}
	m.registry.MustRegister(m.images, m.batch, m.compute, m.requests, m.seconds,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, outcome := range []string{"ok", "error", "busy", "cancelled"} {
		m.images.WithLabelValues(outcome) // so that a counter is 0 before the first event
	}
	if len(classes) <= maxClassSeries {
		m.classes = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tlkit_predicted_total",
			Help: "Images by the class predicted; a changed mix of classes may mean that the images have changed."}, []string{"class"})
		m.registry.MustRegister(m.classes)
	}
	return m
}

// waiting registers the number of images in the queue.
func (m *metrics) waiting(count func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tlkit_queue_images",
		Help: "Images that are being decoded, wait or are computed."}, count))
}

// predicted counts an image of the class.
func (m *metrics) predicted(class string) {
	if m.classes != nil {
		m.classes.WithLabelValues(classnames.InUTF8(class)).Inc() // as JSON has it: another encoding than UTF-8 is no label
	}
}

// Registry has the predictor's metrics and those of the process, for a program that publishes them by itself; see
// [prometheus.Gatherers] to join it with another.
func (p *Predictor) Registry() *prometheus.Registry { return p.metrics.registry }
