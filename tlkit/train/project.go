package train

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/project"
)

// Project writes a Go module around the trained model, with the weights of the best epoch: a program that serves it and
// classifies files and folders, with a test, what is needed to run it elsewhere, and a model card with the run's
// figures. An interruption stops it. See [project.Write].
//
//	run.Best().Project("antbee", tlkit.ProjectOptions{Data: ants})
func (r *Result) Project(name string, opts project.Options) (*project.Project, error) {
	if err := r.exists("make a project of"); err != nil {
		return nil, err
	}
	if d := opts.Data; d != nil {
		if same, _ := d.Matches(r.run.Config.Data.Fingerprint); !same {
			return nil, fmt.Errorf("tlkit: data set %q is not that of run %q (%q, with other images); give the data set of the run as ProjectOptions.Data, or none", d.Name, r.run.Name, r.run.Config.Data.Name)
		}
	}
	if err := r.needsHead("make the project of another strategy"); err != nil {
		return nil, err
	}
	m, err := r.Model()
	if err != nil {
		return nil, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	p, err := project.Write(ctx, name, m, opts, r.facts()...)
	if err == nil {
		p.Notes = append(p.Notes, m.Notes...)
	}
	return p, err
}

// limits says what the accuracy of the best epoch does not say.
func (r *Result) limits() string {
	images := r.run.Config.Data.compared()
	chosen := r.hasSteps() && len(r.History) > 1 && (r.run.Config.Recipe.Restore != RestoreLast || r.StoppedEarly)
	if chosen {
		return fmt.Sprintf("The accuracy above was measured on the %s images that the training's epoch was chosen by; on other images it is a little lower.", images)
	}
	return fmt.Sprintf("The accuracy above was measured on the %s images, by which no epoch was chosen; whoever chooses the best of several models by it gets one that is a little too high.", images)
}

// facts are the lines of the model card that only the run knows.
func (r *Result) facts() []project.Fact {
	c := r.run.Config
	facts := []project.Fact{
		{Name: "made by", Value: fmt.Sprintf("run %s, strategy %s", r.run.Name, r.Strategy)},
		{Name: "pretrained", Value: c.Model.Name + ", " + c.Model.Weights},
		{Name: "images", Value: fmt.Sprintf("%s: %d for training, %d for %s", c.Data.Name, c.Data.Train, c.Data.Val, c.Data.compared())},
	}
	if best, ok := r.Best(); ok {
		facts = append(facts, project.Fact{Name: "accuracy", Value: fmt.Sprintf("%.1f %% of the %s images (balanced over classes %.1f %%), in epoch %d of %d",
			100*best.ValAccuracy, c.Data.compared(), 100*r.BalancedAccuracy(), best.Epoch, len(r.History)), Limits: r.limits()})
	}
	if s := r.Score(); s.Seeds > 1 {
		facts = append(facts, project.Fact{Name: "over seeds", Value: fmt.Sprintf("%.1f ± %.1f %% over %d seeds; this is the first one's model", 100*s.Accuracy.Mean, 100*s.Accuracy.Deviation, s.Seeds)})
	}
	return facts
}
