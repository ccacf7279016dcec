package train

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// check returns the error that is known before any work. The run is nil if there is none.
func (c *call) check(run *Run) error {
	if err := c.checkNewStrategies(run); err != nil {
		return err
	}
	if err := c.checkRecipe(run); err != nil {
		return err
	}
	return c.checkPlans(run)
}

// checkNewStrategies returns an error if a strategy that the run has not yet can't have a folder of its name. The run
// is nil if there is none.
func (c *call) checkNewStrategies(run *Run) error {
	var names []string
	if run != nil {
		for _, res := range run.Results {
			names = append(names, res.Strategy)
		}
	}
	for _, w := range c.strategies {
		if slices.Contains(names, w.Name) {
			continue
		}
		if err := checkNewName("strategy", w.Name); err != nil {
			return err
		}
		if other := otherCase(w.Name, names); other != "" {
			return fmt.Errorf("tlkit: strategies %q and %q would have the same folder on macOS and Windows; give one of them another Label", other, w.Name)
		}
		names = append(names, w.Name)
	}
	return nil
}

// checkRecipe returns an error for a field of the recipe without effect, unless the run, or an earlier version of it,
// was begun with a recipe that means the same. The run is nil if there is none.
func (c *call) checkRecipe(run *Run) error {
	err := checkFields(c.config.Recipe)
	if err == nil || run == nil && c.remains() {
		return nil // what was begun with a run.json that is lost is known by the text of its recipe
	}
	begun := []*Run{run}
	if run != nil {
		versions, _ := run.Versions()
		begun = append(begun, versions...)
	}
	for _, r := range begun {
		if r != nil && slices.ContainsFunc(r.Results, (*Result).anyStarted) && len(r.Config.Recipe.plain().differences(c.config.Recipe.plain())) == 0 {
			return nil
		}
	}
	return err
}

// checkPlans returns the errors of the strategies' plans: before anything is written, and before the strategies that
// come first are trained for hours. Strategies that the run has begun as they are were planned then. The run is nil if
// there is none.
func (c *call) checkPlans(run *Run) error {
	var fresh []Strategy
	var bad []error
	for i, w := range c.strategies {
		if run != nil {
			if k := run.index(w.Name); k >= 0 && w.same(run.strategyAt(k)) && run.Results[k].anyStarted() {
				continue
			}
		}
		fresh = append(fresh, c.plans[i])
		if s, ok := w.strategy.(Checked); ok {
			bad = append(bad, s.CheckFields())
		}
	}
	return errors.Join(append(bad, checkPlans(c.config.Recipe, c.data, c.model, fresh))...)
}

// tooShort is Recipe.tooShort, if a strategy of the call trains by steps, which follow the schedule.
func (c *call) tooShort() string {
	text := c.config.Recipe.tooShort()
	if text == "" {
		return ""
	}
	task := Task{Classes: c.data.Classes, Data: c.data, Seed: c.config.Recipe.Seed, Recipe: c.config.Recipe}
	for _, s := range c.plans {
		m, err := start(c.model)
		if err != nil {
			return text
		}
		if plan, err := s.Plan(m, task); err != nil || plan.Fit == nil {
			return text
		}
	}
	return ""
}

// checkPlans returns the errors of the plans of strategies for copies of a model.
func checkPlans(r Recipe, ds *datasets.Dataset, pretrained *zoo.Model, strategies []Strategy) error {
	task := Task{Classes: ds.Classes, Data: ds, Seed: r.Seed, Recipe: r}
	var bad []error
	for _, s := range strategies {
		m, err := start(pretrained)
		if err == nil {
			_, err = planned(s, m, task)
		}
		bad = append(bad, err)
	}
	return errors.Join(bad...)
}
