// Command pretrain makes the weights that are embedded in the zoo: ResNet-20 trained on the built-in data set "shapes",
// from random values, by tlkit itself. Run it in the top folder of the repository:
//
//	GOEXPERIMENT=simd go run ./bench/pretrain
//
// It takes a quarter of an hour on two cores, can be interrupted and started again, writes
// tlkit/zoo/embedded/resnet20-shapes.safetensors and prints the accuracy on the 1,024 validation images. Values differ
// in the last digits from one engine to the next (sums in another order), so the accuracy is reproduced to within about
// a point, not to the bit.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

func main() {
	out := flag.String("out", "tlkit/zoo/embedded/resnet20-shapes.safetensors", "file to write")
	dir := flag.String("runs", "", "folder for the run that is resumed (default runs)")
	epochs := flag.Int("epochs", 14, "passes over the 5,120 training images")
	flag.Parse()
	if err := pretrain(*out, *dir, *epochs); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func pretrain(out, dir string, epochs int) error {
	fmt.Fprintln(os.Stderr, backend.Describe())
	shapes, err := datasets.Load("shapes")
	if err != nil {
		return err
	}
	spec, err := zoo.Info("resnet20")
	if err != nil {
		return err
	}
	start, err := zoo.New(spec, shapes.Classes, 0)
	if err != nil {
		return err
	}
	// The recipe of He et al. 2015 (arXiv 1512.03385, section 4.2) with a cosine learning-rate schedule, which needs
	// far fewer epochs.
	recipe := train.Recipe{Epochs: epochs, BatchSize: 64, WeightDecay: 1e-4, Dir: dir,
		Schedule: train.Schedule{Cosine: true, Warmup: 0.5}, Augment: vision.Augment{Pad: 3, HorizontalFlip: 0.5}}
	run, err := recipe.Compare(context.Background(), "pretrain-resnet20-shapes", shapes, start, strategy.Scratch{LearningRate: 0.1})
	if err != nil {
		return err
	}
	model, err := run.Results[0].Model()
	if err != nil {
		return err
	}
	entries, err := model.StateDict()
	if err != nil {
		return err
	}
	best, _ := run.Results[0].Best()
	metadata := map[string]string{"model": spec.Name, "data": "shapes", "accuracy": fmt.Sprintf("%.4f", best.ValAccuracy)}
	if err := weights.WriteSafetensors(out, entries, metadata); err != nil {
		return err
	}
	fmt.Printf("wrote %s: accuracy %.4f on %d validation images (epoch %d of %d)\n",
		out, best.ValAccuracy, shapes.Val.Len(), best.Epoch, epochs)
	return nil
}
