//go:build slow

package notebooks_test

import (
	"fmt"
	"strconv"
	"time"

	"github.com/chromedp/chromedp"
)

// longWork is the lesson whose training is stopped and resumed, by the end of its name.
const longWork = "11_long_work"

const (
	labRun  = `.jp-NotebookPanel-toolbar [data-command="notebook:run-cell-and-select-next"]`
	labStop = `.jp-NotebookPanel-toolbar [data-command="notebook:interrupt-kernel"]`
	// labLong is the cell of the lesson that trains in one go.
	labLong = `(` + labPanel + `).content.widgets.find(w => w.model.id === "08-uncut")`
	// labLonger makes it a training that does not end by itself within the test.
	labLonger = `(` + labLong + `.model.sharedModel.setSource("longer := recipe\nlonger.Epochs = 300\nstopped := longer.MustCompare(\"stopped\", few, model, tlkit.FineTune{})\nstopped.Summary()"), "")`
	labSelect = `((panel) => { panel.content.activeCellIndex = panel.content.widgets.findIndex(w => w.model.id === "08-uncut");
		panel.content.scrollToItem(panel.content.activeCellIndex, "start"); return ""; })(` + labPanel + `)`
	// labPoints is the number of points of the training curve that the cell shows, 0 without a curve: the plain text
	// of the figure is a table with the number in the column after the word train.
	labPoints = `((cell) => { for (let i = 0; i < cell.model.outputs.length; i++) {
		const data = cell.model.outputs.get(i).toJSON().data ?? {};
		const m = /Loss +finetune +train +(\d+)/.exec([data["text/plain"] ?? ""].flat().join(""));
		if (m && data["application/vnd.vegalite.v5+json"]) { return Number(m[1]); } } return 0; })(` + labLong + `)`
	// labWatch notes every number of points that the cell shows from now on, but for none, in labSeen.
	labWatch = `(window.tlkitSeen = [], window.tlkitWatch = setInterval(() => { const n = ` + labPoints + `; if (n > 0) { window.tlkitSeen.push(n); } }, 100), "")`
	labSeen  = `String(Math.min(...window.tlkitSeen))`
)

// stopAndResume trains in the page, sees the curve grow, stops the training by the button ■, runs the cell again, and
// sees the curve go on from where it was.
func (l labPage) stopAndResume() {
	l.t.Helper()
	l.theme("Light")
	l.eval(labLonger)
	l.eval(labSelect)
	l.click(labRun)
	for _, points := range []int{2, 5} {
		l.wait(fmt.Sprintf("%d points of the curve", points), fmt.Sprintf("%s >= %d", labPoints, points), 3*time.Minute)
		l.wait("the curve", labDrawn, time.Minute)
		l.shot(fmt.Sprintf("grows-%d", points))
	}
	l.click(labStop)
	l.wait("the end of the training", labIdle, time.Minute)
	stopped := l.number(`String(` + labPoints + `)`)
	l.shot("stopped")
	l.eval(labSelect)
	l.eval(`(` + labLong + `.model.sharedModel.setOutputs([]), "")`)
	l.eval(labWatch)
	l.click(labRun)
	l.wait("a longer curve", fmt.Sprintf("%s >= %d", labPoints, stopped+2), 3*time.Minute)
	l.shot("resumed")
	if first := l.number(labSeen); first < stopped {
		l.t.Errorf("after the stop at %d points the curve began anew at %d", stopped, first)
	}
	l.theme("Dark")
	l.shot("resumed-dark")
	l.click(labStop)
	l.wait("the end of the training", labIdle, time.Minute)
}

// click presses a button of the page.
func (l labPage) click(button string) {
	l.t.Helper()
	if err := chromedp.Do(l.ctx, chromedp.Click(button)); err != nil {
		l.t.Fatalf("%s: %v", button, err)
	}
}

// number returns the whole number that an expression gives as text.
func (l labPage) number(expression string) int {
	l.t.Helper()
	text := l.eval(expression)
	n, err := strconv.Atoi(text)
	if err != nil {
		l.t.Fatalf("%s gives %q, want a whole number", expression, text)
	}
	return n
}
