package tlkit_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit"
)

// A model goes out of a notebook into a file, and into another Go program.
func ExampleLoadExported() {
	dir, err := os.MkdirTemp("", "export")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "shapes.onnx")
	// In the notebook; of a run: run.Best().Export(path).
	if err := tlkit.Export(tlkit.MustLoad("resnet20.shapes"), path); err != nil {
		panic(err)
	}

	// In the program.
	model, err := tlkit.LoadExported(path)
	if err != nil {
		panic(err)
	}
	image, err := datasets.MustLoad("shapes").Val.Image(0) // or vision.DecodeFile("picture.jpg")
	if err != nil {
		panic(err)
	}
	predictions, err := model.Predict(image, 1)
	if err != nil {
		panic(err)
	}
	fmt.Println(predictions[0].Class)
	// Output: arrow
}
