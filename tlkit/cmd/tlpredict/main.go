// Command tlpredict classifies images with a model that a notebook exported (tlkit.Export, run.Best().Export). It is an
// example of a program outside a notebook.
//
//	go run ./tlkit/cmd/tlpredict ants.onnx bee.jpg ant.png
//	go run ./tlkit/cmd/tlpredict -json -top 1 ants.safetensors *.jpg
//
// MODEL is a .pth, .safetensors or .onnx file. The command prints the most probable classes of each image; with -json
// one object per image: {"image": ..., "predictions": [{"class": ..., "index": ..., "probability": ...}]}, with
// "uncertain": true below the threshold of a calibrated model. An image
// that can't be read is reported, and the others are classified all the same. The exit code is 1 if anything failed, 2
// on misuse.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/tlkit-go/tlkit-notebooks/internal/toolargs"
	"github.com/tlkit-go/tlkit-notebooks/tlkit"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// result is the object that -json prints for an image.
type result struct {
	Image       string       `json:"image"`
	Predictions []prediction `json:"predictions,omitempty"`
	Error       string       `json:"error,omitempty"`
}

type prediction struct {
	Class       string  `json:"class"`
	Index       int     `json:"index"`
	Probability float64 `json:"probability"`
	Uncertain   bool    `json:"uncertain,omitempty"`
}

func run(args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("tlpredict", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		fmt.Fprintln(stderr, "usage: tlpredict [-json] [-top N] MODEL IMAGE...\nMODEL is an exported .pth, .safetensors or .onnx file.")
		fs.PrintDefaults()
	}
	top := fs.Int("top", 5, "number of classes to print")
	asJSON := fs.Bool("json", false, "print one JSON object per image")
	if err := toolargs.Interleaved(fs, args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if fs.NArg() < 2 || *top < 1 {
		fs.Usage()
		return 2
	}
	model, err := tlkit.LoadExported(fs.Arg(0))
	if err != nil {
		fmt.Fprintln(stderr, "tlpredict:", err)
		return 1
	}
	code := 0
	enc := json.NewEncoder(stdout)
	for _, path := range fs.Args()[1:] {
		r := result{Image: path}
		found, err := model.PredictFile(path, *top)
		if err != nil {
			code = 1
			r.Error = err.Error()
			if !*asJSON {
				fmt.Fprintf(stderr, "tlpredict: %s: %v\n", path, err)
				continue
			}
		}
		for _, p := range found {
			r.Predictions = append(r.Predictions, prediction(p))
		}
		if *asJSON {
			err = enc.Encode(r)
		} else {
			_, err = fmt.Fprintf(stdout, "%s\n", path)
			for _, p := range found {
				if err == nil {
					_, err = fmt.Fprintf(stdout, "  %6.2f%%  %s%s\n", 100*p.Probability, p.Class, map[bool]string{true: "  (uncertain)"}[p.Uncertain])
				}
			}
		}
		if err != nil {
			fmt.Fprintln(stderr, "tlpredict:", err)
			return 1
		}
	}
	return code
}
