package train

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/classnames"
	"github.com/tlkit-go/tlkit-notebooks/internal/optional"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/insight"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// ReportOptions are the options of [Run.Report].
type ReportOptions struct {
	// Data is the data set of the run: with it, the report shows the images of the highest loss, and where the model
	// looked.
	Data *datasets.Dataset
	// Images is the number of images of the highest loss; 0 means 8.
	Images int
}

// explained is the number of mistakes for which a report shows where the model looked.
const explained = 4

// Report writes the run as one HTML page that needs no network and no other file, for light and dark readers: verdict,
// table, curves, the best strategy's confusion matrix and figures per class, with ReportOptions.Data its worst images,
// then settings, versions and how to open the run.
func (r *Run) Report(path string, opts ...ReportOptions) error {
	o, err := optional.One("tlkit: Report", opts)
	if err != nil {
		return err
	}
	if ext := strings.ToLower(filepath.Ext(path)); ext != ".html" && ext != ".htm" {
		return fmt.Errorf("tlkit: a report is an HTML page, so that %q must end in .html", path)
	}
	figures := []plots.Figure{
		plots.HTML(fmt.Sprintf("<h1>%s</h1>", html.EscapeString(r.Name)), r.Name+"\n"),
		r.verdict().figure(), r.Summary(), r.Curves(),
	}
	if best := r.Best(); best != nil {
		classes := r.Config.Data.Classes
		title := r.Config.Data.either("Validation images: ", "Test images: ")
		figures = append(figures, heading(title+best.shown()), plots.Confusion(classes, best.ConfusionMatrix()), plots.PerClass(classes, best.ConfusionMatrix()))
		if o.Data != nil {
			more, err := best.worst(o)
			if err != nil {
				return err
			}
			figures = append(figures, more...)
		}
	}
	settings, err := r.settings()
	if err != nil {
		return err
	}
	figures = append(figures, heading("Settings"), settings, heading("Versions"), r.versions(), heading("This run"), r.reopen())
	return plots.Save(plots.Stack(r.Name, figures...), path)
}

func heading(text string) plots.Figure {
	return plots.HTML("<h2>"+html.EscapeString(words.Of(text))+"</h2>", text+"\n")
}

// worst shows the compared images of the highest loss, and where the model looked in those that it mistook.
func (r *Result) worst(o ReportOptions) ([]plots.Figure, error) {
	if same, _ := o.Data.Matches(r.run.Config.Data.Fingerprint); !same {
		return nil, fmt.Errorf("tlkit: data set %q is not that of run %q (%q, with other images); give the data set of the run as ReportOptions.Data, or none", o.Data.Name, r.run.Name, r.run.Config.Data.Name)
	}
	if r.NoHead {
		return []plots.Figure{plots.Sentence("The worst images are left out: the strategy classifies without the model's output layer.")}, nil
	}
	split := EvalSplit(o.Data)
	m, err := r.Model()
	if err != nil {
		return nil, err
	}
	defer m.Release()
	e, err := Evaluate(m, split)
	if err != nil {
		return nil, err
	}
	top, err := e.TopLosses(split, cmp.Or(o.Images, 8))
	if err != nil {
		return nil, err
	}
	figures := []plots.Figure{heading("Images of the highest loss"), top}
	looked, err := e.looked(m, split)
	return append(figures, looked...), err
}

// looked shows what spoke for the wrong class in the mistakes of the highest loss.
func (e *Evaluation) looked(m *zoo.Model, split *datasets.Split) ([]plots.Figure, error) {
	var images []*vision.Image
	var wrong []string
	var items []plots.Captioned
	p, names := e.Predictions, classnames.Distinct(e.Classes)
	order := ascending(len(p.Labels))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p.Losses[b], p.Losses[a]) })
	for _, i := range order {
		if p.Labels[i] == p.Predicted[i] || len(images) == explained {
			continue
		}
		img, err := split.Image(i)
		if err != nil {
			return nil, err
		}
		images, wrong = append(images, img), append(wrong, names[p.Predicted[i]])
		caption := names[p.Labels[i]] + ", taken for " + names[p.Predicted[i]] + "\n" + p.Names[i]
		items = append(items, plots.Captioned{Caption: caption, Words: []int{0}, Mark: plots.Wrong})
	}
	if len(images) == 0 {
		return nil, nil
	}
	maps, err := insight.GradCAMs(m, images, wrong)
	if err != nil {
		return []plots.Figure{plots.Sentence("Where the model looked is left out: " + err.Error())}, nil
	}
	for i, h := range maps {
		items[i].Image = h.Overlay()
	}
	return []plots.Figure{heading("What spoke for the wrong class (Grad-CAM)"), plots.Images(items, explained)}, nil
}

// settings has what the run was made with: data, model, recipe and strategies.
func (r *Run) settings() (plots.Figure, error) {
	c := r.Config
	images := c.Data.either("%s, %d training and %d validation images, fingerprint %s", "%s, %d training and %d test images, fingerprint %s")
	rows := [][]string{
		{"data", fmt.Sprintf(images, c.Data.Name, c.Data.Train, c.Data.Val, c.Data.Fingerprint)},
		{"classes", brief(c.Data.Classes)},
		{"model", fmt.Sprintf("%s, %s", c.Model.Name, c.Model.Weights)},
	}
	if c.Engines != nil {
		rows = append(rows, []string{"engines", c.Engines.String()})
	}
	text, err := json.Marshal(c.Recipe)
	if err != nil {
		return nil, fmt.Errorf("tlkit: encoding the recipe: %w", err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("tlkit: encoding the recipe: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		value, err := json.Marshal(fields[name])
		if err != nil {
			return nil, fmt.Errorf("tlkit: encoding the recipe: %w", err)
		}
		rows = append(rows, []string{"recipe: " + strings.ReplaceAll(name, "_", " "), strings.Trim(string(value), `"`)})
	}
	for i, res := range r.Results {
		if i < len(c.Strategies) {
			rows = append(rows, []string{"strategy: " + res.Strategy, string(c.Strategies[i])})
		}
	}
	for _, lost := range c.Lost {
		rows = append(rows, []string{"lost image", fmt.Sprint(lost)})
	}
	return plots.Table([]string{"setting", "value"}, rows,
		plots.TableOptions{Align: "ll", Words: []int{0}, WordCells: []plots.Cell{{Row: 0, Column: 1}}}), nil
}

// versions has the program, the libraries and the machine that wrote the report.
func (r *Run) versions() plots.Figure {
	rows := [][]string{{"written", time.Now().Format("2006-01-02 15:04 MST")},
		{"machine", fmt.Sprintf("%s/%s, %d cores", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())}, {"Go", runtime.Version()}}
	if e, err := backend.Default(); err == nil {
		rows = append(rows, []string{"engine", e.Backend.Name() + ": " + e.Backend.Description()})
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if strings.HasPrefix(d.Path, "github.com/gomlx/") || strings.HasPrefix(d.Path, "github.com/tlkit-go/") {
				rows = append(rows, []string{d.Path, d.Version})
			}
		}
	}
	return plots.Table([]string{"report written by", ""}, rows, plots.TableOptions{Align: "ll", Words: []int{0, 1}})
}

// reopen says how to open the run.
func (r *Run) reopen() plots.Figure {
	dir := filepath.Dir(r.Dir)
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	code := fmt.Sprintf("run, err := tlkit.Open(%q)", r.Name)
	text := fmt.Sprintf("With the environment variable TLKIT_RUNS set to %s, the following line opens the run. Its folder has every setting in run.json, and the weights. The same call of Compare with the same data continues it, or returns it as it is.", dir)
	return plots.HTML("<p>"+html.EscapeString(words.Of(text))+"</p><pre>"+html.EscapeString(code)+"</pre>", text+"\n"+code+"\n")
}
