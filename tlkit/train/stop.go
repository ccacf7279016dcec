package train

import (
	"fmt"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// EarlyStop ends a training that no longer improves (Prechelt 1998, "Early stopping - but when?"). The zero value is
// off. It counts the epochs of a strategy's last phase alone: those before, such as the epochs of a new output layer
// under frozen layers, take their whole length, since a training that ended there would be another strategy.
type EarlyStop struct {
	// Patience is the number of epochs in a row without improvement after which training ends; 0: off.
	Patience int `json:"patience,omitempty"`
	// OnAccuracy watches the validation accuracy instead of the validation loss, the default, which changes in finer
	// steps.
	OnAccuracy bool `json:"on_accuracy,omitempty"`
	// MinDelta is the improvement that an epoch must exceed to count, in the unit of the watched figure.
	MinDelta float64 `json:"min_delta,omitempty"`
}

// reached reports whether the training ends after the given epochs. It depends on nothing else, so that a resumed run
// stops where an uninterrupted one does.
func (s EarlyStop) reached(history []Epoch) bool {
	if s.Patience <= 0 {
		return false
	}
	best, since := 0.0, 0
	for i, e := range history {
		score := -e.ValLoss
		if s.OnAccuracy {
			score = e.ValAccuracy
		}
		if i == 0 || score > best+s.MinDelta {
			best, since = score, 0
		} else if since++; since >= s.Patience {
			return true
		}
	}
	return false
}

// stops reports whether the recipe's EarlyStop ends the training after the epochs so far.
func (r *Result) stops(recipe Recipe) bool {
	return recipe.EarlyStop.reached(r.History[min(len(r.History), max(0, r.LastPhase-1)):])
}

// findLastPhase sets LastPhase of a training that EarlyStop ended when that counted the epochs of all phases: from the
// plan of its strategy, if the model can be planned.
func (r *Result) findLastPhase(recipe Recipe, s Strategy, pretrained *zoo.Model, ds *datasets.Dataset) {
	if r.LastPhase > 0 || r.Diverged != nil || len(r.History) >= recipe.Epochs || !r.complete(recipe) {
		return
	}
	m, err := start(pretrained)
	if err != nil {
		return
	}
	if plan, err := planned(s, m, Task{Classes: ds.Classes, Data: ds, Seed: r.Seed, Recipe: recipe}); err == nil {
		r.LastPhase = plan.lastPhase()
	}
}

func (s EarlyStop) check() error {
	if s.Patience < 0 || !numbers.Finite(s.MinDelta) || s.MinDelta < 0 {
		return fmt.Errorf("tlkit: Recipe.EarlyStop is %+v; expected a Patience of some epochs, such as 5 (0: off), and a MinDelta that is not negative", s)
	}
	return nil
}

// Restore selects the epoch whose weights and predictions a result has in the end.
type Restore string

const (
	// RestoreBest, the default, keeps the epoch of the highest validation accuracy; among equals, the one of the lowest
	// loss.
	RestoreBest Restore = ""
	// RestoreLowestLoss keeps the epoch of the lowest validation loss.
	RestoreLowestLoss Restore = "lowest_loss"
	// RestoreLast keeps the last epoch. No epoch is chosen by the validation images, so that their accuracy is not
	// biased upwards.
	RestoreLast Restore = "last"
)

func (r Restore) check() error {
	switch r {
	case RestoreBest, RestoreLowestLoss, RestoreLast:
		return nil
	}
	return fmt.Errorf("tlkit: Recipe.Restore is %q; there are %q (the highest accuracy), %q and %q", r, RestoreBest, RestoreLowestLoss, RestoreLast)
}

// of returns the index of the epoch that is kept; -1 if there is none.
func (r Restore) of(history []Epoch) int {
	best := -1
	for i, e := range history {
		better := true
		if best >= 0 {
			b := history[best]
			switch r {
			case RestoreLowestLoss:
				better = e.ValLoss < b.ValLoss
			case RestoreBest:
				better = e.ValAccuracy > b.ValAccuracy || (e.ValAccuracy == b.ValAccuracy && e.ValLoss < b.ValLoss)
			}
		}
		if better {
			best = i
		}
	}
	return best
}
