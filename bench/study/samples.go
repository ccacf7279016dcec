package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// samples is the sample-size study on the built-in pair, where the domains are far apart and the network is small.
func samples(ctx context.Context, e env) error {
	sketches, m, err := builtIn()
	if err != nil {
		return err
	}
	sketches.Val = sketches.Val.FirstPerClass(20) // they are evaluated after every epoch
	r := e.recipe(train.Recipe{Epochs: 40, Schedule: train.Schedule{Cosine: true}})
	s, err := r.SampleSizes(ctx, "samples-sketches", sketches, m, []int{5, 10, 20, 0},
		strategy.LogisticRegression{}, strategy.Transfer{}, strategy.FineTune{}, strategy.Scratch{})
	if err != nil {
		return err
	}
	return e.sampled(s, "samples-sketches.svg")
}

// samplesAnts is the sample-size study on hymenoptera with MobileNetV1 x0.25 of ImageNet, whose thousand classes
// include an ant and a bee.
func samplesAnts(ctx context.Context, e env) error {
	ants, m, err := e.ants()
	if err != nil {
		return err
	}
	r := e.recipe(train.Recipe{Epochs: 15, BatchSize: 16, Schedule: train.Schedule{Cosine: true, Warmup: 1}})
	s, err := r.SampleSizes(ctx, "samples-ants", ants, m, []int{5, 10, 20, 50, 0},
		strategy.LogisticRegression{}, strategy.Transfer{}, strategy.FineTune{}, strategy.Scratch{})
	if err != nil {
		return err
	}
	return e.sampled(s, "samples-ants.svg")
}

// sampled writes a sample-size study as a table, and its chart as a file.
func (e env) sampled(s *train.Samples, chart string) error {
	var rows [][]string
	for i, n := range s.Sizes {
		row := []string{fmt.Sprint(n)}
		for j := range s.Strategies {
			row = append(row, band(s.Accuracy[j][i]))
		}
		rows = append(rows, row)
	}
	markdown(e.table, fmt.Sprintf("%s on %s: accuracy on %d validation images after the last epoch, %d seeds: mean ± standard deviation (extremes)", s.Model, s.Data, s.Val, e.seeds),
		append([]string{"images per class"}, s.Strategies...), rows)
	path := filepath.Join(e.out, chart)
	fmt.Fprintf(e.table, "\n%s\nChart: %s\n", strings.TrimSpace(s.Verdict()), path)
	return charts(s, path)
}

// charts writes the chart of a study in English, and in Japanese with "-ja" in the file's name.
func charts(s *train.Samples, path string) error {
	before, set := os.LookupEnv(plots.LanguageEnv)
	defer func() {
		os.Unsetenv(plots.LanguageEnv)
		if set {
			os.Setenv(plots.LanguageEnv, before)
		}
	}()
	base, ext := strings.TrimSuffix(path, filepath.Ext(path)), filepath.Ext(path)
	for language, name := range map[string]string{"en": base + ext, "ja": base + "-ja" + ext} {
		if err := os.Setenv(plots.LanguageEnv, language); err != nil {
			return err
		}
		if err := plots.Save(s.Figure(), name); err != nil {
			return err
		}
	}
	return nil
}
