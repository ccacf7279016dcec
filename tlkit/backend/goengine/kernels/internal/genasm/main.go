// Command genasm writes avx512_amd64.s, depthwise_amd64.s and neon_arm64.s from the templates beside it: a
// processor's registers and the lines of an unrolled loop stand there once. go generate runs it in package kernels.
package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"log"
	"os"
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

var functions = template.FuncMap{
	"add": func(a, b int) int { return a + b },
	"mul": func(a, b int) int { return a * b },
	"rem": func(a, b int) int { return a % b },
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
