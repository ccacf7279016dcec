// Command genasm writes avx512_amd64.s, depthwise_amd64.s and neon_arm64.s from the templates beside it: a
// processor's registers and the lines of an unrolled loop stand there once. go generate runs it in package kernels.
package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"log"
	"os"
	"slices"
	"text/template"
)

//go:embed avx512.s.tmpl
var avx512 string

//go:embed depthwise.s.tmpl
var depthwise string

//go:embed neon.s.tmpl
var neon string

// files are the texts by the names of the files.
var files = map[string]string{"avx512_amd64.s": avx512, "depthwise_amd64.s": depthwise, "neon_arm64.s": neon}

// pair is two neighbours of a sequence: of the first pair, 0 and 1.
type pair struct{ Index, A, B int }

// isa is a set of instructions with vectors of the registers V0, V1, ...
type isa struct {
	ISA, V           string
	Lanes, Four      int // values of a vector, and of four
	Bytes, FourBytes int
	Last             bool
}

// tile is what a kernel of AVX-512 computes at once: rows of pixels, in tiles of 6, by panels of 16 channels. Registers
// from Z0 on are the sums; those behind them have values of the kernel and of pixels.
type tile struct{ Rows, Panels int }

// Sums is the number of registers with sums.
func (t tile) Sums() int { return t.Rows * t.Panels }

// Sum is the register of a row and a panel, Kernel that of a channel of the kernel for a panel, of two channels, and
// Pixel that of a channel of the row.
func (t tile) Sum(row, panel int) int        { return row*t.Panels + panel }
func (t tile) Kernel(channel, panel int) int { return t.Sums() + channel*t.Panels + panel }
func (t tile) Pixel(channel int) int         { return t.Sums() + 2*t.Panels + channel }

// Frame is the size of the stack frame in bytes: the second sum, where that is aligned to 64 bytes, and words, of which
// a second tile of rows needs more. Part is where the second sum may begin.
func (t tile) Frame() int {
	if t.Rows > 6 {
		return 64*t.Sums() + 136
	}
	return 64*t.Sums() + 72
}
func (t tile) Part() int { return t.Frame() - 63 }

// args are the names of the arguments, of 8 bytes each.
func (t tile) args() []string {
	switch t {
	case tile{6, 2}:
		return []string{"a", "boff", "taps", "k", "b", "bstep", "c", "start", "relu"}
	case tile{12, 1}:
		return []string{"a", "a2", "boff", "taps", "k", "b", "c", "c2", "start", "relu"}
	}
	return []string{"a", "a2", "boff", "taps", "k", "b", "bstep", "c", "c2", "start", "relu"}
}

// Arg is where an argument is, and ArgBytes the size of all.
func (t tile) Arg(name string) string {
	return fmt.Sprintf("%s+%d(FP)", name, 8*slices.Index(t.args(), name))
}
func (t tile) ArgBytes() int { return 8 * len(t.args()) }

// Channels is the tile with the number of channels, 1 or 2, whose products a step adds.
func (t tile) Channels(n int) channels { return channels{t, n} }

type channels struct {
	Tile tile
	N    int
}

var functions = template.FuncMap{
	"tile": func(rows, panels int) tile { return tile{rows, panels} },
	"add":  func(a, b int) int { return a + b },
	"mul":  func(a, b int) int { return a * b },
	"rem":  func(a, b int) int { return a % b },
	// quad lists the registers of row i of a tile for NEON.
	"quad": func(i int) string { return fmt.Sprintf("V%d.S4, V%d.S4, V%d.S4, V%d.S4", 4*i, 4*i+1, 4*i+2, 4*i+3) },
	"upto": func(n int) []int {
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		return all
	},
	"pairs": func(n int) []pair {
		all := make([]pair, n/2)
		for i := range all {
			all[i] = pair{i, 2 * i, 2*i + 1}
		}
		return all
	},
	// off is the displacement of element i of the given size, which is not written if it is 0.
	"off": func(i, size int) string {
		if i == 0 {
			return ""
		}
		return fmt.Sprint(i * size)
	},
	// row is the register with the address of row i of a tile; that of the rows from 6 on is fetched from the frame.
	"row": func(i int) string {
		if i >= 6 {
			return "R9"
		}
		return [...]string{"R10", "R11", "R12", "R13", "R14", "AX"}[i]
	},
	"frame":     func(i int) string { return fmt.Sprintf("row%d-%d", i, 8*i-24) },
	"broadcast": func(i int) int { return 14 + i%2 },
	"isas": func() []isa {
		return []isa{{"AVX2", "Y", 8, 32, 32, 128, false}, {"AVX512", "Z", 16, 64, 64, 256, true}}
	},
}

func main() {
	for name, text := range files {
		out, err := generate(text)
		if err == nil {
			err = os.WriteFile(name, out, 0o644)
		}
		if err != nil {
			log.Fatalf("%s: %v", name, err)
		}
	}
}

func generate(text string) ([]byte, error) {
	t, err := template.New("").Funcs(functions).Parse(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, nil)
	return append(bytes.TrimRight(b.Bytes(), "\n"), '\n'), err
}
