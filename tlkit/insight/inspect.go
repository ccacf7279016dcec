package insight

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/classnames"
	"github.com/tlkit-go/tlkit-notebooks/internal/logistic"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/internal/optional"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// InspectOptions are the options of [Inspect]. The zero value is a good default.
type InspectOptions struct {
	// Model gives the features by which images are compared; the more its own images are like these, the better. nil
	// means efficientnet_lite0, trained on ImageNet, or without its weights the embedded resnet20 of the shapes.
	Model *zoo.Model
	// Folds is the number of parts of the cross-validation that finds wrong labels; 0 means 5.
	Folds int
	// ConfidentLearning names the labels that confident learning finds (Northcutt et al. 2021), as cleanlab does. It
	// has no measure for hard images of a right label, and names many of them.
	ConfidentLearning bool
}

// Inspection is what [Inspect] found in a data set. Its lists have the most suspicious images first.
type Inspection struct {
	// Data is the data set, Model the name of the network whose features were used.
	Data  *datasets.Dataset
	Model string
	// Checked is the number of labels that are held against predictions, those of classes with at least two images.
	Checked int
	// Accuracy is the share of them that the out-of-fold predictions agree with, in [0, 1]. The lower it is, the less
	// reliable is Labels.
	Accuracy float64
	// Noise is the estimated share of wrong labels, in [0, 0.4].
	Noise float64
	// Labels are images whose labels are probably wrong.
	Labels LabelIssues
	// Duplicates are pairs of images that look the same.
	Duplicates []Duplicate
	// Outliers are images unlike all others, Dark, Bright and Blurred such of poor quality.
	Outliers, Dark, Bright, Blurred ImageIssues
	// Counts has the number of training images of each class.
	Counts []int
	// Notes say what was not as usual, a sentence each.
	Notes []string
}

// ImageRef is an image of a data set.
type ImageRef struct {
	// Split is "train", "val" or "test", Index the place in it, Name what Split.Name gives, Class its label, with its
	// index if other classes have the same name ("crane (134)").
	Split string
	Index int
	Name  string
	Class string
}

// LabelIssue is an image whose label is probably wrong.
type LabelIssue struct {
	ImageRef
	// Suggested is the most probable class, Probability its probability by a fit on other images, in [0, 1]; Given is
	// the probability of the label.
	Suggested          string
	Probability, Given float64
	// Wrong is the probability that the label is wrong, in [0, 1].
	Wrong float64
}

// LabelIssues are images whose labels are probably wrong, the most suspicious first.
type LabelIssues []LabelIssue

// Relabels returns the suggested class by the name of the image, for [datasets.Dataset.Relabel]. Look at the images
// first: some are rare examples of their class.
func (l LabelIssues) Relabels() map[string]string {
	out := map[string]string{}
	for _, issue := range l {
		out[issue.Name] = issue.Suggested
	}
	return out
}

// Names returns the names of the images, for [datasets.Dataset.Without].
func (l LabelIssues) Names() []string {
	var out []string
	for _, issue := range l {
		out = append(out, issue.Name)
	}
	return out
}

// ImageIssue is an image with the value for which it is listed.
type ImageIssue struct {
	ImageRef
	// Value is, for outliers, the mean distance to the five nearest images (1 less the cosine of the features); for
	// dark and bright images the mean luminance in [0, 255]; for blurred ones the variance of the Laplacian.
	Value float64
}

// ImageIssues are images with the same kind of fault.
type ImageIssues []ImageIssue

// Names returns the names of the images, for [datasets.Dataset.Without].
func (l ImageIssues) Names() []string {
	var out []string
	for _, issue := range l {
		out = append(out, issue.Name)
	}
	return out
}

// Duplicate is a pair of images that look the same: copies of other size, compression or brightness, possibly
// mirrored. Crops are not found, nor copies of very small images at half their size. Different pictures of one scene
// are no copies: they differ in a part, or in the noise of their details. Images of nearly one colour are copies only
// if they are equal to the byte.
//
// Of several images that all look the same there is a pair of each with the first of its class, a held-out one if there
// is any, and not every pair.
type Duplicate struct {
	// A and B are the two images, in the order of the data set.
	A, B ImageRef
	// Correlation is that of the reduced images, in [-1, 1].
	Correlation float64
	// Mirrored is true if one is the mirror image of the other.
	Mirrored bool
	// AcrossSplits is true if they are in different splits, so that a score counts an image that was trained on.
	// OtherLabel is true if their labels differ, so that one of them is wrong.
	AcrossSplits, OtherLabel bool
}

// Extra returns the name of one image of each pair of duplicates, for [datasets.Dataset.Without]: the training image of
// a pair across splits, else the second one. Pairs with different labels are left out: which image is wrong takes a
// look at them (Duplicate.OtherLabel).
func (r *Inspection) Extra() []string {
	drop := map[string]bool{}
	var out []string
	for _, d := range r.Duplicates {
		one, other := d.B.Name, d.A.Name
		if d.AcrossSplits && d.A.Split == "train" {
			one, other = other, one
		}
		if !d.OtherLabel && !drop[one] && !drop[other] {
			drop[one] = true
			out = append(out, one)
		}
	}
	return out
}

// Inspect looks for images that harm a training with few images: wrong labels, near-duplicates within and across
// splits, outliers, images too dark, too bright or blurred. All splits are inspected together.
//
// Labels are held against out-of-fold predictions of a logistic regression on frozen features. A label is named if it
// is wrong with a probability of at least a quarter, under the assumption that a share of all labels was replaced by
// other classes at random (Natarajan et al. 2013); the share is estimated. With 5 % of the labels flipped, three
// seeds, 74 to 77 % of the flipped ones were named on 2,000 images of CIFAR-10, and 82 to 86 % of the named ones were
// flipped; on hymenoptera, 74 to 100 % and 82 to 87 %. Confident learning, as cleanlab has it, names 75 to 80 % at a
// precision of 37 to 39 %, and 74 to 92 % at 67 to 80 %. Of right labels, 4 of 2,000 and 3 of 397 are named (confident
// learning: 124 and 1).
//
// The result shows itself in a notebook. An interrupt ends it. A file is never changed; see [datasets.Dataset.Without]
// and [datasets.Dataset.Relabel].
func Inspect(d *datasets.Dataset, opts ...InspectOptions) (*Inspection, error) {
	if d == nil {
		return nil, errors.New("insight: the data set to inspect is nil; load one with datasets.Load or datasets.ImageFolder")
	}
	o, err := optional.One("insight: Inspect", opts)
	if err != nil {
		return nil, err
	}
	o.Folds = cmp.Or(o.Folds, 5)
	if o.Folds < 2 {
		return nil, fmt.Errorf("insight: InspectOptions.Folds is %d; expected at least 2, or 0 for 5", o.Folds)
	}
	r := &Inspection{Data: d, Counts: d.Train.Counts()}
	refs, images := everyImage(d)
	if len(refs) < 2*o.Folds {
		return nil, fmt.Errorf("insight: %s has %d images, too few to inspect; expected at least %d", d.Name, len(refs), 2*o.Folds)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if o.Model == nil {
		var err error
		if o.Model, err = r.usualModel(ctx); err != nil {
			return nil, err
		}
		defer o.Model.Release()
	}
	r.Model = nameOf(o.Model)
	if err := r.look(ctx, refs, images); err != nil {
		return nil, err
	}
	f, err := featuresOf(d, o.Model)
	if err != nil {
		return nil, err
	}
	if err := checkFeatures(f); err != nil {
		r.Notes = append(r.Notes, fmt.Sprintf("Labels and outliers are not checked, since %v. Give InspectOptions.Model another model.", err))
		return r, nil
	}
	far, err := isolation(ctx, f)
	if err != nil {
		return nil, err
	}
	for _, i := range farOut(far) {
		r.Outliers = append(r.Outliers, ImageIssue{refs[i], far[i]})
	}
	return r, r.checkLabels(ctx, f, refs, o)
}

// usualModel returns the model that is used if none is given.
func (r *Inspection) usualModel(ctx context.Context) (*zoo.Model, error) {
	m, err := zoo.LoadContext(ctx, "efficientnet_lite0")
	if err == nil || ctx.Err() != nil {
		return m, err
	}
	r.Notes = append(r.Notes, fmt.Sprintf("The features are those of the embedded resnet20.shapes, which knows drawn shapes only, since efficientnet_lite0 can't be loaded (%v). Give InspectOptions.Model a model of photographs.", err))
	return zoo.LoadContext(ctx, "resnet20.shapes")
}

// splitsOf returns the splits of a data set that differ, by name.
func splitsOf(d *datasets.Dataset) (names []string, splits []*datasets.Split) {
	for i, s := range []*datasets.Split{d.Train, d.Val, d.Test} {
		if s != nil && s.Len() > 0 && !slices.Contains(splits, s) {
			names, splits = append(names, []string{"train", "val", "test"}[i]), append(splits, s)
		}
	}
	return names, splits
}

// everyImage lists the images of all splits, and returns a function that reads image i of the list.
func everyImage(d *datasets.Dataset) ([]ImageRef, func(i int) (*vision.Image, error)) {
	var refs []ImageRef
	names, splits := splitsOf(d)
	of := map[string]*datasets.Split{}
	classNames := classnames.Distinct(d.Classes)
	for k, s := range splits {
		of[names[k]] = s
		for i := range s.Len() {
			refs = append(refs, ImageRef{names[k], i, s.Name(i), classNames[s.Label(i)]})
		}
	}
	return refs, func(i int) (*vision.Image, error) { return of[refs[i].Split].Image(refs[i].Index) }
}

// look reads each image once and finds duplicates and images of poor quality.
func (r *Inspection) look(ctx context.Context, refs []ImageRef, images func(i int) (*vision.Image, error)) error {
	prints := make([]fingerprint, len(refs))
	measured := make([]quality, len(refs))
	group, working := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range refs {
		group.Go(func() error {
			if working.Err() != nil {
				return context.Cause(working)
			}
			img, err := images(i)
			if err != nil {
				return err
			}
			prints[i] = fingerprintOf(img)
			measured[i] = measure(img)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("insight: reading the images of %s was interrupted: %w", r.Data.Name, ctx.Err())
		}
		return err
	}
	if err := r.compare(ctx, refs, prints); err != nil {
		return err
	}
	for i, q := range measured {
		switch {
		case q.luminance < darkest:
			r.Dark = append(r.Dark, ImageIssue{refs[i], q.luminance})
		case q.luminance > brightest:
			r.Bright = append(r.Bright, ImageIssue{refs[i], q.luminance})
		case q.sharpness < blurriest:
			r.Blurred = append(r.Blurred, ImageIssue{refs[i], q.sharpness})
		}
	}
	byValue := func(a, b ImageIssue) int { return cmp.Compare(a.Value, b.Value) }
	slices.SortStableFunc(r.Dark, byValue)
	slices.SortStableFunc(r.Blurred, byValue)
	slices.SortStableFunc(r.Bright, func(a, b ImageIssue) int { return byValue(b, a) })
	return nil
}

// compare finds the duplicates. Held-out images come first, so that others are copies of them: they are the ones to
// keep.
func (r *Inspection) compare(ctx context.Context, refs []ImageRef, prints []fingerprint) error {
	labels, order, plain := make([]string, len(refs)), make([]int, len(refs)), 0
	for i, ref := range refs {
		labels[i], order[i] = ref.Class, i
		if prints[i].thumb == nil {
			plain++
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(refs[b].held(), refs[a].held()) })
	pairs, err := nearDuplicates(ctx, prints, labels, order)
	if err != nil {
		return err
	}
	for _, p := range pairs {
		a, b := refs[p.a], refs[p.b]
		r.Duplicates = append(r.Duplicates, Duplicate{A: a, B: b, Correlation: p.correlation, Mirrored: p.mirrored,
			AcrossSplits: a.Split != b.Split, OtherLabel: a.Class != b.Class})
	}
	slices.SortStableFunc(r.Duplicates, func(a, b Duplicate) int { return cmp.Compare(b.suspicion(), a.suspicion()) })
	if plain > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d images are nearly of one colour; they count as duplicates only of images that are equal to the byte.", plain))
	}
	return nil
}

// suspicion is higher for pairs that do more harm.
func (d Duplicate) suspicion() (n int) {
	if d.OtherLabel {
		n += 2
	}
	if d.AcrossSplits {
		n++
	}
	return n
}

// held is 1 for an image that is held out of training, else 0.
func (i ImageRef) held() int {
	if i.Split == "train" {
		return 0
	}
	return 1
}

// featuresOf returns the features of all splits, in the order of everyImage.
func featuresOf(d *datasets.Dataset, m *zoo.Model) (*zoo.Features, error) {
	var all *zoo.Features
	_, splits := splitsOf(d)
	for _, s := range splits {
		f, err := m.Features(s, "", zoo.FeatureOptions{Pool: true})
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = f
			continue
		}
		all.Values, all.Labels = append(all.Values, f.Values...), append(all.Labels, f.Labels...)
	}
	return all, nil
}

// checkLabels finds wrong labels. A class of one image is left out: no fit on other images knows it.
func (r *Inspection) checkLabels(ctx context.Context, f *zoo.Features, refs []ImageRef, o InspectOptions) error {
	c := repeated(f, len(r.Data.Classes))
	r.Checked = c.Len()
	if left := f.Len() - c.Len(); left > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d labels are not checked, each that of the only image of its class; more images of such classes help.", left))
	}
	if c.Len() == 0 {
		return nil
	}
	p, err := logistic.OutOfFold(ctx, c, c.labels, len(c.classes), o.Folds, 0)
	if err != nil {
		return fmt.Errorf("insight: predicting the labels of %s: %w", r.Data.Name, err)
	}
	r.Accuracy = agreement(p, c.labels)
	wrong, share := wrongLabels(p, c.labels, len(c.classes))
	r.Noise = share
	named := suspicious(wrong, p, c.labels)
	if o.ConfidentLearning {
		named = mislabelled(p, c.labels, len(c.classes))
	}
	names := classnames.Distinct(r.Data.Classes)
	for _, k := range named {
		best := numbers.Argmax(p[k])
		r.Labels = append(r.Labels, LabelIssue{refs[c.rows[k]], names[c.classes[best]], p[k][best], p[k][c.labels[k]], wrong[k]})
	}
	return nil
}

// checkable are the examples of the classes that have at least two: [logistic.Rows] with labels.
type checkable struct {
	*zoo.Features
	// rows are the places of the examples among the features, labels their classes' places in classes.
	rows, labels []int
	// classes are the classes' places in the data set.
	classes []int
}

// Len returns the number of examples.
func (c checkable) Len() int { return len(c.rows) }

// Row returns the features of example k.
func (c checkable) Row(k int) []float32 { return c.Features.Row(c.rows[k]) }

// repeated returns the examples of the classes that have at least two.
func repeated(f *zoo.Features, classes int) checkable {
	c := checkable{Features: f}
	count, place := make([]int, classes), make([]int, classes)
	for _, label := range f.Labels {
		count[label]++
	}
	for class, n := range count {
		if n >= 2 {
			place[class] = len(c.classes)
			c.classes = append(c.classes, class)
		}
	}
	for i, label := range f.Labels {
		if count[label] >= 2 {
			c.rows, c.labels = append(c.rows, i), append(c.labels, place[label])
		}
	}
	return c
}

// agreement returns the share of the labels that are the most probable class.
func agreement(probabilities [][]float64, labels []int) float64 {
	hits := 0
	for i, label := range labels {
		if numbers.Argmax(probabilities[i]) == label {
			hits++
		}
	}
	return float64(hits) / float64(len(labels)) // one division: a sum of shares may exceed 1
}
