// Package track sends the figures of trainings to programs that show many of them: TensorBoard, which reads event
// files, and MLflow, which has a REST API. Both are opt-in:
//
//	trackers := []tlkit.Tracker{tlkit.TensorBoard("logs"), tlkit.MLflow(tlkit.MLflowOptions{})}
//	recipe := tlkit.Recipe{Epochs: 10, Track: trackers}
//	run.Track(ctx, tlkit.TensorBoard("logs")) // a run that was trained before
//
// Each strategy, with each of its seeds, is a run there, with the same names of figures in both: loss/train,
// loss/val, accuracy/train, accuracy/val, learning_rate, seconds, images_per_second, and accuracy/NAME of
// further tasks, by epoch.
package track

import (
	"fmt"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// figure is a figure of an epoch by its name.
type figure struct {
	name  string
	value float64
}

// figures lists the figures of an epoch.
func figures(e train.Epoch, also []string) []figure {
	all := []figure{{"loss/train", e.TrainLoss}, {"loss/val", e.ValLoss}, {"accuracy/train", e.TrainAccuracy}, {"accuracy/val", e.ValAccuracy},
		{"learning_rate", e.LearningRate}, {"seconds", e.Seconds}, {"images_per_second", e.ImagesPerSecond}}
	for _, name := range also {
		if v, ok := e.Also[name]; ok {
			all = append(all, figure{"accuracy/" + name, v})
		}
	}
	return all
}

// label names a result among those of its run, and stays the same if seeds are added later.
func label(run *train.Run, r *train.Result) string {
	if r.Seed != run.Config.Recipe.Seed {
		return fmt.Sprintf("%s-seed%d", r.Strategy, r.Seed)
	}
	return r.Strategy
}
