package zoo_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/internal/peakmem"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// BenchmarkStep times inference and a training step (SGD with momentum) on zeros, as shared/peer/step.py does for
// PyTorch; peak-MB is the process's peak so far, so run one model at a time:
//
//	GOEXPERIMENT=simd go test ./tlkit/zoo -run '^$' -bench 'Step/resnet18/' -benchtime 6x
func BenchmarkStep(b *testing.B) {
	for _, c := range []struct {
		name        string
		batch, size int
	}{{"mobilenet_v1_025", 8, 224}, {"resnet18", 8, 224}, {"mobilenet_v2", 8, 224}, {"resnet50", 8, 224}, {"resnet20", 32, 32}} {
		b.Run(c.name, func(b *testing.B) {
			engine, err := backend.Default()
			if err != nil {
				b.Fatal(err)
			}
			spec, err := zoo.Info(c.name)
			if err != nil {
				b.Skip(err)
			}
			spec.InputSize = c.size
			m, err := zoo.New(spec, make([]string, 0), 1)
			if err != nil {
				if m, err = zoo.New(spec, []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}, 1); err != nil {
					b.Fatal(err)
				}
			}
			x := tensors.FromFlatDataAndDimensions(make([]float32, c.batch*c.size*c.size*3), c.batch, c.size, c.size, 3)
			run := func(b *testing.B, build func(x *Node) *Node) {
				e, err := model.NewExec(engine.Backend, m.Store(), func(_ *model.Scope, x *Node) *Node { return build(x) })
				if err != nil {
					b.Fatal(err)
				}
				defer e.Finalize()
				for range 2 {
					if _, err := e.Call(x); err != nil {
						b.Fatal(err)
					}
				}
				before := cpuSeconds()
				for b.Loop() {
					if _, err := e.Call(x); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric((cpuSeconds()-before)/float64(b.N), "cpu-s/op")
				b.ReportMetric(peakMB(), "peak-MB")
			}
			b.Run("infer", func(b *testing.B) { run(b, func(x *Node) *Node { return m.Forward(&nn.Pass{}, x) }) })
			b.Run("train", func(b *testing.B) {
				velocities := map[string]*model.Variable{}
				for _, p := range m.Params() {
					if !p.Buffer {
						v := m.Store().GetVariable("/v" + p.Path())
						if v == nil {
							if v, err = m.Store().CreateVariable("/v"+p.Path(), tensors.FromShape(m.Variable(p).Shape())); err != nil {
								b.Fatal(err)
							}
							v.SetTrainable(false)
						}
						velocities[p.Key] = v
					}
				}
				run(b, func(x *Node) *Node {
					m.Store().SetTraining(x.Graph(), true)
					logits := m.Forward(&nn.Pass{Training: true, RNG: Const(x.Graph(), []uint64{1, 2, 3})}, x)
					loss := Neg(ReduceAllMean(SliceAxis(LogSoftmax(logits, -1), 1, AxisElem(0))))
					var ws []*Node
					var ps []nn.Param
					for _, p := range m.Params() {
						if !p.Buffer {
							ps, ws = append(ps, p), append(ws, m.Variable(p).NodeValue(x.Graph()))
						}
					}
					for i, grad := range Gradient(loss, ws...) {
						v := velocities[ps[i].Key]
						now := Add(MulScalar(v.NodeValue(x.Graph()), 0.9), grad)
						v.SetNodeValue(now)
						m.Variable(ps[i]).SetNodeValue(Sub(ws[i], MulScalar(now, 1e-3)))
					}
					return loss
				})
			})
		})
	}
}

// cpuSeconds is the processor time of all threads so far: on a busy machine it says more than the clock.
func cpuSeconds() float64 {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	f := strings.Fields(after)
	user, _ := strconv.ParseFloat(f[11], 64)
	system, _ := strconv.ParseFloat(f[12], 64)
	return (user + system) / 100
}

func peakMB() float64 {
	bytes, _ := peakmem.Of(os.Getpid()) // 0 where the system has no such figure
	return bytes / (1 << 20)
}
