package zoo_test

import (
	"fmt"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// List selects models by family, name and size.
func ExampleList() {
	for _, name := range zoo.List(zoo.Filter{Family: "squeezenet"}) {
		fmt.Println(name)
	}
	// Output:
	// squeezenet1_0
	// squeezenet1_1
}

// Info tells what is known of a model before anything is downloaded.
func ExampleInfo() {
	spec, err := zoo.Info("resnet18")
	if err != nil {
		panic(err)
	}
	set, err := spec.WeightSet("")
	if err != nil {
		panic(err)
	}
	fmt.Println(set.Name, set.Params, "parameters,", set.Top1, "% top-1, images of", set.Preprocess.Crop, "pixels")
	// Output:
	// IMAGENET1K_V1 11689512 parameters, 69.758 % top-1, images of 224 pixels
}

// Freeze keeps the layers up to a stage as they are; the head of a new task is trained.
func ExampleModel_Freeze() {
	m, err := zoo.Load("resnet20.shapes")
	if err != nil {
		panic(err)
	}
	if err := m.ReplaceHead([]string{"ant", "bee"}, 0); err != nil {
		panic(err)
	}
	stages := m.Stages()
	if err := m.Freeze(stages[len(stages)-1]); err != nil {
		panic(err)
	}
	total, trainable := m.NumParams()
	fmt.Println(stages)
	fmt.Println(total, trainable)
	// Output:
	// [stem layer1 layer2 layer3 avgpool]
	// 269202 130
}
