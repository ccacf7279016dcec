package strategy

import (
	"fmt"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// This file is shared by the strategies with a warm-up, that is a first phase in which the new head is trained alone.

// warmUp returns the number of epochs, of so many in all, in which the new head is first trained alone: for 0, a fifth
// of all, rounded up; none for a negative number, or if there is only one epoch.
func warmUp(epochs, all int) int {
	switch {
	case epochs < 0 || all < 2:
		return 0
	case epochs == 0:
		return (all + 4) / 5
	}
	return epochs
}

// headFirst returns the phases of a training with a warm-up of the given number of epochs; nil without a warm-up.
func headFirst(m *zoo.Model, epochs int, rate float64) []train.Phase {
	if epochs < 1 {
		return nil
	}
	return []train.Phase{headAlone(m, epochs, rate), {}}
}

// headAlone returns a phase of the new output layer alone, at a rate of its own.
func headAlone(m *zoo.Model, epochs int, rate float64) train.Phase {
	return train.Phase{Epochs: epochs, Trains: m.InHead, LearningRate: rate, Rate: func(nn.Param) float64 { return 1 }}
}

// checkWarmupRate returns an error for a rate of a warm-up that there is not.
func checkWarmupRate(name string, epochs int, rate float64) error {
	if epochs < 0 && rate != 0 {
		return fmt.Errorf("tlkit: %s.WarmupRate is %g, but without a warm-up (Warmup is %d) it has no effect; give a Warmup, or leave WarmupRate out", name, rate, epochs)
	}
	return nil
}
