package tlkit

import (
	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/insight"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// GradCAM returns the parts of an image that speak for a class, "" for the most probable one (Selvaraju et al. 2017).
// The last value of a cell shows the map over the image; Values has the numbers. See [insight.GradCAM].
func GradCAM(model *Model, image *vision.Image, class string, opts ...CAMOptions) (*Heatmap, error) {
	return insight.GradCAM(model, image, class, opts...)
}

// MustGradCAM is [GradCAM] that panics on an error.
func MustGradCAM(model *Model, image *vision.Image, class string, opts ...CAMOptions) *Heatmap {
	return must(GradCAM(model, image, class, opts...))
}

// Occlusion returns the parts of an image whose covering makes a class less probable, "" for the most probable one
// (Zeiler and Fergus 2014). It needs no gradients and is slower than [GradCAM]. See [insight.Occlusion].
func Occlusion(model *Model, image *vision.Image, class string, opts ...OcclusionOptions) (*Heatmap, error) {
	return insight.Occlusion(model, image, class, opts...)
}

// MustOcclusion is [Occlusion] that panics on an error.
func MustOcclusion(model *Model, image *vision.Image, class string, opts ...OcclusionOptions) *Heatmap {
	return must(Occlusion(model, image, class, opts...))
}

// FeatureMaps returns what each channel of a stage makes of an image. The last value of a cell shows the maps that
// differ most from place to place. See [insight.FeatureMaps].
func FeatureMaps(model *Model, image *vision.Image, opts ...FeatureMapOptions) (*FeatureMap, error) {
	return insight.FeatureMaps(model, image, opts...)
}

// MustFeatureMaps is [FeatureMaps] that panics on an error.
func MustFeatureMaps(model *Model, image *vision.Image, opts ...FeatureMapOptions) *FeatureMap {
	return must(FeatureMaps(model, image, opts...))
}

// Filters returns the kernels of a model's first convolution, which reads the image's colours. The last value of a cell
// shows them. See [insight.Filters].
func Filters(model *Model, opts ...FilterOptions) (*Filter, error) {
	return insight.Filters(model, opts...)
}

// MustFilters is [Filters] that panics on an error.
func MustFilters(model *Model, opts ...FilterOptions) *Filter { return must(Filters(model, opts...)) }

// EmbeddingMap maps the images of a split to a plane by their features (principal component analysis): classes that lie
// apart are easy for the model. The last value of a cell shows the map, with the images under the pointer. See
// [insight.EmbeddingMap], also for t-SNE.
func EmbeddingMap(model *Model, split *datasets.Split, opts ...EmbeddingOptions) (*Embedding, error) {
	return insight.EmbeddingMap(model, split, opts...)
}

// MustEmbeddingMap is [EmbeddingMap] that panics on an error.
func MustEmbeddingMap(model *Model, split *datasets.Split, opts ...EmbeddingOptions) *Embedding {
	return must(EmbeddingMap(model, split, opts...))
}

// Inspect looks for images that harm a training: labels that are probably wrong, near-duplicates
// within and across splits, outliers, images too dark, too bright or blurred:
//
//	report := tlkit.MustInspect(ants)
//	clean, err := ants.Without(report.Extra()...)
//
// The last value of a cell shows the images. Nothing is changed by it. See [insight.Inspect].
func Inspect(data *datasets.Dataset, opts ...InspectOptions) (*Inspection, error) {
	return insight.Inspect(data, opts...)
}

// MustInspect is [Inspect] that panics on an error.
func MustInspect(data *datasets.Dataset, opts ...InspectOptions) *Inspection {
	return must(Inspect(data, opts...))
}

// Rank estimates which of several pretrained models suits the training images best, without training any (LogME, You et
// al. 2021; H-score; NCE; cross-validated logistic regression). The last value of a cell shows a table and a chart. See
// [insight.Rank].
func Rank(data *datasets.Dataset, models ...*Model) (Ranking, error) {
	return insight.Rank(data, models...)
}

// MustRank is [Rank] that panics on an error.
func MustRank(data *datasets.Dataset, models ...*Model) Ranking { return must(Rank(data, models...)) }

// Diagram draws the stages of a model's [Summary], coloured by what training does with them: frozen, trained, or new,
// for the stages named by fresh, such as "head". See [insight.Diagram].
func Diagram(s *ModelSummary, fresh ...string) plots.Figure { return insight.Diagram(s, fresh...) }

// CompareWeights compares two models of one architecture layer by layer: what fine-tuning moved. The last value of a
// cell shows a chart. See [insight.CompareWeights].
func CompareWeights(before, after *Model) (*WeightChanges, error) {
	return insight.CompareWeights(before, after)
}

// MustCompareWeights is [CompareWeights] that panics on an error.
func MustCompareWeights(before, after *Model) *WeightChanges {
	return must(CompareWeights(before, after))
}
