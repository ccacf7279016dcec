package zoo_test

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

func TestMain(m *testing.M) {
	testutil.PureGo()
	m.Run()
}

// TestCompliance runs every architecture with random weights: logits of the right shape and finite in inference, also
// at the smallest input; a gradient for every trained variable in training; running statistics that move; freezing
// that counts. The small ones and the smallest of each family run always, with -tags slow all of them.
func TestCompliance(t *testing.T) {
	for _, name := range zoo.List(zoo.Filter{}) {
		t.Run(name, func(t *testing.T) {
			spec, err := zoo.Info(name)
			if err != nil {
				t.Fatal(err)
			}
			if alike(spec) || !slow && !light(t, spec) {
				t.Skip("a large model, or one of several alike; run with -tags slow")
			}
			if slow { // garbage beside the largest models, of 2.5 GB, would take as much as they do
				defer debug.SetGCPercent(debug.SetGCPercent(20))
			}
			for _, size := range []int{spec.MinSize, max(spec.MinSize, 16)} {
				spec.InputSize = size
				m, err := zoo.New(spec, []string{"a", "b", "c"}, 1)
				if err != nil {
					t.Fatal(err)
				}
				comply(t, m, size, size > spec.MinSize || spec.MinSize >= 16)
			}
		})
	}
}

// alike reports whether the network is a large one that differs in its activation or its pooling alone from one that is
// tested, while smaller ones differ so, too, and are.
func alike(spec zoo.Spec) bool {
	variant := strings.HasSuffix(spec.Name, "_quickgelu") || strings.HasSuffix(spec.Name, "_mean") || strings.HasSuffix(spec.Name, "_tanh") || strings.HasSuffix(spec.Name, "_sized")
	return variant && !strings.HasPrefix(spec.Name, "clip_xs_16") && !strings.HasPrefix(spec.Name, "siglip_b_16") && !strings.HasPrefix(spec.Name, "dinov2_vits14")
}

// unsized are families with networks without a weight set, which would tell their size; smallUnsized are the smallest
// of each kind of those.
var (
	unsized = []string{"beit", "clip", "convnext", "convnextv2", "deit", "dinov2", "efficientnet", "efficientnet_lite", "eva02", "mobilenet_v2", "mobilenet_v3", "mobilevit", "regnet", "resnet", "siglip", "swin", "vit"}

	smallUnsized = []string{"convnext_atto", "convnextv2_atto", "dinov2_vits14_reg", "vit_ti_16", "clip_xs_16_quickgelu", "clip_xs_16_mean", "deit_ti_16_distilled", "eva02_ti_14", "mobilevit_xxs",
		"efficientnet_es", "efficientnetv2_rw_t", "tf_efficientnet_b0", "tf_efficientnetv2_b0", "timm_efficientnet_lite0",
		"mobilenetv2_050", "tf_mobilenet_v2_035", "mobilenetv3_small_050", "tf_mobilenetv3_small_minimal_100",
		"regnetx_002", "regnety_002", "resnet10t", "seresnext26d_32x4d", "swin_v2_t_window16"}
)

func light(t *testing.T, spec zoo.Spec) bool {
	w, err := spec.WeightSet("")
	if err != nil {
		return !slices.Contains(unsized, spec.Family) || slices.Contains(smallUnsized, spec.Name)
	}
	if w.Params < 3e6 {
		return true
	}
	return w.Params < 15e6 && len(zoo.List(zoo.Filter{Family: spec.Family, MaxParams: w.Params - 1})) == 0
}

func allZero(t *testing.T, m *zoo.Model, p nn.Param) bool {
	t.Helper()
	values, err := m.Values(p)
	if err != nil {
		t.Fatal(err)
	}
	return !slices.ContainsFunc(values, func(v float32) bool { return v != 0 })
}

// digests returns a hash of the values of each variable, with which a model's states can be compared without a copy.
func digests(t *testing.T, m *zoo.Model) map[string]uint64 {
	t.Helper()
	all := map[string]uint64{}
	for _, p := range m.Params() {
		values, err := m.Values(p)
		if err != nil {
			t.Fatal(err)
		}
		h := fnv.New64a()
		if err := binary.Write(h, binary.LittleEndian, values); err != nil {
			t.Fatal(err)
		}
		all[p.Key] = h.Sum64()
	}
	return all
}

func comply(t *testing.T, m *zoo.Model, size int, gradients bool) {
	engine, err := backend.Default()
	if err != nil {
		t.Fatal(err)
	}
	const batch = 3 // with two, BatchNorm at 1x1 is a sign function, and its gradient nothing
	rng := rand.New(rand.NewPCG(1, 1))
	pixels := make([]float32, batch*size*size*3)
	for i := range pixels {
		pixels[i] = float32(rng.NormFloat64())
	}
	images := tensors.FromFlatDataAndDimensions(pixels, batch, size, size, 3)
	call := func(build func(in *Node) []*Node) [][]float32 {
		t.Helper()
		exec, err := model.NewExec(engine.Backend, m.Store(), func(_ *model.Scope, x *Node) []*Node {
			m.Store().SetTraining(x.Graph(), true)
			return build(x)
		})
		if err != nil {
			t.Fatal(err)
		}
		defer exec.Finalize()
		out, err := exec.Call(images)
		if err != nil {
			t.Fatal(err)
		}
		var all [][]float32
		for _, o := range out {
			all = append(all, tensors.MustCopyFlatData[float32](o))
		}
		return all
	}
	logits := call(func(x *Node) []*Node { return []*Node{m.Forward(&nn.Pass{}, x)} })[0]
	if len(logits) != batch*3 {
		t.Fatalf("%dx%d: %d logits, want 3 for each of %d images", size, size, len(logits), batch)
	}
	for _, v := range logits {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			t.Fatalf("%dx%d: logits %v", size, size, logits)
		}
	}
	if !gradients {
		return
	}

	for _, p := range m.Params() { // a vision transformer's head starts at zero: no gradient would come through
		if p.Key == m.HeadKey()+".weight" && allZero(t, m, p) {
			ramp := make([]float32, p.Size())
			for i := range ramp {
				ramp[i] = float32(math.Sin(float64(i)))
			}
			if err := m.Variable(p).SetValue(tensors.FromFlatDataAndDimensions(ramp, p.VarShape()...)); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := digests(t, m)
	var trained []nn.Param
	for _, p := range m.Params() {
		if m.Variable(p).Trainable {
			trained = append(trained, p)
		} else if !p.Buffer {
			t.Errorf("%s is frozen in a new model", p.Key)
		}
	}
	reached := make([]bool, len(trained))
	// Stochastic depth may leave a block out for all images of the batch, but hardly so four times.
	for seed := int64(1); seed <= 4 && slices.Contains(reached, false); seed++ {
		random, err := RNGStateFromSeed(seed)
		if err != nil {
			t.Fatal(err)
		}
		grads := call(func(x *Node) []*Node {
			pass := &nn.Pass{Training: true, RNG: Const(x.Graph(), random)}
			loss := ReduceAllSum(LogSoftmax(m.Forward(pass, x), -1))
			for _, aux := range pass.Aux {
				loss = Add(loss, ReduceAllSum(LogSoftmax(aux.Logits, -1)))
			}
			var vars []*Node
			for _, p := range trained {
				vars = append(vars, m.Variable(p).NodeValue(x.Graph()))
			}
			sums := Gradient(loss, vars...) // of each only a sum leaves the engine: a large model's gradients take gigabytes
			for i, g := range sums {
				sums[i] = ReduceAllSum(Abs(g))
			}
			return sums
		})
		for i, g := range grads {
			if math.IsNaN(float64(g[0])) || math.IsInf(float64(g[0]), 0) {
				t.Fatalf("the gradient of %s is not finite", trained[i].Key)
			}
			reached[i] = reached[i] || g[0] != 0
		}
	}
	for i, p := range trained {
		if !reached[i] {
			t.Errorf("no gradient reaches %s", p.Key)
		}
	}
	after := digests(t, m)
	for _, p := range m.Params() {
		moved := after[p.Key] != before[p.Key]
		if statistic := strings.Contains(p.Key, ".running_"); moved != statistic { // other buffers are constants
			t.Errorf("after a pass in training mode %s has moved: %v", p.Key, moved)
		}
	}

	// Freezing all but the last stage with variables, and the head.
	stages := m.Stages()
	total, _ := m.NumParams()
	want := 0
	for _, p := range m.Params() {
		if !p.Buffer && p.Stage != stages[0] {
			want += p.Size()
		}
	}
	m.SetTrainable(func(p nn.Param) bool { return p.Stage != stages[0] })
	if n, trained := m.NumParams(); n != total || trained != want || want == total || want == 0 {
		t.Errorf("with the first stage frozen %d of %d are trained, want %d of %d", trained, n, want, total)
	}
	m.SetTrainable(m.InHead)
	if err := m.ReplaceHead([]string{"x", "y"}, 2); err != nil {
		t.Fatal(err)
	}
	for _, p := range m.Params() {
		if m.Variable(p).Trainable != m.InHead(p) {
			t.Errorf("after ReplaceHead %s is trained: %v", p.Key, m.Variable(p).Trainable)
		}
	}
}
