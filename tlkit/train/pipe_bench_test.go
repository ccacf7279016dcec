package train

import (
	"context"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

func BenchmarkEpochInputs(b *testing.B) {
	ds, err := datasets.ImageFolder(testutil.Shared(b, "data/hymenoptera_data.zip"), datasets.Options{SkipCheck: true})
	if err != nil {
		b.Fatal(err)
	}
	pre := vision.Preprocess{Resize: 256, Crop: 224, Mean: vision.ImageNetMean, Std: vision.ImageNetStd}
	for _, aug := range []struct {
		name string
		aug  vision.Augment
	}{{"plain", vision.Augment{}}, {"resizedcrop", vision.StandardAugment()}} {
		s := newImages(ds.Train, pre, aug.aug, 0, 224, newDecoded(Recipe{MemoryLimit: 2 << 30}, b.TempDir()))
		epoch := func(e int) {
			for bt := range batches(context.Background(), s, order(s.len(), 0, e), 4, e) {
				if bt.err != nil {
					b.Fatal(bt.err)
				}
				bt.release()
			}
		}
		b.Run(aug.name+"/first", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s = newImages(ds.Train, pre, aug.aug, 0, 224, newDecoded(Recipe{MemoryLimit: 2 << 30}, b.TempDir()))
				epoch(0)
			}
		})
		b.Run(aug.name+"/later", func(b *testing.B) {
			b.ReportAllocs()
			e := 1
			for b.Loop() {
				epoch(e)
				e++
			}
		})
	}
}
