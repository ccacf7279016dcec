package kernels

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// inChild is the environment variable with which TestNumberOfWorkers starts itself.
const inChild = "TLKIT_TEST_WORKERS"

// TestNumberOfWorkers: results are equal to the bit whatever the number of workers is.
func TestNumberOfWorkers(t *testing.T) {
	if os.Getenv(inChild) != "" {
		fmt.Printf("sum %x\n", someResults())
		return
	}
	sums := map[string][]string{}
	for _, n := range []string{"1", "2", "3", "16"} {
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNumberOfWorkers$")
		again.Env = append(os.Environ(), "GOMAXPROCS="+n, inChild+"=1")
		out, err := again.CombinedOutput()
		if err != nil {
			t.Fatalf("GOMAXPROCS=%s: %v\n%s", n, err, out)
		}
		_, sum, _ := strings.Cut(string(out), "sum ")
		sum, _, _ = strings.Cut(sum, "\n")
		sums[sum] = append(sums[sum], n)
	}
	if len(sums) != 1 {
		t.Errorf("results differ with GOMAXPROCS: %v", sums)
	}
}

// TestMoreWorkersLater: a program that computes with one thread and then allows more gets them.
func TestMoreWorkersLater(t *testing.T) {
	if os.Getenv(inChild) != "" {
		runtime.GOMAXPROCS(1)
		someResults()
		runtime.GOMAXPROCS(3)
		fmt.Printf("workers %d\n", Workers())
		return
	}
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMoreWorkersLater$")
	again.Env = append(os.Environ(), "GOMAXPROCS=3", inChild+"=1")
	if out, err := again.CombinedOutput(); err != nil || !strings.Contains(string(out), "workers 3\n") {
		t.Errorf("after one thread: %v\n%s, want 3 workers", err, out)
	}
}

// someResults returns a hash of results of each kind of operation.
func someResults() []byte {
	h := sha256.New()
	add := func(v []float32) { binary.Write(h, binary.LittleEndian, v) }
	for _, c := range []int{3, 16, 40} {
		g := Geometry{Batch: 5, In: [2]int{17, 15}, InC: c, OutC: c, Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, Groups: c}.whole()
		n := g.Batch * g.In[0] * g.In[1] * c
		x, v, w := randoms(1, n), randoms(2, n), randoms(3, 9*c*c)
		y, dw := make([]float32, n), make([]float32, 9*c*c)
		for range 2 { // depthwise, then all channels together
			Conv(Goroutines, y, x, w, g, KernelLayout{}, Epilogue{})
			add(y)
			KernelGradient(Goroutines, dw, x, v, g)
			add(dw)
			g.Groups = 1
		}
		mean, variance, dScale, dOffset := make([]float32, c), make([]float32, c), make([]float32, c), make([]float32, c)
		chain := &Chain{Operands: 1, Outer: 1, Middle: n / c, Inner: c, Code: []Instr{{Op: Abs}, {Op: Rsqrt, Args: [3]int{1}}, {Op: Exp, Args: [3]int{2}}, {Op: Erf, Args: [3]int{3}}}}
		chain.Prepare()
		z := make([]float32, n)
		BatchNorm(Goroutines, y, mean, variance, x, randoms(4, c), randoms(5, c), 1e-5, chain.Bind(z, []Operand{{Data: y, Outer: true, Middle: true, Inner: true}}))
		add(y)
		add(z)
		BatchNormGradient(Goroutines, y, dScale, dOffset, x, randoms(4, c), mean, variance, v, 1e-5, nil)
		add(y)
		add(dScale)
		SumRows(Goroutines, mean, x, 1, n/c, c)
		add(mean)
		chain.Run(Goroutines, z, []Operand{{Data: x, Outer: true, Middle: true, Inner: true}})
		add(z)
	}
	return h.Sum(nil)
}
