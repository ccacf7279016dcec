//go:build cgo && linux && amd64

package onednn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/installdir"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine/kernels"
)

// needLibrary opens the library; without one the test is skipped.
func needLibrary(t testing.TB) {
	t.Helper()
	path := os.Getenv(LibraryEnv)
	if dir, err := installdir.Dir(os.Getenv, "lib", "onednn"); path == "" && err == nil {
		if found, _ := filepath.Glob(filepath.Join(dir, "libdnnl.so*")); len(found) > 0 {
			path = found[0]
		}
	}
	if path == "" {
		t.Skip("oneDNN is not installed: install.sh --engine onednn")
	}
	if _, _, err := open(path, kernels.Workers()); err != nil {
		t.Fatal(err)
	}
	if err := tryOut(); err != nil {
		t.Fatal(err)
	}
}

func randoms(rng *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return v
}

// unset returns n values that no result has.
func unset(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(math.NaN())
	}
	return v
}

// closeTo compares values that differ in the order of sums of about n products.
func closeTo(t testing.TB, what string, got, want []float32, n int) {
	t.Helper()
	for i := range want {
		if d := math.Abs(float64(got[i] - want[i])); !(d <= 1e-5*(math.Sqrt(float64(n))+math.Abs(float64(want[i])))) {
			t.Fatalf("%s: value %d of %d is %g, of Go's kernels %g", what, i, len(want), got[i], want[i])
		}
	}
}

// reached counts the convolutions of each kind that oneDNN computes.
type reached [kernelGradient + 1]int

func (r *reached) add(c convolution, ok bool) {
	if !ok {
		return
	}
	if _, err := prepare(c); err == nil {
		r[c.kind]++
	}
}

// check holds all directions of a convolution, with every layout of the kernel, against Go's kernels.
func check(t testing.TB, g kernels.Geometry, rng *rand.Rand) (r reached) {
	t.Helper()
	compare := func(g kernels.Geometry, l kernels.KernelLayout) {
		r.add(forConv(g, l))
		nx, nw, ny := sizes(g)
		x, w := randoms(rng, nx), randoms(rng, nw)
		got, want := unset(ny), unset(ny)
		double := func(y []float32) kernels.After {
			return func(_, from, to int) {
				for i := range y[from:to] {
					y[from+i] *= 2
				}
			}
		}
		set{}.Conv(g, l)(got, x, w, double(got))
		kernels.Go(kernels.Goroutines).Conv(g, l)(want, x, w, double(want))
		closeTo(t, fmt.Sprintf("%+v %+v", g, l), got, want, nw/g.OutC)
	}
	for _, l := range []kernels.KernelLayout{{}, {OutIn: true}, {Flipped: true}, {Flipped: true, OutIn: true}} {
		compare(g, l)
	}
	compare(gradientOf(g))

	nx, nw, ny := sizes(g)
	x, v := randoms(rng, nx), randoms(rng, ny)
	got, want := unset(nw), unset(nw)
	r.add(forKernelGradient(g))
	set{}.KernelGradient(g)(got, x, v)
	kernels.Go(kernels.Goroutines).KernelGradient(g)(want, x, v)
	closeTo(t, fmt.Sprintf("kernel gradient of %+v", g), got, want, ny/g.OutC)
	return r
}

// anyGeometry returns a geometry of small numbers.
func anyGeometry(rng *rand.Rand) kernels.Geometry {
	upTo := func(n int) int { return 1 + rng.IntN(n) }
	g := kernels.Geometry{Batch: upTo(3), InDilation: [2]int{1, 1}, Groups: 1}
	switch rng.IntN(3) {
	case 0: // depthwise
		g.Groups = upTo(40)
		g.InC, g.OutC = g.Groups, g.Groups
	case 1:
		g.Groups = upTo(4)
		g.InC, g.OutC = g.Groups*upTo(20), g.Groups*upTo(20)
	default:
		g.InC, g.OutC = upTo(70), upTo(70)
	}
	for a := range 2 {
		g.Kernel[a], g.Stride[a], g.KernelDilation[a] = upTo(5), upTo(3), upTo(2)
		g.Pad[a] = rng.IntN(reach(g, a)+4) - 1 // also a crop, and more than a kernel's reach
		g.Out[a] = upTo(9)
		// Windows end before, at and after the images' last value.
		g.In[a] = max(1, (g.Out[a]-1)*g.Stride[a]+reach(g, a)+1-g.Pad[a]+rng.IntN(5)-2)
	}
	return g
}

func TestAgainstGo(t *testing.T) {
	needLibrary(t)
	var all reached
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 3))
		for k, n := range check(t, anyGeometry(rng), rng) {
			all[k] += n
		}
	}
	// The others have crops or flipped kernels that oneDNN can't compute.
	if least := (reached{120, 70, 60}); all[forward] < least[forward] || all[inputGradient] < least[inputGradient] || all[kernelGradient] < least[kernelGradient] {
		t.Errorf("oneDNN computed %d convolutions of each kind, want at least %d", all, least)
	}
}

// TestFailuresAreTold: the first run that fails is told, and Go's kernels compute.
func TestFailuresAreTold(t *testing.T) {
	needLibrary(t)
	var told []error
	before := OnFailure
	OnFailure = func(err error) { told = append(told, err) }
	defer func() { OnFailure, failure = before, sync.Once{} }()
	one := []float32{1}
	for range 2 {
		if ran(product{m: -1, n: 1, k: 1}.run(one, one, one)) {
			t.Error("a product of -1 rows is computed")
		}
	}
	if !ran(product{m: 1, n: 1, k: 1}.run(one, one, one)) || len(told) != 1 {
		t.Errorf("told %v, want one error", told)
	}
}

func FuzzAgainstGo(f *testing.F) {
	needLibrary(f)
	f.Add(uint64(1000))
	f.Fuzz(func(t *testing.T, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 3))
		check(t, anyGeometry(rng), rng)
	})
}

// layer returns the geometry of a layer of square images.
func layer(batch, size, in, out, kernel, stride, groups int) kernels.Geometry {
	pad := kernel / 2
	to := (size+2*pad-kernel)/stride + 1
	return kernels.Geometry{Batch: batch, In: [2]int{size, size}, Out: [2]int{to, to}, InC: in, OutC: out, Kernel: [2]int{kernel, kernel},
		Stride: [2]int{stride, stride}, Pad: [2]int{pad, pad}, KernelDilation: [2]int{1, 1}, InDilation: [2]int{1, 1}, Groups: groups}
}

var layers = []kernels.Geometry{
	layer(2, 64, 3, 64, 7, 2, 1), layer(2, 28, 64, 64, 3, 1, 1), layer(2, 28, 64, 128, 3, 2, 1), layer(2, 28, 64, 128, 1, 2, 1),
	layer(2, 14, 256, 64, 1, 1, 1), layer(2, 28, 96, 96, 3, 2, 96), layer(2, 14, 240, 240, 5, 1, 240), layer(2, 32, 16, 16, 3, 1, 1),
	layer(2, 14, 128, 128, 3, 1, 32),
}

// TestNoFallback holds that the layers of usual networks are computed by oneDNN, in all directions.
func TestNoFallback(t *testing.T) {
	needLibrary(t)
	for _, g := range layers {
		forth, ok := forConv(g, kernels.KernelLayout{})
		back, okBack := forConv(gradientOf(g))
		weights, okWeights := forKernelGradient(g)
		if !ok || !okBack || !okWeights {
			t.Errorf("%+v: no convolution of oneDNN's: %v, %v, %v", g, ok, okBack, okWeights)
			continue
		}
		for _, c := range []convolution{forth, back, weights} {
			if _, err := prepare(c); err != nil {
				t.Errorf("%+v, kind %d: %v", g, c.kind, err)
			}
		}
	}
}

func BenchmarkLayers(b *testing.B) {
	needLibrary(b)
	for _, g := range []kernels.Geometry{
		layer(8, 56, 64, 64, 3, 1, 1), layer(8, 7, 512, 512, 3, 1, 1), layer(8, 224, 3, 64, 7, 2, 1), layer(8, 56, 24, 144, 1, 1, 1),
		layer(8, 56, 144, 24, 1, 1, 1), layer(32, 32, 16, 16, 3, 1, 1), layer(8, 56, 144, 144, 3, 1, 144), layer(8, 28, 128, 256, 3, 2, 1),
	} {
		rng := rand.New(rand.NewPCG(1, 1))
		nx, nw, ny := sizes(g)
		x, w, y := randoms(rng, nx), randoms(rng, nw), randoms(rng, ny)
		flop := 2 * float64(ny) * float64(nw/g.OutC)
		for name, s := range map[string]kernels.Set{"onednn": set{}, "go": kernels.Go(kernels.Goroutines)} {
			back, l := gradientOf(g)
			value, gradient, weights := s.Conv(g, kernels.KernelLayout{}), s.Conv(back, l), s.KernelGradient(g)
			for what, f := range map[string]func(){"value": func() { value(y, x, w, nil) }, "inputgrad": func() { gradient(x, y, w, nil) },
				"kernelgrad": func() { weights(w, x, y) }} {
				b.Run(fmt.Sprintf("%d_%d_%d_k%d_s%d_g%d/%s/%s", g.In[0], g.InC, g.OutC, g.Kernel[0], g.Stride[0], g.Groups, what, name), func(b *testing.B) {
					for b.Loop() {
						f()
					}
					b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			}
		}
	}
}
