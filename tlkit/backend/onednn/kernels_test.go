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
	if err := tryOut(inFloat32); err != nil {
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

// needBfloat16 opens the library; where the processor has no instructions for bfloat16, the test is skipped.
func needBfloat16(t testing.TB) {
	t.Helper()
	needLibrary(t)
	if !computesBfloat16() {
		t.Skip("the processor has no instructions for bfloat16")
	}
}

// rounded returns values with the 8 bits of bfloat16, the nearest ones.
func rounded(values []float32) []float32 {
	to := make([]float32, len(values))
	for i, v := range values {
		bits := math.Float32bits(v)
		to[i] = math.Float32frombits((bits + 0x7fff + bits>>16&1) &^ 0xffff)
	}
	return to
}

// of returns what s multiplies for a convolution of operands a and b, or for a product in its place.
func (s set) of(c convolution, ok bool, p product, instead bool, a, b []float32) ([]float32, []float32) {
	if instead {
		c, ok = p.times(1), true
	}
	if c.operands = inBfloat16; ok && s.rounds(c) {
		if _, err := prepare(c); err == nil {
			return rounded(a), rounded(b)
		}
	}
	return a, b
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

// reached counts the convolutions of each kind that oneDNN computes with the operands of a set.
type reached [products + 1]int

func (r *reached) add(s set, c convolution, ok bool) {
	if !ok {
		return
	}
	if s.rounds(c) {
		c.operands = inBfloat16
	}
	if _, err := prepare(c); err == nil {
		r[c.kind]++
	}
}

// check holds all directions of a convolution, with every layout of the kernel, against Go's kernels, which get rounded
// operands where the set rounds them.
func check(t testing.TB, s set, g kernels.Geometry, rng *rand.Rand) (r reached) {
	t.Helper()
	compare := func(g kernels.Geometry, l kernels.KernelLayout) {
		c, ok := forConv(g, l)
		r.add(s, c, ok)
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
		s.Conv(g, l)(got, x, w, double(got))
		p, instead := forProduct(g, l)
		x, w = s.of(c, ok, p, instead && g.In[0] == 1, x, w)
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
	c, ok := forKernelGradient(g)
	r.add(s, c, ok)
	s.KernelGradient(g)(got, x, v)
	p, instead := forGradientProduct(g)
	x, v = s.of(c, ok, p, instead && (g.In[0] == 1 || s.rounds(p.times(1))), x, v)
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
	againstGo(t, set{inFloat32})
}

func TestBfloat16AgainstGo(t *testing.T) {
	needBfloat16(t)
	againstGo(t, set{inBfloat16})
	for _, g := range append(layers, layer(2, 14, 64, 96, 1, 1, 1)) { // the last one's kernel gradient is a product
		check(t, set{inBfloat16}, g, rand.New(rand.NewPCG(1, 8)))
	}
}

func againstGo(t *testing.T, s set) {
	var all reached
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 3))
		for k, n := range check(t, s, anyGeometry(rng), rng) {
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
		check(t, set{inFloat32}, anyGeometry(rng), rng)
	})
}

// TestBfloat16Bound: a sum of n products differs from float32's by what the rounding of two operands to 8 bits can
// make, 2^-8 of the sum of the products' absolute values, and by n float32 roundings.
func TestBfloat16Bound(t *testing.T) {
	needBfloat16(t)
	rng := rand.New(rand.NewPCG(1, 5))
	within := func(what string, n int, a, b []float32, size int, compute func(s kernels.Set, to, a, b []float32)) {
		got, want, most := unset(size), unset(size), unset(size)
		compute(set{inBfloat16}, got, a, b)
		compute(kernels.Go(kernels.Goroutines), want, a, b)
		compute(kernels.Go(kernels.Goroutines), most, absolute(a), absolute(b))
		differ := 0
		for i := range want {
			d := math.Abs(float64(got[i] - want[i]))
			if bound := (1.0/256*(1+1.0/1024) + float64(n)/(1<<23)) * float64(most[i]); !(d <= bound) {
				t.Fatalf("%s: value %d is %g, in float32 %g; they may differ by %g", what, i, got[i], want[i], bound)
			}
			if d > 1e-5*float64(most[i]) {
				differ++
			}
		}
		if differ < size/2 {
			t.Errorf("%s: %d of %d values differ from float32: bfloat16 does not compute it", what, differ, size)
		}
	}
	for _, g := range []kernels.Geometry{layers[0], layers[1], layers[2], layers[4], layers[8], kernels.OfRows(300, 200, 100)} {
		nx, nw, ny := sizes(g)
		x, w, v := randoms(rng, nx), randoms(rng, nw), randoms(rng, ny)
		back, l := gradientOf(g)
		within(fmt.Sprintf("%+v", g), nw/g.OutC, x, w, ny, func(s kernels.Set, y, x, w []float32) {
			s.Conv(g, kernels.KernelLayout{})(y, x, w, nil)
		})
		within(fmt.Sprintf("input gradient of %+v", g), nw/g.InC*g.Groups, v, w, nx, func(s kernels.Set, dx, v, w []float32) {
			s.Conv(back, l)(dx, v, w, nil)
		})
		if g.Groups > 1 { // in float32
			continue
		}
		within(fmt.Sprintf("kernel gradient of %+v", g), ny/g.OutC, x, v, nw, func(s kernels.Set, dw, x, v []float32) {
			s.KernelGradient(g)(dw, x, v)
		})
	}
}

func absolute(values []float32) []float32 {
	to := make([]float32, len(values))
	for i, v := range values {
		to[i] = max(v, -v)
	}
	return to
}

// TestProducts holds products of matrices, transposed and not, against plain loops.
func TestProducts(t *testing.T) {
	needLibrary(t)
	sets := []set{{inFloat32}}
	if computesBfloat16() {
		sets = append(sets, set{inBfloat16})
	}
	rng := rand.New(rand.NewPCG(1, 6))
	for i := range 40 {
		p := kernels.Product{TransposedA: i&1 != 0, TransposedB: i&2 != 0, Batch: 1 + rng.IntN(5),
			M: 1 + rng.IntN(100), N: 1 + rng.IntN(100), K: 1 + rng.IntN(40)}
		a, b := randoms(rng, p.Batch*p.M*p.K), randoms(rng, p.Batch*p.K*p.N)
		for _, s := range sets {
			got := unset(p.Batch * p.M * p.N)
			s.Product(p)(got, a, b)
			if s.rounds(product{m: p.M, n: p.N}.times(1)) {
				closeTo(t, fmt.Sprintf("bfloat16: %+v", p), got, multiplied(p, rounded(a), rounded(b)), p.K)
				continue
			}
			closeTo(t, fmt.Sprintf("%+v", p), got, multiplied(p, a, b), p.K)
		}
	}
}

func multiplied(p kernels.Product, a, b []float32) []float32 {
	var c []float32
	for i := range p.Batch * p.M * p.N {
		n, m, one := i%p.N, i/p.N%p.M, i/p.N/p.M
		sum := 0.0
		for k := range p.K {
			x, y := one*p.M*p.K+m*p.K+k, one*p.K*p.N+k*p.N+n
			if p.TransposedA {
				x = one*p.M*p.K + k*p.M + m
			}
			if p.TransposedB {
				y = one*p.K*p.N + n*p.K + k
			}
			sum += float64(a[x]) * float64(b[y])
		}
		c = append(c, float32(sum))
	}
	return c
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
	noFallback(t, set{inFloat32})
}

func TestNoFallbackInBfloat16(t *testing.T) {
	needBfloat16(t)
	noFallback(t, set{inBfloat16})
}

func noFallback(t *testing.T, s set) {
	for _, g := range layers {
		forth, ok := forConv(g, kernels.KernelLayout{})
		back, okBack := forConv(gradientOf(g))
		weights, okWeights := forKernelGradient(g)
		if !ok || !okBack || !okWeights {
			t.Errorf("%+v: no convolution of oneDNN's: %v, %v, %v", g, ok, okBack, okWeights)
			continue
		}
		for _, c := range []convolution{forth, back, weights} {
			if s.rounds(c) {
				c.operands = inBfloat16
			}
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
		for name, s := range map[string]kernels.Set{"onednn": set{inFloat32}, "bf16": set{inBfloat16},
			"go": kernels.Go(kernels.Goroutines)} {
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
