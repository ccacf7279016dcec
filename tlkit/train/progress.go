package train

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
)

// progress displays the progress of a comparison: a line and growing curves in a notebook, a bar in a terminal, one
// line per epoch in a log. The displayed share and time left are those of the whole comparison.
type progress struct {
	run      *Run
	quiet    bool
	notebook bool
	line     *plots.Live
	curves   *plots.Live
	bar      *progressbar.ProgressBar
	// say displays a line, and the share of the comparison that is done, in [0, 1].
	say func(text string, share float64)
	// redraw shows the curves so far; stale is set while they lack an epoch.
	redraw func()
	stale  bool

	// queue are the results that the comparison trains, in order; current is the one under way.
	queue   []*Result
	current *Result
	// began is the time at which the first step of current in this session was done; first is current's number of steps
	// at that time, -1 before it.
	began time.Time
	first int
	shown time.Time
}

// showEvery limits how often the line changes.
const showEvery = 300 * time.Millisecond

func newProgress(run *Run, quiet bool) *progress {
	p := &progress{run: run, quiet: quiet, notebook: gonbui.IsNotebook}
	p.say = p.display
	p.redraw = func() { p.curves.Update(p.run.Curves()) } // a chart that can't be drawn must not stop the training
	if p.notebook && !quiet {
		p.line, p.curves = plots.NewLive(), plots.NewLive()
	}
	return p
}

// begin is called before each result is trained.
func (p *progress) begin(res *Result) {
	p.current, p.first, p.shown = res, -1, time.Time{}
	p.finishBar()
}

func (p *progress) finishBar() {
	if p.bar != nil {
		p.bar.Finish()
		fmt.Fprintln(os.Stderr)
		p.bar = nil
	}
}

// name is the start of a line: the strategy's name, and the seed's number if there are several.
func (p *progress) name() string {
	if n := p.run.Config.Recipe.Seeds; n > 1 {
		return fmt.Sprintf("%s, seed %d of %d", p.current.Strategy, 1+p.current.Seed-p.run.Config.Recipe.Seed, n)
	}
	return p.current.Strategy
}

// features reports on images that the network runs on before the first step.
func (p *progress) features(done, total int) {
	if p.due(done == total) {
		p.say(fmt.Sprintf("%s: features of the frozen layers, image %d of %d", p.name(), done, total), p.share(float64(len(p.current.History))))
	}
}

func (p *progress) due(last bool) bool {
	if p.quiet || (!last && time.Since(p.shown) < showEvery) {
		return false
	}
	p.shown = time.Now()
	return true
}

// step reports on a training step; at is the position after it.
func (p *progress) step(at position, perEpoch int) {
	if p.first < 0 {
		p.first, p.began = at.Steps, time.Now()
	}
	if !p.due(false) {
		return
	}
	pace := 0.0 // seconds per epoch
	if done := at.Steps - p.first; done > 0 {
		pace = time.Since(p.began).Seconds() / float64(done) * float64(perEpoch)
	}
	seen := float64(max(1, at.Seen))
	epochs := float64(at.Epoch) + float64(at.Step)/float64(perEpoch)
	p.say(fmt.Sprintf("%s: epoch %d of %d, loss %.3f, accuracy %.1f%%, %.0f images/s, %s", p.name(),
		at.Epoch+1, p.run.Config.Recipe.Epochs, at.Loss/seen, 100*at.Hits/seen, seen/max(at.Seconds, 1e-9), p.left(epochs, pace)), p.share(epochs))
}

// epoch reports on a complete epoch.
func (p *progress) epoch() {
	if p.quiet {
		return
	}
	e := p.current.History[len(p.current.History)-1]
	epochs := p.run.Config.Recipe.Epochs
	form := p.run.Config.Data.either("%s: epoch %d of %d, loss %.3f, validation loss %.3f, accuracy %.1f%%, %.0f images/s, %s",
		"%s: epoch %d of %d, loss %.3f, test loss %.3f, accuracy %.1f%%, %.0f images/s, %s")
	text := fmt.Sprintf(form, p.name(), e.Epoch, epochs, e.TrainLoss, e.ValLoss, 100*e.ValAccuracy, e.ImagesPerSecond, p.left(float64(e.Epoch), 0))
	switch {
	case p.notebook:
		// Epochs of head training take milliseconds; redrawing for each would cost more than the training.
		if p.stale = !p.due(e.Epoch == epochs); !p.stale {
			p.say(text, p.share(float64(e.Epoch)))
			p.redraw()
		}
	case p.terminal():
		p.say(text, p.share(float64(e.Epoch)))
	default:
		fmt.Fprintln(os.Stderr, text)
	}
}

// search reports on a step of FindLR; most is the largest number of steps.
func (p *progress) search(step, most int, rate, loss float64) {
	if p.due(step == most) {
		p.say(fmt.Sprintf("%s: learning-rate range test, step %d of at most %d, rate %.1e, loss %.3f", p.name(), step, most, rate, loss), float64(step)/float64(most))
	}
}

// searched reports the end of FindLR, which ends before its last step where the loss grows.
func (p *progress) searched(steps int) {
	if !p.quiet {
		p.say(fmt.Sprintf("%s: learning-rate range test ended after %d steps", p.name(), steps), 1)
	}
}

func (p *progress) terminal() bool { return isatty.IsTerminal(os.Stderr.Fd()) }

// share is the share of the comparison's epochs that is done; epochs is the number done by current.
func (p *progress) share(epochs float64) float64 {
	all := p.run.Config.Recipe.Epochs
	done := epochs
	for _, r := range p.queue {
		if r != p.current {
			done += float64(min(all, len(r.History)))
			if r.ended() {
				done += float64(max(0, all-len(r.History)))
			}
		}
	}
	return done / float64(all*max(1, len(p.queue)))
}

// left is a text with the time that the comparison will still take; see timeLeft.
func (p *progress) left(epochs, pace float64) string {
	seconds, ok := timeLeft(p.queue, p.current, p.run.Config.Recipe.Epochs, epochs, pace)
	if !ok {
		return "time left not known yet"
	}
	return (time.Duration(seconds * float64(time.Second))).Round(time.Second).String() + " left"
}

// timeLeft estimates the seconds that the results of a queue still take. epochs is the number of epochs that current
// has done, pace its seconds per epoch (0: not measured). The cost of an epoch is estimated as the mean over the epochs
// of the same strategy so far, with all seeds, or else as the mean of all strategies with a known cost. ok is false if
// no cost is known.
func timeLeft(queue []*Result, current *Result, total int, epochs, pace float64) (seconds float64, ok bool) {
	known := map[string][]float64{}
	var all []float64
	for _, r := range queue {
		for _, e := range r.History {
			known[r.Strategy] = append(known[r.Strategy], e.Seconds)
		}
	}
	if current != nil && len(known[current.Strategy]) == 0 && pace > 0 {
		known[current.Strategy] = []float64{pace}
	}
	for _, costs := range known {
		all = append(all, spread(costs).Mean)
	}
	if len(all) == 0 {
		return 0, false
	}
	for _, r := range queue {
		rest := float64(total - len(r.History))
		switch {
		case r == current:
			rest = float64(total) - epochs
		case r.ended():
			rest = 0
		}
		cost := spread(all).Mean
		if own := known[r.Strategy]; len(own) > 0 {
			cost = spread(own).Mean
		}
		seconds += max(0, rest) * cost
	}
	return seconds, true
}

// display shows a line in a notebook or a terminal; a log gets one line per epoch only.
func (p *progress) display(text string, share float64) {
	switch {
	case p.notebook:
		p.line.Update(plots.Progress(share, text))
	case p.terminal():
		if p.bar == nil {
			p.bar = progressbar.NewOptions(1000, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetWidth(20),
				progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false))
		}
		p.bar.Describe(text)
		p.bar.Set(int(1000 * share))
	}
}

// catchUp draws the curves with the last epoch, which is not the recipe's last where a training stops early.
func (p *progress) catchUp() {
	if p.stale {
		p.redraw()
		p.stale = false
	}
}

// end closes the display. The saved notebook's live output has no curves: Run.Plot shows them.
func (p *progress) end() {
	p.finishBar()
	if p.notebook && !p.quiet && len(p.queue) > 0 {
		p.catchUp()
		var names, japanese []string
		for _, r := range p.run.Results {
			done := 0
			for _, one := range r.Seeds() {
				done += len(one.History)
			}
			count := fmt.Sprintf("%s %d/%d", r.Strategy, done, len(r.Seeds())*p.run.Config.Recipe.Epochs)
			names, japanese = append(names, count+" epochs"), append(japanese, count+" エポック")
		}
		p.line.Update(plots.TextIn("Run "+p.run.Name+": "+strings.Join(names, ", ")+".", "実行 "+p.run.Name+"："+strings.Join(japanese, "、")))
		gonbui.Sync()
	}
}
