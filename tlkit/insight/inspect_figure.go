package insight

import (
	"fmt"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/classnames"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/words"
)

// shownIssues is the number of images of one kind that a figure shows.
const shownIssues = 10

// imbalanced is the ratio of the largest class to the smallest from which on it is named.
const imbalanced = 3

// String is one line, such as "hymenoptera: 12 labels probably wrong, 2 pairs of duplicates (1 across splits), ...".
func (r *Inspection) String() string {
	return fmt.Sprintf("%s: %d labels probably wrong, %d pairs of duplicates (%d across splits), %d outliers, %d dark, %d bright, %d blurred",
		r.Data.Name, len(r.Labels), len(r.Duplicates), r.across(), len(r.Outliers), len(r.Dark), len(r.Bright), len(r.Blurred))
}

// across returns the number of duplicates in different splits.
func (r *Inspection) across() int {
	return count(r.Duplicates, func(d Duplicate) bool { return d.AcrossSplits })
}

// count returns the number of duplicates of a kind.
func count(all []Duplicate, kind func(Duplicate) bool) (n int) {
	for _, d := range all {
		if kind(d) {
			n++
		}
	}
	return n
}

// pairs describes in words what to do about the duplicates.
func (r *Inspection) pairs() string {
	text := fmt.Sprintf("%d across splits; data.Without(report.Extra()...)", r.across())
	if other := count(r.Duplicates, func(d Duplicate) bool { return d.OtherLabel }); other > 0 {
		text += fmt.Sprintf("; %d of different labels to look at, which Extra leaves out", other)
	}
	return text
}

// balance describes the sizes of the classes in words.
func (r *Inspection) balance() string {
	if len(r.Counts) == 0 || slices.Max(r.Counts) == 0 {
		return "no training images"
	}
	low, high := slices.Min(r.Counts), slices.Max(r.Counts)
	names := classnames.Distinct(r.Data.Classes)
	text := fmt.Sprintf("%d (%s) to %d (%s) training images per class", low, names[slices.Index(r.Counts, low)], high, names[slices.Index(r.Counts, high)])
	if high >= imbalanced*max(low, 1) {
		text += "; Recipe{ClassWeights: tlkit.Balanced} or more images of the small classes help"
	}
	return text
}

// features describes in words what the labels were held against.
func (r *Inspection) features() string {
	if r.Checked == 0 {
		return r.Model + "; no label was checked"
	}
	return fmt.Sprintf("%s; %.1f%% of the labels agree with the predictions, about %.1f%% are wrong", r.Model, 100*r.Accuracy, 100*r.Noise)
}

// Table lists what was found, with what to do about it.
func (r *Inspection) Table() plots.Figure {
	rows := [][]string{
		{"labels probably wrong", fmt.Sprint(len(r.Labels)), "data.Relabel(report.Labels.Relabels()), data.Without(report.Labels.Names()...)"},
		{"pairs of duplicates", fmt.Sprint(len(r.Duplicates)), r.pairs()},
		{"outliers", fmt.Sprint(len(r.Outliers)), "data.Without(report.Outliers.Names()...)"},
		{"too dark", fmt.Sprint(len(r.Dark)), "data.Without(report.Dark.Names()...)"},
		{"too bright", fmt.Sprint(len(r.Bright)), "data.Without(report.Bright.Names()...)"},
		{"blurred", fmt.Sprint(len(r.Blurred)), "data.Without(report.Blurred.Names()...)"},
		{"balance", "", r.balance()},
		{"features", "", r.features()},
	}
	for _, note := range r.Notes {
		rows = append(rows, []string{"note", "", note})
	}
	return plots.Table([]string{r.Data.Name, "found", ""}, rows, plots.TableOptions{Align: "lrl", Words: []int{0, 2}})
}

// tile is an image of a grid with its caption.
type tile struct {
	ref     ImageRef
	caption string
}

// grid returns a title and the images under it; nothing without images.
func (r *Inspection) grid(title string, tiles []tile) ([]plots.Figure, error) {
	if len(tiles) == 0 {
		return nil, nil
	}
	items := make([]plots.Captioned, len(tiles))
	for i, t := range tiles {
		img, err := r.split(t.ref.Split).Image(t.ref.Index)
		if err != nil {
			return nil, err
		}
		items[i] = plots.Captioned{Image: plots.Tile(img.ToImage()), Caption: t.caption, Words: []int{0}}
	}
	return []plots.Figure{plots.HTML("<p><strong>"+words.Of(title)+"</strong></p>", title+"\n"), plots.Images(items, 4)}, nil
}

// split returns the split of the given name.
func (r *Inspection) split(name string) *datasets.Split {
	return map[string]*datasets.Split{"train": r.Data.Train, "val": r.Data.Val, "test": r.Data.Test}[name]
}

// Bundle shows the table and the most suspicious images of each kind.
func (r *Inspection) Bundle() (map[string]any, error) {
	var labels, duplicates []tile
	for _, l := range r.Labels[:min(shownIssues, len(r.Labels))] {
		labels = append(labels, tile{l.ImageRef, fmt.Sprintf("%s %.0f%%, labelled %s\n%s", l.Suggested, 100*l.Probability, l.Class, l.Name)})
	}
	for _, d := range r.Duplicates[:min(shownIssues, len(r.Duplicates))] {
		duplicates = append(duplicates, tile{d.A, d.A.caption()}, tile{d.B, d.B.caption()})
	}
	kinds := []struct {
		title string
		tiles []tile
	}{{"Labels probably wrong", labels}, {"Duplicates, two pairs in a row", duplicates}, {"Outliers", r.Outliers.tiles()},
		{"Too dark", r.Dark.tiles()}, {"Too bright", r.Bright.tiles()}, {"Blurred", r.Blurred.tiles()}}
	figures := []plots.Figure{r.Table()}
	for _, k := range kinds {
		more, err := r.grid(k.title, k.tiles)
		if err != nil {
			return nil, err
		}
		figures = append(figures, more...)
	}
	return plots.Stack("inspection", figures...).Bundle()
}

// caption names an image with its split and class.
func (i ImageRef) caption() string { return i.Split + ", " + i.Class + "\n" + i.Name }

// tiles are the first images of a list.
func (l ImageIssues) tiles() []tile {
	var out []tile
	for _, issue := range l[:min(shownIssues, len(l))] {
		out = append(out, tile{issue.ImageRef, issue.ImageRef.caption()})
	}
	return out
}
