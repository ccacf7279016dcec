package kernels

import (
	"slices"
	"sync"
)

// Op is an elementwise operation of a Chain. Truth values are 1 and 0.
type Op int

// The operations. Where is its second operand where the first is true, and its third elsewhere. MulAdd is the product
// of the first two plus the third, rounded once where there are vectors.
const (
	Add Op = iota
	Sub
	Mul
	Div
	Max
	Min
	Greater
	GreaterEqual
	Less
	LessEqual
	Equal
	NotEqual
	And
	Or
	Not
	Neg
	Abs
	Sqrt
	Rsqrt
	Exp
	Erf
	Sigmoid
	MulAdd
	Where
)

// Instr is a step of a Chain with the operation Op. Args are indices: the operands come first, then the results of
// earlier steps.
type Instr struct {
	Op   Op
	Args [3]int // as many as the operation has
}

// Operand is an input of a Chain, with its values in Data. Of the axes [outer, middle, inner] of the result, it varies
// along those that are true, and is repeated along the others.
type Operand struct {
	Data                 []float32
	Outer, Middle, Inner bool
}

// Chain is a sequence of elementwise operations computed in one pass: block by block, with all steps of a block before
// the next block, so that intermediate results stay in the cache.
type Chain struct {
	Operands             int     // number of inputs
	Code                 []Instr // the steps, in order
	Outer, Middle, Inner int     // the result's size

	registers []int // the register of each step's result; -1 for the last step, which writes the result itself
	count     int
}

const chainBlock = 1024

// Prepare assigns registers to the intermediate results.
func (c *Chain) Prepare() {
	last := make([]int, len(c.Code))
	for i, in := range c.Code {
		for _, a := range in.Args[:in.Op.arity()] {
			if a >= c.Operands {
				last[a-c.Operands] = i
			}
		}
	}
	c.registers = make([]int, len(c.Code))
	var free []int
	for i, in := range c.Code {
		for j, a := range in.Args[:in.Op.arity()] {
			repeated := false
			for _, b := range in.Args[:j] {
				repeated = repeated || a == b
			}
			if a >= c.Operands && last[a-c.Operands] == i && !repeated {
				free = append(free, c.registers[a-c.Operands])
			}
		}
		if i == len(c.Code)-1 {
			c.registers[i] = -1
			break
		}
		if len(free) > 0 {
			c.registers[i] = free[len(free)-1]
			free = free[:len(free)-1]
		} else {
			c.registers[i] = c.count
			c.count++
		}
	}
}

func (o Op) arity() int {
	switch o {
	case Not, Neg, Abs, Sqrt, Rsqrt, Exp, Erf, Sigmoid:
		return 1
	case MulAdd, Where:
		return 3
	}
	return 2
}

// chainWorker is the memory of one worker.
type chainWorker struct {
	temps   []float32   // registers
	fills   [][]float32 // repeated operands, by operand
	key     []int       // start of the values in fills
	keySize []int       // -1: fills has none
	args    [][]float32
}

// chainWorkers has the memory of chains that have ended. A chain of a few thousand values needs about as much as these,
// and there are dozens in a network.
var chainWorkers sync.Pool

// worker returns memory for the chain.
func (c *Chain) worker() *chainWorker {
	w, ok := chainWorkers.Get().(*chainWorker)
	if !ok {
		w = &chainWorker{}
	}
	w.temps = slices.Grow(w.temps[:0], c.count*chainBlock)[:c.count*chainBlock]
	for len(w.fills) < c.Operands {
		w.fills, w.key, w.keySize = append(w.fills, nil), append(w.key, 0), append(w.keySize, 0)
	}
	for i := range w.keySize {
		w.keySize[i] = -1
	}
	n := c.Operands + len(c.Code)
	w.args = slices.Grow(w.args[:0], n)[:n]
	return w
}

// release returns memory for other chains.
func (w *chainWorker) release() {
	clear(w.args) // which keep the operands
	chainWorkers.Put(w)
}

// Run computes the chain into out, which may be the data of an operand of the result's full size.
func (c *Chain) Run(t Team, out []float32, operands []Operand) {
	f, end := c.Begin(out, operands)
	defer end()
	grain := chainBlock / c.Inner * c.Inner // whole rows, or pieces of a block
	if grain == 0 {
		grain = chainBlock
	}
	total := c.Outer * c.Middle * c.Inner
	blocks := (total + grain - 1) / grain
	pieces := max(1, min(blocks, total*len(c.Code)/(16*chainBlock), 4*Workers()))
	t(pieces, func(worker, piece int) {
		f(worker, piece*blocks/pieces*grain, min(total, (piece+1)*blocks/pieces*grain))
	})
}

// After processes the values from..to-1 of a result that another operation has just written, while they are in the
// cache.
type After func(worker, from, to int)

// Bind returns a function that computes a piece of the chain; pieces of different workers may run at once.
func (c *Chain) Bind(out []float32, operands []Operand) After {
	f, _ := c.Begin(out, operands)
	return f
}

// Sum adds up the chain's result, seen as [outer, middle, inner], over the middle axis into y [outer, inner]. The sums
// are those of [SumRows]. See [Summable].
func (c *Chain) Sum(t Team, y []float32, operands []Operand, outer, middle, inner int) {
	compute, end := c.pieces(operands)
	defer end()
	results := make([][]float32, Workers())
	sumRows(t, y, values{most: sumBlock, get: func(worker, from, to int) []float32 {
		if results[worker] == nil {
			results[worker] = getFloats(sumBlock)
		}
		block := results[worker][:to-from]
		compute(worker, from, to, block)
		return block
	}}, outer, middle, inner)
	for _, r := range results {
		if r != nil {
			putFloats(r)
		}
	}
}

// Begin is Bind, and also returns a function to call after the last piece, so that other chains can use the memory.
func (c *Chain) Begin(out []float32, operands []Operand) (f After, end func()) {
	compute, end := c.pieces(operands)
	return func(worker, from, to int) { compute(worker, from, to, out[from:to]) }, end
}

// pieces returns a function that computes the values from..to-1 into out, and one to call after the last piece.
func (c *Chain) pieces(operands []Operand) (f func(worker, from, to int, out []float32), end func()) {
	workers := make([]*chainWorker, Workers())
	end = func() {
		for _, w := range workers {
			if w != nil {
				w.release()
			}
		}
	}
	f = func(worker, from, to int, out []float32) {
		w := workers[worker]
		if w == nil {
			w = c.worker()
			workers[worker] = w
		}
		for at := from; at < to; {
			// A block is some whole rows of the inner axis within one outer step, or a piece of one row.
			row, col := at/c.Inner, at%c.Inner
			outer, mid := row/c.Middle, row%c.Middle
			rows, n := 1, min(chainBlock, c.Inner-col, to-at)
			if n == c.Inner {
				rows = max(1, min(chainBlock/c.Inner, c.Middle-mid, (to-at)/c.Inner))
			}
			size := rows * n
			for i := range operands {
				w.args[i] = c.operand(w, i, &operands[i], outer, mid, col, rows, n)
			}
			for i := range c.Code { // not a copy of each step, which would go to the heap
				d := out[at-from : at-from+size]
				if r := c.registers[i]; r >= 0 {
					d = w.temps[r*chainBlock : r*chainBlock+size]
				}
				w.args[c.Operands+i] = d
				c.Code[i].run(d, w.args)
			}
			at += size
		}
	}
	return f, end
}

// operand returns the operand's values for a block, repeated along the axes along which it does not vary.
func (c *Chain) operand(w *chainWorker, i int, o *Operand, outer, mid, col, rows, n int) []float32 {
	inner, middle := 1, 1
	if o.Inner {
		inner = c.Inner
	}
	if o.Middle {
		middle = c.Middle
	}
	start := 0
	if o.Outer {
		start = outer * middle * inner
	}
	if o.Middle {
		start += mid * inner
	}
	if o.Inner {
		start += col
		if o.Middle || rows == 1 {
			return o.Data[start : start+rows*n]
		}
	}
	if w.fills[i] == nil {
		w.fills[i] = make([]float32, chainBlock)
	}
	to := w.fills[i][:rows*n]
	if !o.Middle || middle == 1 {
		if w.key[i] == start && w.keySize[i] >= rows*n && (!o.Inner || rows > 1) {
			return to
		}
		w.key[i], w.keySize[i] = start, rows*n
	}
	for r := range rows {
		line := to[r*n : (r+1)*n]
		switch {
		case o.Inner:
			copy(line, o.Data[start:])
		case o.Middle:
			fill(line, o.Data[start+r])
		default:
			fill(line, o.Data[start])
		}
	}
	return to
}

func fill(s []float32, v float32) {
	for i := range s {
		s[i] = v
	}
}

func (in *Instr) run(d []float32, args [][]float32) {
	a := args[in.Args[0]]
	if in.Op.arity() == 1 {
		in.Op.of(d, a)
		return
	}
	b := args[in.Args[1]]
	switch in.Op {
	case Add:
		vecAdd(d, a, b)
	case Sub:
		vecSub(d, a, b)
	case Mul:
		vecMul(d, a, b)
	case Div:
		vecDiv(d, a, b)
	case Max:
		vecMax(d, a, b)
	case Min:
		vecMin(d, a, b)
	case Greater:
		vecGreater(d, a, b)
	case GreaterEqual:
		vecGreaterEqual(d, a, b)
	case Less:
		vecLess(d, a, b)
	case LessEqual:
		vecLessEqual(d, a, b)
	case Equal:
		vecEqual(d, a, b)
	case NotEqual:
		vecNotEqual(d, a, b)
	case And:
		vecAnd(d, a, b)
	case Or:
		vecOr(d, a, b)
	case MulAdd:
		vecMulAdd(d, a, b, args[in.Args[2]])
	case Where:
		vecWhere(d, a, b, args[in.Args[2]])
	}
}

// of computes an operation on one operand.
func (o Op) of(d, a []float32) {
	switch o {
	case Not:
		vecNot(d, a)
	case Neg:
		vecNeg(d, a)
	case Abs:
		vecAbs(d, a)
	case Sqrt:
		vecSqrt(d, a)
	case Rsqrt:
		vecRsqrt(d, a)
	case Exp:
		vecExp(d, a)
	case Erf:
		vecErf(d, a)
	case Sigmoid:
		vecSigmoid(d, a)
	}
}
