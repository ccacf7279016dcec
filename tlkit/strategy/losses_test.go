package strategy

import (
	"math"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// computeAll runs a graph function on the pure-Go engine and returns the values of its outputs.
func computeAll(t *testing.T, f func(g *Graph) []*Node) [][]float32 {
	t.Helper()
	backend, err := compute.NewWithConfig("go")
	if err != nil {
		t.Fatal(err)
	}
	defer backend.Finalize()
	out, err := CallOnceN(backend, f)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]float32
	for _, o := range out {
		all = append(all, tensors.MustCopyFlatData[float32](o))
	}
	return all
}

func near(t *testing.T, what string, got []float32, want ...float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
	for i := range got {
		if math.Abs(float64(got[i])-want[i]) > 1e-6+1e-5*math.Abs(want[i]) {
			t.Errorf("%s: %v, want %v", what, got, want)
			return
		}
	}
}

// TestDistillation against equations 2 and 3 of the paper, by hand: at T = 2, teacher logits (0, 2 ln 3) give (1/4,
// 3/4) and logits (2 ln 4, 0) give (4/5, 1/5).
func TestDistillation(t *testing.T) {
	out := computeAll(t, func(g *Graph) []*Node {
		teacher := Const(g, [][]float32{{0, float32(2 * math.Log(3))}})
		logits := Const(g, [][]float32{{float32(2 * math.Log(4)), 0}})
		loss := Distillation(logits, teacher, 2)
		same := Distillation(teacher, teacher, 2)
		moved := Distillation(AddScalar(teacher, 5), teacher, 2)
		rows := Distillation(Concatenate([]*Node{logits, teacher}, 0), Concatenate([]*Node{teacher, teacher}, 0), 2)
		copied := Identity(teacher)
		return []*Node{loss, same, moved, rows, Gradient(loss, logits)[0], Gradient(Distillation(copied, StopGradient(teacher), 2), copied)[0]}
	})
	cross := -0.25*math.Log(0.8) - 0.75*math.Log(0.2)
	entropy := -0.25*math.Log(0.25) - 0.75*math.Log(0.75)
	near(t, "loss", out[0], cross)
	near(t, "loss of the teacher's own answers, their entropy", out[1], entropy)
	near(t, "a constant added to all logits", out[2], entropy)
	near(t, "mean of two images", out[3], (cross+entropy)/2)
	near(t, "gradient (p - q)/T", out[4], (0.8-0.25)/2, (0.2-0.75)/2)
	near(t, "gradient at the teacher's answers", out[5], 0, 0)
}

// TestCORAL by hand: rows (0,0) and (2,2) have covariance ((2,2),(2,2)); (0,0) and (2,-2) have ((2,-2),(-2,2)).
func TestCORAL(t *testing.T) {
	out := computeAll(t, func(g *Graph) []*Node {
		a := Const(g, [][]float32{{0, 0}, {2, 2}})
		b := Const(g, [][]float32{{0, 0}, {2, -2}})
		equal := Const(g, [][]float32{{7, 1}, {9, 3}})                  // elsewhere, but spread alike
		longer := Const(g, [][]float32{{0, 0}, {2, 2}, {1, 1}, {1, 1}}) // variance 2/3
		one := Const(g, [][]float32{{5, 5}})
		return []*Node{CORAL(a, b), CORAL(a, equal), CORAL(a, a), CORAL(a, longer), CORAL(one, a), Gradient(CORAL(a, equal), a)[0]}
	})
	near(t, "opposite correlation", out[0], 2*16/16.)
	near(t, "equal covariances", out[1], 0)
	near(t, "the same rows", out[2], 0)
	near(t, "other numbers of rows", out[3], 4*(2-2/3.)*(2-2/3.)/16)
	near(t, "a single row counts as zero", out[4], 4*4/16.)
	near(t, "gradient at equal covariances", out[5], 0, 0, 0, 0)
}

// TestReverseGradient: the value passes, the gradient comes back with the other sign and the weight.
func TestReverseGradient(t *testing.T) {
	out := computeAll(t, func(g *Graph) []*Node {
		x := Const(g, []float32{1, -2, 3})
		w := Const(g, []float32{4, 5, -6})
		y := ReverseGradient(x, Scalar(g, x.DType(), 0.5))
		none := ReverseGradient(x, Scalar(g, x.DType(), 0))
		weight := func(p float64) *Node { return dannWeight(Scalar(g, x.DType(), p)) }
		return []*Node{y, Gradient(ReduceAllSum(Mul(y, w)), x)[0], Gradient(ReduceAllSum(Mul(none, w)), x)[0], weight(0), weight(0.1), weight(1)}
	})
	near(t, "value", out[0], 1, -2, 3)
	near(t, "gradient", out[1], -2, -2.5, 3)
	near(t, "gradient at weight 0", out[2], 0, 0, 0)
	near(t, "weight at the start", out[3], 0)
	near(t, "weight after a tenth", out[4], 2/(1+math.Exp(-1))-1)
	near(t, "weight at the end", out[5], 2/(1+math.Exp(-10))-1)
}

// TestBinaryCrossEntropy by hand, and where e^x overflows.
func TestBinaryCrossEntropy(t *testing.T) {
	out := computeAll(t, func(g *Graph) []*Node {
		logits := Const(g, [][]float32{{0}, {float32(math.Log(3))}})
		far := Const(g, [][]float32{{-200}, {200}})
		labels := domainLabels(Const(g, [][]float32{{1, 2}}), Const(g, [][]float32{{3, 4}}))
		return []*Node{labels, binaryCrossEntropy(logits, labels), binaryCrossEntropy(far, labels), binaryCrossEntropy(Neg(far), labels)}
	})
	near(t, "labels", out[0], 0, 1)
	near(t, "half and three quarters", out[1], (math.Log(2)-math.Log(0.75))/2)
	near(t, "certain and right", out[2], 0)
	near(t, "certain and wrong", out[3], 200)
}
