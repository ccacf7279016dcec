package train

import (
	"fmt"
	"html"
	"os"
	"strings"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
)

// progress shows where training stands: a line and growing curves in a notebook, a bar in a terminal, one line per
// epoch in a log.
type progress struct {
	run      *Run
	quiet    bool
	notebook bool
	line     *plots.Live
	curves   *plots.Live
	bar      *progressbar.ProgressBar

	began time.Time
	first int // steps done before this session
	shown time.Time
}

// showEvery limits how often the line changes.
const showEvery = 300 * time.Millisecond

func newProgress(run *Run, quiet bool) *progress {
	p := &progress{run: run, quiet: quiet, notebook: gonbui.IsNotebook}
	if p.notebook && !quiet {
		p.line, p.curves = plots.NewLive(), plots.NewLive()
	}
	return p
}

// begin is called before each strategy.
func (p *progress) begin(res *Result) {
	p.began, p.first, p.shown = time.Now(), -1, time.Time{}
	p.finishBar()
}

func (p *progress) finishBar() {
	if p.bar != nil {
		p.bar.Finish()
		fmt.Fprintln(os.Stderr)
		p.bar = nil
	}
}

// name is what a line starts with: the strategy, and which seed if there are several.
func (p *progress) name(res *Result) string {
	if n := p.run.Config.Recipe.Seeds; n > 1 {
		return fmt.Sprintf("%s, seed %d of %d", res.Strategy, 1+res.Seed-p.run.Config.Recipe.Seed, n)
	}
	return res.Strategy
}

// features reports on the images whose frozen features are being computed.
func (p *progress) features(res *Result, done, total int) {
	if p.due(done == total) {
		p.say(fmt.Sprintf("%s: features of the frozen layers, image %d of %d", p.name(res), done, total), float64(done)/float64(total))
	}
}

func (p *progress) due(last bool) bool {
	if p.quiet || (!last && time.Since(p.shown) < showEvery) {
		return false
	}
	p.shown = time.Now()
	return true
}

// step reports after each training step.
func (p *progress) step(l *loop) {
	perEpoch := l.perEpoch()
	if p.first < 0 {
		p.first = l.at.Steps - 1
		p.began = time.Now()
	}
	if !p.due(false) {
		return
	}
	total := perEpoch * l.recipe.Epochs
	seen := float64(max(1, l.at.Seen))
	left := "?"
	if done := l.at.Steps - 1 - p.first; done > 0 {
		per := time.Since(p.began) / time.Duration(done)
		left = (per * time.Duration(total-l.at.Steps)).Round(time.Second).String()
	}
	p.say(fmt.Sprintf("%s: epoch %d of %d, loss %.3f, accuracy %.1f%%, %.0f images/s, %s left", p.name(l.res),
		l.at.Epoch+1, l.recipe.Epochs, l.at.Loss/seen, 100*l.at.Hits/seen, seen/max(l.at.Seconds, 1e-9), left),
		float64(l.at.Steps)/float64(total))
}

// epoch reports a complete epoch.
func (p *progress) epoch(l *loop) {
	if p.quiet {
		return
	}
	e := l.res.History[len(l.res.History)-1]
	text := fmt.Sprintf("%s: epoch %d of %d, loss %.3f, validation loss %.3f, accuracy %.1f%%, %.0f images/s", p.name(l.res),
		e.Epoch, l.recipe.Epochs, e.TrainLoss, e.ValLoss, 100*e.ValAccuracy, e.ImagesPerSecond)
	switch {
	case p.notebook:
		// Epochs of head training take milliseconds; redrawing for each would cost more than the training.
		if p.due(e.Epoch == l.recipe.Epochs) {
			p.say(text, float64(e.Epoch)/float64(l.recipe.Epochs))
			p.curves.Update(p.run.Curves()) // a chart that can't be drawn must not stop the training
		}
	case !p.terminal():
		fmt.Fprintln(os.Stderr, text)
	}
}

func (p *progress) terminal() bool { return isatty.IsTerminal(os.Stderr.Fd()) }

// say shows a line and how much of the strategy is done, in [0, 1].
func (p *progress) say(text string, share float64) {
	switch {
	case p.notebook:
		p.line.Update(plots.HTML(fmt.Sprintf(`<progress value="%.4f" max="1" style="width:12em;vertical-align:middle"></progress> <span style="font-variant-numeric:tabular-nums">%s</span>`,
			share, html.EscapeString(text)), text))
	case p.terminal():
		if p.bar == nil {
			p.bar = progressbar.NewOptions(1000, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetWidth(20),
				progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false))
		}
		p.bar.Describe(text)
		p.bar.Set(int(1000 * share))
	}
}

// end closes the display. The curves are left out of the saved notebook's live output: Run.Plot shows them.
func (p *progress) end() {
	p.finishBar()
	if p.notebook && !p.quiet {
		var names []string
		for _, r := range p.run.Results {
			done := 0
			for _, one := range r.Seeds() {
				done += len(one.History)
			}
			names = append(names, fmt.Sprintf("%s %d/%d epochs", r.Strategy, done, len(r.Seeds())*p.run.Config.Recipe.Epochs))
		}
		p.line.Update(plots.Text("Run " + p.run.Name + ": " + strings.Join(names, ", ") + "."))
		gonbui.Sync()
	}
}
