package zoo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tlkit-go/tlkit-notebooks/internal/csvfile"
	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/internal/imagefiles"
	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/tables"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// FilePrediction is a model's prediction for an image file.
type FilePrediction struct {
	// File is the path below the folder, with slashes.
	File string
	// Prediction is the most probable class; the zero value where Err is set.
	Prediction
	// Err is the reason why a file could not be classified: a broken image, one of a format that is not read, or
	// outputs that are no finite numbers.
	Err error
}

// FolderPrediction holds a model's predictions for the images of a folder; see [Model.PredictFolder].
type FolderPrediction []FilePrediction

// folderBatch is the number of images that are decoded and classified at once.
const folderBatch = 32

// PredictFolder classifies the images of a folder and of the folders below it, linked ones too, sorted by path, each
// rotated and flipped upright by its EXIF orientation. Files that are no images are left out, as are hidden files and
// folders; an image that can't be classified and a folder that can't be read are listed with their errors. It fails if
// there is no image at all. An interrupt and a failure of the model end it: it then returns the predictions so far with
// an error.
func (m *Model) PredictFolder(dir string) (FolderPrediction, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return m.predictFolder(ctx, dir)
}

func (m *Model) predictFolder(ctx context.Context, dir string) (FolderPrediction, error) {
	dir, err := folderToClassify(dir)
	if err != nil {
		return nil, err
	}
	files, unread := imagefiles.Below(dir)
	var all FolderPrediction
	for _, f := range unread {
		all = append(all, FilePrediction{File: f.Path, Err: f.Err})
	}
	done := 0
	for some := range slices.Chunk(files, folderBatch) {
		if err := ctx.Err(); err != nil {
			return all.sorted(), fmt.Errorf("zoo: %s: interrupted after %d of %d files, whose predictions are returned: %w", dir, done, len(files), err)
		}
		found, err := m.predictFiles(dir, some)
		done, all = done+len(some), append(all, found...)
		if err != nil {
			return all.sorted(), err
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("zoo: %s has no images to classify among %d files; expected %s", dir, len(files), strings.Join(vision.Formats(), ", "))
	}
	return all.sorted(), nil
}

// folderToClassify returns the path of a folder with a leading ~ expanded.
func folderToClassify(dir string) (string, error) {
	if dir == "" {
		return "", errors.New(`zoo: the folder to classify has no name; give its path, or "." for the working folder`)
	}
	path, err := fetch.ExpandHome(dir)
	if err != nil {
		return "", fmt.Errorf("zoo: the folder to classify: %w", err)
	}
	if info, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("zoo: the folder to classify: %w", whereLooked(path, err))
	} else if !info.IsDir() {
		return "", fmt.Errorf("zoo: %s is no folder; classify a single file with PredictFile", path)
	}
	return path, nil
}

// sorted returns the predictions in the order of the paths.
func (f FolderPrediction) sorted() FolderPrediction {
	slices.SortStableFunc(f, func(a, b FilePrediction) int { return imagefiles.Compare(a.File, b.File) })
	return f
}

// predictFiles classifies some files of a folder in one batch. With an error it returns the predictions before it.
func (m *Model) predictFiles(dir string, files []string) (FolderPrediction, error) {
	images, errs := make([]*vision.Image, len(files)), make([]error, len(files))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, file := range files {
		group.Go(func() error {
			images[i], errs[i] = vision.DecodeFile(filepath.Join(dir, filepath.FromSlash(file)), m.Decoding())
			return nil
		})
	}
	group.Wait() // no function returns an error
	var readable []*vision.Image
	for _, image := range images {
		if image != nil {
			readable = append(readable, image)
		}
	}
	logits, err := m.Logits(readable)
	if err != nil {
		return nil, err
	}
	var all FolderPrediction
	for i, file := range files {
		switch {
		case images[i] != nil:
			one, err := m.predictFile(file, logits[0])
			if err != nil {
				return all, err
			}
			all, logits = append(all, one), logits[1:]
		case imagefiles.Named(file) || errors.As(errs[i], new(*vision.UnsupportedError)):
			all = append(all, FilePrediction{File: file, Err: errs[i]})
		}
	}
	return all, nil
}

// predictFile returns the class of a file by its logits. Logits of one image that are no finite numbers are its own
// error, unless the weights are none either: then no image has a class.
func (m *Model) predictFile(file string, logits []float32) (FilePrediction, error) {
	if err := m.CheckLogits(logits); err != nil {
		if bad, _ := m.notFinite(); len(bad) > 0 {
			return FilePrediction{}, fmt.Errorf("%w (image %s)", err, file)
		}
		return FilePrediction{File: file, Err: err}, nil
	}
	p := m.Probabilities(logits)
	best := numbers.Argmax(p)
	return FilePrediction{File: file, Prediction: m.prediction(best, p[best])}, nil
}

// ClassCounts are numbers of images by class. A notebook shows them as a table, the most frequent class first.
type ClassCounts map[string]int

// classes returns the classes, the most frequent first.
func (c ClassCounts) classes() []string {
	return slices.SortedFunc(maps.Keys(c), func(a, b string) int { return cmp.Or(c[b]-c[a], cmp.Compare(a, b)) })
}

// Bundle returns a table with a row per class.
func (c ClassCounts) Bundle() (map[string]any, error) {
	var rows [][]string
	for _, class := range c.classes() {
		rows = append(rows, []string{class, fmt.Sprint(c[class])})
	}
	return tables.Table{Columns: []string{"class", "images"}, Rows: rows}.Bundle()
}

// Counts returns the number of images predicted as each class.
func (f FolderPrediction) Counts() ClassCounts {
	counts := map[string]int{}
	for _, p := range f {
		if p.Err == nil {
			counts[p.Class]++
		}
	}
	return counts
}

// WriteCSV writes a line per file: its path, the class, its probability, whether that is below the threshold of a
// calibrated model, and the error of a file that could not be read. Bytes of a name that are not UTF-8 are written as
// \xe9.
func (f FolderPrediction) WriteCSV(path string) error {
	rows := [][]string{{"file", "predicted", "probability", "uncertain", "error"}}
	for _, p := range f {
		if p.Err != nil {
			rows = append(rows, []string{p.File, "", "", "", p.Err.Error()})
			continue
		}
		rows = append(rows, []string{p.File, p.Class, fmt.Sprintf("%.6f", p.Probability), strconv.FormatBool(p.Uncertain), ""})
	}
	if err := csvfile.Write(path, rows); err != nil {
		return fmt.Errorf("zoo: writing the predictions: %w", err)
	}
	return nil
}

// String returns a line with the number of images of each class, the most frequent first.
func (f FolderPrediction) String() string {
	counts := f.Counts()
	classes := counts.classes()
	read := 0
	var parts []string
	for i, class := range classes {
		read += counts[class]
		if i < mostClasses {
			parts = append(parts, fmt.Sprintf("%d %s", counts[class], class))
		}
	}
	if len(classes) > mostClasses {
		parts = append(parts, fmt.Sprintf("and %d other classes", len(classes)-mostClasses))
	}
	text := strings.TrimSuffix(fmt.Sprintf("%d images: %s", read, strings.Join(parts, ", ")), ": ")
	if bad := len(f) - read; bad > 0 {
		text += fmt.Sprintf("; %d could not be read", bad)
	}
	return text
}

// mostClasses is the number of classes that a line names.
const mostClasses = 5

// Bundle returns a table of the files. A notebook shows it for a cell that ends in the predictions.
func (f FolderPrediction) Bundle() (map[string]any, error) {
	var rows [][]string
	for _, p := range f {
		if p.Err != nil {
			rows = append(rows, []string{p.File, "-", p.Err.Error()})
			continue
		}
		rows = append(rows, []string{p.File, p.Class, fmt.Sprintf("%.1f%%", 100*p.Probability)})
	}
	return tables.Table{Columns: []string{"file", "class", "probability"}, Rows: rows, Options: tables.Options{Caption: f.String()}}.Bundle()
}
