package main

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/kernel"
)

//go:embed client.py
var client string

// testCase is one comparison, with Jupyter's names of the kernels as keys.
type testCase struct {
	Name  string            `json:"name"`
	Setup map[string]string `json:"setup"`
	Cell  map[string]string `json:"cell"`
}

// both returns the same cell for both kernels.
func both(code string) map[string]string {
	return map[string]string{kernel.KernelName: code, kernel.GonbKernelName: code}
}

const imports = `import (
	"github.com/tlkit-go/tlkit-notebooks/tlkit"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)
`

const graphImports = `import (
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)
`

func cases(model string, batch int) []testCase {
	load := fmt.Sprintf("model := tlkit.MustLoad(%q)\n", model)
	ready := fmt.Sprintf(`engine, err := backend.Default()
if err != nil {
	panic(err)
}
stepper, err := train.Recipe{BatchSize: %d}.NewStepper(engine.Backend, model, tlkit.FineTune{})
if err != nil {
	panic(err)
}
`, batch)
	const steps = `for range 3 {
	if _, err := stepper.Step(); err != nil {
		panic(err)
	}
}
`
	return []testCase{
		{"hello", nil, both("%%\nfmt.Println(\"hello\", ROUND)\n")},
		{"small GoMLX graph", nil, both(graphImports + "%%\nsmall, err := gobackend.New(\"\")\nif err != nil {\n\tpanic(err)\n}\n" +
			"exec := graph.MustNewExec(small, func(x *graph.Node) *graph.Node { return graph.MulScalar(x, 2) })\nfmt.Println(exec.MustExec(tensors.FromValue([]float32{1, 2, 3}))[0].Value(), ROUND)\n")},
		{"load a model", nil, both(imports + "%%\n" + load + "fmt.Println(len(model.Classes), ROUND)\n")},
		{"three training steps", map[string]string{kernel.KernelName: imports + "%%\n" + load + ready + steps},
			map[string]string{kernel.KernelName: "%%\n" + steps + "fmt.Println(\"done\", ROUND)\n", kernel.GonbKernelName: imports + "%%\n" + load + ready + steps + "fmt.Println(\"done\", ROUND)\n"}},
	}
}

// result is one line of the output.
type result struct {
	Case   string  `json:"case"`
	Mode   string  `json:"mode"`
	Rounds int     `json:"rounds"`
	Live   float64 `json:"live_s"`
	GoNB   float64 `json:"gonb_s"`
	Ratio  float64 `json:"ratio"`
}

func main() {
	rounds := flag.Int("rounds", 10, "how often each cell is timed")
	model := flag.String("model", "resnet20.shapes", "the model to load, as for tlkit.Load")
	batch := flag.Int("batch", 32, "images per training step")
	only := flag.String("only", "", "time only cases whose name contains this")
	timeout := flag.Int("timeout", 600, "seconds that one cell may take")
	flag.Parse()
	if err := run(*rounds, *model, *batch, *timeout, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench/kernel:", err)
		os.Exit(1)
	}
}

func run(rounds int, model string, batch, timeout int, only string) error {
	p, err := kernel.DefaultPrefix()
	if err != nil {
		return err
	}
	m, err := kernel.ReadManifest(p)
	if err != nil {
		return err
	}
	all := slices.DeleteFunc(cases(model, batch), func(c testCase) bool { return !strings.Contains(c.Name, only) })
	for i := range all {
		if all[i].Setup == nil {
			all[i].Setup = map[string]string{}
		}
	}
	job, err := json.Marshal(map[string]any{"kernels": []string{kernel.GonbKernelName, kernel.KernelName}, "rounds": rounds, "timeout": timeout, "cases": all})
	if err != nil {
		return err
	}
	cmd := exec.Command(m.Venv+"/bin/python", "-c", client)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(job), os.Stderr
	cmd.Env = append(os.Environ(), "JUPYTER_PATH="+string(p)+"/jupyter")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	type key struct{ name, mode string }
	times := map[key]map[string][]float64{}
	var order []key
	for sc := bufio.NewScanner(out); sc.Scan(); {
		var line struct {
			Kernel, Case, Mode string
			Seconds            float64
		}
		if err := json.Unmarshal([]byte(strings.TrimSpace(sc.Text())), &line); err != nil {
			return fmt.Errorf("the client said %q: %w", sc.Text(), err)
		}
		k := key{line.Case, line.Mode}
		if times[k] == nil {
			times[k] = map[string][]float64{}
			order = append(order, k)
		}
		times[k][line.Kernel] = append(times[k][line.Kernel], line.Seconds)
	}
	waited := cmd.Wait()
	enc := json.NewEncoder(os.Stdout)
	for _, k := range order {
		live, gonb := numbers.Median(times[k][kernel.KernelName]), numbers.Median(times[k][kernel.GonbKernelName])
		if err := enc.Encode(result{k.name, k.mode, len(times[k][kernel.KernelName]), live, gonb, live / gonb}); err != nil {
			return err
		}
	}
	return waited
}
