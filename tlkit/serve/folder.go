package serve

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/internal/imagefiles"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// PredictFolder classifies the images of a folder and of those below it, linked ones too, and yields them sorted by
// path, each as soon as it and those before it are classified. Files that are no images are left out, unless they have
// the name of one; these, images that can't be classified and folders that can't be read are yielded with their errors.
// The images wait for places in the queue, of which they take half at most. They end early when ctx ends.
func (p *Predictor) PredictFolder(ctx context.Context, dir string) (iter.Seq[zoo.FilePrediction], error) {
	if info, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("serve: the folder to classify: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("serve: %s is no folder; classify a single file with PredictFile", dir)
	}
	files, unread := imagefiles.Below(dir)
	found := make([]zoo.FilePrediction, 0, len(files)+len(unread))
	for _, f := range files {
		found = append(found, zoo.FilePrediction{File: f})
	}
	for _, f := range unread {
		found = append(found, zoo.FilePrediction{File: f.Path, Err: f.Err})
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("serve: %s has no files", dir)
	}
	slices.SortStableFunc(found, func(a, b zoo.FilePrediction) int { return imagefiles.Compare(a.File, b.File) })
	return func(yield func(zoo.FilePrediction) bool) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		for one := range p.predictAll(ctx, dir, found) {
			f, ok := <-one
			if ctx.Err() != nil || ok && !yield(f) {
				return
			}
		}
	}, nil
}

// predictAll classifies files, a few of them at once. The channels come in the order of the files; that of a file which
// is left out is closed without a value.
func (p *Predictor) predictAll(ctx context.Context, dir string, files []zoo.FilePrediction) <-chan chan zoo.FilePrediction {
	atOnce := max(1, min(p.opts.Queue/2, 2*p.opts.MaxBatch+2*runtime.GOMAXPROCS(0)))
	all := make(chan chan zoo.FilePrediction, atOnce-1)
	go func() {
		defer close(all)
		for _, f := range files {
			one := make(chan zoo.FilePrediction, 1)
			select {
			case all <- one:
			case <-ctx.Done():
				return
			}
			go func() {
				defer close(one)
				if f.Err == nil {
					f.Prediction, f.Err = p.best(ctx, filepath.Join(dir, filepath.FromSlash(f.File)))
				}
				if !leftOut(f) {
					one <- f
				}
			}()
		}
	}()
	return all
}

// best returns the most probable class of an image file, when the queue has room for it.
func (p *Predictor) best(ctx context.Context, path string) (zoo.Prediction, error) {
	if err := p.queueUp(ctx); err != nil {
		return zoo.Prediction{}, err
	}
	found, err := p.predictFile(ctx, path, 1)
	if err != nil {
		return zoo.Prediction{}, err
	}
	return found[0], nil
}

// leftOut reports whether a file is no image, nor has the name of one.
func leftOut(f zoo.FilePrediction) bool {
	return (errors.Is(f.Err, vision.ErrFormat) || errors.Is(f.Err, vision.ErrEmpty)) && !imagefiles.Named(f.File)
}
