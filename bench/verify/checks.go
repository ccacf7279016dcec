package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/infolder"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo/zootest"
)

// knownChecks returns the checks of the known figures for the files of the shared folder. Their sources:
// golden/cifar.json and golden/hymenoptera_mobilenet_v1_025.json (PyTorch on the same files), and the peer's recipes.
func knownChecks(shared string) []check {
	data := func(name string) string { return filepath.Join(shared, "data", name) }
	cifar := data("cifar10_jpg.zip")
	ants := data("hymenoptera_data.zip")
	mobile := data("mobilenetV1X0.25_pretrain.tar")
	resnet20 := data("resnet20-12fca82f.th")
	checks := []check{
		{"golden", "logits of all golden files whose model the zoo has", func(report func(outcome)) error {
			return checkGolden(filepath.Join(shared, "golden", "torchvision"), report)
		}},
		{"cifar-resnet20", "accuracy of published weights, 10,000 JPEGs", func(report func(outcome)) error {
			return checkAccuracy("cifar-resnet20", "resnet20", resnet20, cifar, 0.8103, report)
		}},
		{"cifar-resnet32", "accuracy of published weights, 10,000 JPEGs", func(report func(outcome)) error {
			return checkAccuracy("cifar-resnet32", "resnet32", data("resnet32-d509ac18.th"), cifar, 0.8256, report)
		}},
		{"imagenet-mobilenet", "ImageNet weights on the hymenoptera validation images", func(report func(outcome)) error {
			return checkImageNet(mobile, ants, report)
		}},
	}
	for _, c := range []struct {
		strategy string
		least    float64
	}{{"transfer", 0.86}, {"finetune", 0.87}, {"scratch", 0}} {
		checks = append(checks, check{"hymenoptera-" + c.strategy, "PyTorch's tutorial recipe, 25 epochs, mean of 3 seeds", func(report func(outcome)) error {
			return checkHymenoptera(mobile, ants, c.strategy, 3, c.least, report)
		}})
	}
	for _, strategy := range []string{"transfer", "finetune"} {
		checks = append(checks, check{"cifar-" + strategy, "JPEG-shifted CIFAR-10, 200 images per class, 5 epochs", func(report func(outcome)) error {
			return checkCIFARTraining(resnet20, cifar, strategy, 0.82, report)
		}})
	}
	return checks
}

// strategies holds the strategies of the hymenoptera checks, at the learning rate of PyTorch's tutorial.
var strategies = map[string]train.Strategy{
	"transfer": strategy.Transfer{LearningRate: 1e-3},
	"finetune": strategy.FineTune{LearningRate: 1e-3},
	"scratch":  strategy.Scratch{LearningRate: 1e-3},
}

// custom builds a user's check from "cifar", "golden" or "hymenoptera" with flags; it returns nil for other args.
func custom(args []string) (*check, error) {
	fs := flag.NewFlagSet("verify "+args[0], flag.ContinueOnError)
	parse := func() error {
		if err := fs.Parse(args[1:]); err != nil {
			return err
		}
		if fs.NArg() > 0 {
			return fmt.Errorf("%s takes flags only, got %q", args[0], fs.Args())
		}
		return nil
	}
	switch args[0] {
	case "golden":
		dir := fs.String("dir", "", "folder of golden JSON files")
		if err := parse(); err != nil {
			return nil, err
		}
		if *dir == "" {
			return nil, errors.New("golden needs --dir DIR")
		}
		return &check{"golden", "", func(report func(outcome)) error { return checkGolden(*dir, report) }}, nil
	case "cifar":
		arch := fs.String("arch", "resnet20", "model of the zoo")
		file := fs.String("weights", "", "weight file")
		data := fs.String("data", "", "zip or folder in ImageFolder layout with test images")
		expect := fs.Float64("expect", 0, "expected accuracy, 0 to 1")
		if err := parse(); err != nil {
			return nil, err
		}
		if *file == "" || *data == "" {
			return nil, errors.New("cifar needs --weights FILE and --data ZIP")
		}
		return &check{"cifar", "", func(report func(outcome)) error {
			return checkAccuracy("cifar-"+*arch, *arch, *file, *data, *expect, report)
		}}, nil
	case "hymenoptera":
		file := fs.String("weights", "", "weight file of mobilenet_v1_025")
		data := fs.String("data", "", "zip or folder in ImageFolder layout")
		strategy := fs.String("strategy", "transfer", "transfer, finetune or scratch")
		seeds := fs.Int("seeds", 3, "number of seeds")
		expect := fs.Float64("expect", 0, "least mean accuracy, 0 to 1")
		if err := parse(); err != nil {
			return nil, err
		}
		if *file == "" || *data == "" || *seeds < 1 {
			return nil, errors.New("hymenoptera needs --weights FILE, --data ZIP and at least one seed")
		}
		if strategies[*strategy] == nil {
			return nil, fmt.Errorf("no strategy %q; there are transfer, finetune and scratch", *strategy)
		}
		return &check{"hymenoptera", "", func(report func(outcome)) error {
			return checkHymenoptera(*file, *data, *strategy, *seeds, *expect, report)
		}}, nil
	}
	return nil, nil
}

func checkGolden(dir string, report func(outcome)) error {
	files, err := infolder.Glob(dir, "*.json")
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no golden files (*.json) in %q", dir)
	}
	engine, err := backend.Default()
	if err != nil {
		return err
	}
	for _, path := range files {
		f, err := zootest.Read(path)
		if err != nil {
			return err
		}
		var unknown *zoo.UnknownModelError
		if _, err := zoo.Info(f.Model); errors.As(err, &unknown) {
			fmt.Fprintf(os.Stderr, "verify: the zoo has no %s yet\n", f.Model)
			continue
		}
		r, err := f.Compare(engine.Backend)
		if err != nil {
			report(outcome{Check: "golden/" + f.Model, Error: err.Error()})
			continue
		}
		o := atMost("golden/"+f.Model, r.Error, r.Tolerance)
		o.OK = o.OK && r.Argmax == f.Argmax
		report(o)
	}
	return nil
}

// testImages returns the images to measure accuracy on: the test split, or the validation split.
func testImages(ds *datasets.Dataset) *datasets.Split {
	if ds.Test != nil {
		return ds.Test
	}
	return ds.Val
}

// logits runs the model over a split in batches and calls use for each image.
func logits(m *zoo.Model, split *datasets.Split, use func(i int, logits []float32)) error {
	const batch = 64
	for from := 0; from < split.Len(); from += batch {
		var images []*vision.Image
		for i := from; i < min(from+batch, split.Len()); i++ {
			image, err := split.Image(i)
			if err != nil {
				return err
			}
			images = append(images, image)
		}
		out, err := m.Logits(images)
		if err != nil {
			return err
		}
		for k, l := range out {
			use(from+k, l)
		}
	}
	return nil
}

func checkAccuracy(name, arch, file, data string, expect float64, report func(outcome)) error {
	ds, err := datasets.ImageFolder(data, datasets.Options{SkipCheck: true, ValFraction: -1})
	if err != nil {
		return err
	}
	m, err := zoo.Load(arch, zoo.LoadOptions{Weights: file})
	if err != nil {
		return err
	}
	split := testImages(ds)
	if split == nil {
		return fmt.Errorf("%s has no test or validation images", data)
	}
	hits := 0
	err = logits(m, split, func(i int, l []float32) {
		if numbers.Argmax(l) == split.Label(i) {
			hits++
		}
	})
	if err != nil {
		return err
	}
	o := near(name, float64(hits)/float64(split.Len()), expect, 0.002)
	o.Note = fmt.Sprintf("%d of %d images", hits, split.Len())
	report(o)
	return nil
}

// checkImageNet counts top-1 and top-5 hits of ImageNet weights on ants (class 310) and bees (309).
func checkImageNet(file, data string, report func(outcome)) error {
	ds, err := datasets.ImageFolder(data)
	if err != nil {
		return err
	}
	m, err := zoo.Load("mobilenet_v1_025", zoo.LoadOptions{Weights: file})
	if err != nil {
		return err
	}
	target := map[string]int{"ants": 310, "bees": 309}
	top1, top5 := 0, 0
	err = logits(m, ds.Val, func(i int, l []float32) {
		want := target[ds.Classes[ds.Val.Label(i)]]
		above := 0
		for _, v := range l {
			if v > l[want] {
				above++
			}
		}
		if above == 0 {
			top1++
		}
		if above < 5 {
			top5++
		}
	})
	if err != nil {
		return err
	}
	report(near("imagenet-mobilenet/top1", float64(top1), 65, 2))
	report(near("imagenet-mobilenet/top5", float64(top5), 110, 2))
	return nil
}

// checkHymenoptera trains with the recipe of PyTorch's transfer-learning tutorial and averages the final accuracy over
// seeds.
func checkHymenoptera(file, data, strategy string, seeds int, least float64, report func(outcome)) error {
	ds, err := datasets.ImageFolder(data)
	if err != nil {
		return err
	}
	m, err := zoo.Load("mobilenet_v1_025", zoo.LoadOptions{Weights: file})
	if err != nil {
		return err
	}
	o, err := trainSeeds("hymenoptera-"+strategy, seeds, least, ds, m, strategies[strategy], train.Recipe{
		Epochs: 25, BatchSize: 4, Schedule: train.Schedule{StepEvery: 7}, Augment: vision.StandardAugment(),
	})
	if err == nil {
		report(o)
	}
	return err
}

// checkCIFARTraining adapts CIFAR-10 weights to JPEG-compressed images and measures the accuracy on all test images.
func checkCIFARTraining(file, data, name string, least float64, report func(outcome)) error {
	ds, err := datasets.ImageFolder(data, datasets.Options{SkipCheck: true, ValFraction: -1, PerClass: 200})
	if err != nil {
		return err
	}
	m, err := zoo.Load("resnet20", zoo.LoadOptions{Weights: file})
	if err != nil {
		return err
	}
	var s train.Strategy = strategy.Transfer{LearningRate: 0.01}
	if name == "finetune" {
		s = strategy.FineTune{LearningRate: 0.01}
	}
	o, err := trainSeeds("cifar-"+name, 1, least, ds, m, s, train.Recipe{Epochs: 5, BatchSize: 32})
	if err == nil {
		report(o)
	}
	return err
}

// trainSeeds returns the mean of the last epoch's accuracy over seeds 0, 1, ...
func trainSeeds(name string, seeds int, least float64, ds *datasets.Dataset, m *zoo.Model, s train.Strategy, r train.Recipe) (outcome, error) {
	dir, err := os.MkdirTemp("", "verify")
	if err != nil {
		return outcome{}, err
	}
	defer os.RemoveAll(dir)
	r.Dir, r.Quiet = dir, os.Getenv("VERIFY_PROGRESS") == ""
	var values []float64
	var best []string
	sum, squares := 0.0, 0.0
	for seed := range seeds {
		r.Seed = uint64(seed)
		run, err := r.Compare(context.Background(), fmt.Sprintf("seed%d", seed), ds, m, s)
		if err != nil {
			return outcome{}, err
		}
		last, _ := run.Results[0].Last()
		top, _ := run.Results[0].Best()
		best = append(best, fmt.Sprintf("%.3f", top.ValAccuracy))
		values = append(values, last.ValAccuracy)
		sum += last.ValAccuracy
		squares += last.ValAccuracy * last.ValAccuracy
	}
	n := float64(seeds)
	o := atLeast(name, sum/n, least)
	o.Values = values
	o.Note = fmt.Sprintf("final accuracy, standard deviation %.4f; best epochs %s",
		math.Sqrt(math.Max(0, squares/n-sum*sum/n/n)), strings.Join(best, " "))
	return o, nil
}
