package insight

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"runtime"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/classnames"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/internal/optional"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/insight/internal/tsne"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// EmbeddingOptions are the options of [EmbeddingMap].
type EmbeddingOptions struct {
	// Stage is the stage whose output is mapped, averaged over places (see [zoo.Model.Stages]); "" means the last,
	// whose features the output layer classifies.
	Stage string
	// Images is the largest number of images, evenly chosen from the split; 0 means 1,000. t-SNE takes at most 5,000.
	Images int
	// Method is "pca", principal components, the default, or "tsne".
	Method string
	// Perplexity is the number of neighbours that t-SNE keeps near each image, smoothly counted; 0 means 30, and with
	// fewer than 90 images a third of them.
	Perplexity float64
	// Seed is of t-SNE: 0 begins at the principal components, others at random places. A pattern that some seeds do not
	// show is no property of the images.
	Seed uint64
}

// The methods of [EmbeddingOptions].
const (
	methodPCA  = "pca"
	methodTSNE = "tsne"
)

// Embedding is a map of the images of a split by their features; see [EmbeddingMap].
type Embedding struct {
	// Model and Stage name the network and the stage.
	Model, Stage string
	// Method is "pca" or "tsne".
	Method string
	// Points has the place of each image: with PCA its first and second principal component.
	Points [][2]float64
	// Index, Labels and Names are, for each point, its image's place in the split, its class's index and its name.
	Index, Labels []int
	Names         []string
	// Explained has each principal component's share of the variance of all features, in [0, 1]; zero for t-SNE.
	Explained [2]float64
	// Perplexity and Divergence are those of t-SNE, zero for PCA: the divergence is that of Kullback and Leibler, in
	// nats, which the map makes small.
	Perplexity, Divergence float64

	split *datasets.Split
}

// EmbeddingMap maps the images of a split to a plane by the two directions in which their features differ most: a
// principal component analysis (Pearson 1901). Classes that lie apart in it are easy for the features; of classes that
// lie together it says nothing, since other directions may tell them apart. The signs of the components are those of
// scikit-learn: the largest weight is positive.
//
// With EmbeddingOptions.Method "tsne" the map keeps neighbours together (van der Maaten and Hinton 2008), and so uses
// all directions: groups that PCA lays over each other come apart. Sizes of groups and distances between them mean
// nothing then. 1,000 images take a few seconds, and four times as long for twice as many.
//
// The last value of a cell shows the map, with the images under the pointer.
func EmbeddingMap(m *zoo.Model, split *datasets.Split, opts ...EmbeddingOptions) (*Embedding, error) {
	if m == nil {
		return nil, errNoModel
	}
	o, err := optional.One("insight: EmbeddingMap", opts)
	if err != nil {
		return nil, err
	}
	o.Images = cmp.Or(o.Images, 1000)
	if split == nil || split.Len() < 3 || o.Images < 3 {
		return nil, errors.New("insight: EmbeddingMap needs a split with at least 3 images, and EmbeddingOptions.Images of at least 3 (0: 1,000)")
	}
	o.Method = cmp.Or(o.Method, methodPCA)
	if o.Method != methodPCA && o.Method != methodTSNE {
		return nil, fmt.Errorf("insight: EmbeddingOptions.Method is %q; expected \"pca\" or \"tsne\"", o.Method)
	}
	n := min(split.Len(), o.Images)
	e := &Embedding{Method: o.Method, Model: nameOf(m), split: split}
	for k := range n {
		i := k * split.Len() / n
		e.Index, e.Labels, e.Names = append(e.Index, i), append(e.Labels, split.Label(i)), append(e.Names, split.Name(i))
	}
	f, err := m.Features(split.Subset(e.Index), o.Stage, zoo.FeatureOptions{Pool: true})
	if err != nil {
		return nil, err
	}
	e.Stage = f.Stage
	if err = checkFeatures(f); err == nil {
		err = e.place(f, o)
	}
	if err != nil {
		return nil, fmt.Errorf("insight: %s at %q: %w", e.Model, e.Stage, err)
	}
	return e, nil
}

// place fills in the points.
func (e *Embedding) place(f *zoo.Features, o EmbeddingOptions) (err error) {
	var start [][2]float64
	if o.Method == methodPCA || o.Seed == 0 {
		if start, e.Explained, err = components(f); err != nil || o.Method == methodPCA {
			e.Points = start
			return err
		}
		e.Explained = [2]float64{}
	}
	if e.Perplexity = o.Perplexity; e.Perplexity == 0 {
		e.Perplexity = min(30, float64(f.Len())/3)
	}
	x := make([][]float64, f.Len())
	for i := range x {
		for _, v := range f.Row(i) {
			x[i] = append(x[i], float64(v))
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	const steps = 1000
	bar := &waitBar{began: time.Now(), total: steps, what: "t-SNE"}
	defer bar.end()
	e.Points, e.Divergence, err = tsne.Embed(ctx, x, tsne.Options{Perplexity: e.Perplexity, Iterations: steps, Start: start, Seed: o.Seed, Progress: bar.step})
	return err
}

// waitBar shows in a notebook how far a computation of more than a second is. Its errors are dropped: the computation
// goes on where it can't be shown.
type waitBar struct {
	what         string
	began, shown time.Time
	total        int
	line         *plots.Live // nil before the first second is over
}

// step is called with the number of steps done.
func (b *waitBar) step(done int) {
	if now := time.Now(); gonbui.IsNotebook && now.Sub(b.began) > time.Second && now.Sub(b.shown) > 300*time.Millisecond {
		if b.line == nil {
			b.line = plots.NewLive()
		}
		b.shown = now
		text := fmt.Sprintf("%s: %d of %d steps", b.what, done, b.total)
		b.line.Update(plots.Progress(float64(done)/float64(b.total), text))
	}
}

// end replaces the bar by the time that it took.
func (b *waitBar) end() {
	if b.line != nil {
		b.line.Update(plots.Sentence(fmt.Sprintf("%s: %.0f s", b.what, time.Since(b.began).Seconds())))
	}
}

// components returns the first two principal components of each row, and their shares of the variance. Of a single
// column the second component is 0.
func components(f *zoo.Features) (points [][2]float64, explained [2]float64, err error) {
	n, width := f.Len(), f.Width()
	x := mat.NewDense(n, width, nil)
	means := make([]float64, width)
	for i := range n {
		for j, v := range f.Row(i) {
			if !numbers.Finite(float64(v)) {
				return nil, explained, fmt.Errorf("the features of image %d are not finite", i)
			}
			x.Set(i, j, float64(v))
			means[j] += float64(v) / float64(n)
		}
	}
	var pc stat.PC
	if !pc.PrincipalComponents(x, nil) {
		return nil, explained, errors.New("the principal components of the features did not converge")
	}
	variances := pc.VarsTo(nil)
	var vectors mat.Dense
	pc.VectorsTo(&vectors)
	total := 0.0
	for _, v := range variances {
		total += v
	}
	points = make([][2]float64, n)
	_, found := vectors.Dims()
	for k := range min(2, found) {
		direction := mat.Col(nil, k, &vectors)
		sign := signOf(direction)
		if total > 0 {
			explained[k] = variances[k] / total
		}
		for i := range n {
			sum := 0.0
			for j, w := range direction {
				sum += w * (x.At(i, j) - means[j])
			}
			points[i][k] = sign * sum
		}
	}
	return points, explained, nil
}

// signOf returns 1 or -1, the sign of the value that is largest in size.
func signOf(values []float64) float64 {
	most := 0.0
	for _, v := range values {
		if math.Abs(v) > math.Abs(most) {
			most = v
		}
	}
	return math.Copysign(1, most)
}

// thumbnailSide is the longest side, in pixels, of the images that a map keeps.
const thumbnailSide = 80

// Figure is the map; an image's name, class and small copy show under the pointer. It reads the images, of which
// [plots.ScatterImages] have a copy, evenly chosen.
func (e *Embedding) Figure() (plots.Figure, error) {
	points, names := make([]plots.ScatterPoint, len(e.Points)), classnames.Distinct(e.split.Classes())
	for i, p := range e.Points {
		points[i] = plots.ScatterPoint{X: p[0], Y: p[1], Class: names[e.Labels[i]], Name: e.Names[i]}
	}
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	shown := min(len(points), plots.ScatterImages)
	for k := range shown {
		i := k * len(points) / shown
		group.Go(func() error {
			img, err := e.split.Image(e.Index[i])
			if err != nil {
				return err
			}
			if longest := max(img.Width, img.Height); longest > thumbnailSide {
				img = vision.Resize(img, max(1, img.Width*thumbnailSide/longest), max(1, img.Height*thumbnailSide/longest), vision.Bilinear)
			}
			points[i].Image = img.ToImage()
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	note := fmt.Sprintf("principal components of the features at %s: %.0f%% and %.0f%% of their variance", e.Stage, 100*e.Explained[0], 100*e.Explained[1])
	labels := [2]string{"first component", "second component"}
	if e.Method == methodTSNE {
		note = fmt.Sprintf("t-SNE of the features at %s, perplexity %.3g: near images are alike; distances between groups mean nothing", e.Stage, e.Perplexity)
		labels = [2]string{"t-SNE 1", "t-SNE 2"}
	}
	if n := e.split.Len(); n > len(points) {
		note += fmt.Sprintf("; %d of %d images", len(points), n)
	}
	return plots.Scatter(e.Model, points, plots.ScatterOptions{XLabel: labels[0], YLabel: labels[1], Note: note}), nil
}

// Bundle is the figure. A notebook shows it for a cell that ends in the map.
func (e *Embedding) Bundle() (map[string]any, error) {
	f, err := e.Figure()
	if err != nil {
		return nil, err
	}
	return f.Bundle()
}
