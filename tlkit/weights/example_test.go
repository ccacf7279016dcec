package weights_test

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

func ExampleOpen() {
	sd, err := weights.Open(filepath.Join("testdata", "checkpoint.legacy.pth"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sd.Close()
	fmt.Println("epoch", sd.Metadata["epoch"])
	for _, key := range sd.Keys()[:2] {
		t, _ := sd.Get(key)
		values, err := t.Float32()
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(key, t.Shape, values[:3])
	}
	// Output:
	// epoch 18
	// 0.weight [3 2 3 3] [0 0.5 1]
	// 0.bias [3] [0 0.5 1]
}

func ExampleMatch() {
	sd, err := weights.Open(filepath.Join("testdata", "checkpoint.legacy.pth"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sd.Close()
	sd.Source = "checkpoint.pth"
	err = weights.Match([]weights.Spec{{Key: "0.weight", Shape: []int{3, 2, 3, 3}}, {Key: "2.weight", Shape: []int{10, 3}}}, sd)
	fmt.Println(strings.ReplaceAll(err.Error(), "; ", "\n"))
	// Output:
	// weights: checkpoint.pth: the state dict does not fit the model (1 keys do)
	// 6 unexpected: 0.bias, 1.weight, 1.bias, 1.running_mean, 1.running_var, 2.bias
	// 1 of another shape: 2.weight (model [10 3], file [2 3])
}
