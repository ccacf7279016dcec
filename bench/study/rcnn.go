package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/detect"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// rcnn is R-CNN's comparison (Girshick et al. 2014, table 2) on a small scale: it finds objects in synthetic scenes of
// sketches with the embedded ResNet-20 of the shapes, whose features are either frozen or fine-tuned on warped regions.
func rcnn(ctx context.Context, e env) error {
	sketches, m, err := builtIn()
	if err != nil {
		return err
	}
	scenes := map[string][]detect.Scene{}
	for i, s := range []struct {
		name  string
		split *datasets.Split
		n     int
	}{{"train", sketches.Train, 60}, {"val", sketches.Val.FirstPerClass(30), 15}, {"test", part(sketches.Val, 30, 60), 40}} {
		if scenes[s.name], err = detect.Scenes(s.split, s.n, detect.SceneOptions{Seed: uint64(i + 1)}); err != nil {
			return err
		}
	}
	opts := detect.RegionOptions{Positives: 8}
	regions, err := detect.Regions(sketches.Classes, scenes["train"], scenes["val"], opts)
	if err != nil {
		return err
	}
	r := e.recipe(train.Recipe{Epochs: 12, Schedule: train.Schedule{Cosine: true}, Restore: train.RestoreLast})
	run, err := r.Compare(ctx, "rcnn", regions, m, strategy.LogisticRegression{}, strategy.FineTune{From: "layer3"}, strategy.FineTune{Label: "finetune-all"})
	if err != nil {
		return err
	}
	var rows [][]string
	for _, res := range run.Results {
		var all, eleven []float64
		for _, one := range res.Seeds() {
			if one.Strategy == "logistic" && one != res {
				continue // has no seed
			}
			model, err := one.Model()
			if err != nil {
				return err
			}
			report, err := detect.Detector{Model: model, Regions: opts}.Evaluate(scenes["test"])
			if err != nil {
				return err
			}
			all, eleven = append(all, report.MeanAllPoint), append(eleven, report.MeanElevenPoint)
			if one == res {
				path := filepath.Join(e.out, "rcnn-"+res.Strategy+".png")
				if err := plots.Save(report.Figure(scenes["test"], 0, 8, 0.5), path); err != nil {
					return err
				}
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		rows = append(rows, []string{res.Strategy, band(all), band(eleven), band(lasts(res))})
	}
	markdown(e.table, fmt.Sprintf("R-CNN in small: mean average precision at IoU 0.5 on %d scenes (proposals reach %.3f of their objects), %d training regions of %d scenes, %d seeds: mean ± standard deviation (extremes)",
		len(scenes["test"]), detect.Recall(scenes["test"], opts.Proposals), regions.Train.Len(), len(scenes["train"]), e.seeds),
		[]string{"features", "mAP", "mAP, 11 points", "accuracy on regions"}, rows)
	return nil
}
