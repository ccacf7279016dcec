package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// drawings is a split of n images of noise.
func drawings(t testing.TB, n int) *datasets.Split {
	t.Helper()
	names, labels := make([]string, n), make([]int, n)
	for i := range names {
		names[i], labels[i] = fmt.Sprint(i), i%2
	}
	s, err := datasets.NewSplit(2, names, labels, func(i int) (*vision.Image, error) {
		m := vision.New(60+i, 50)
		rng := vision.NewRand(9, uint64(i))
		for k := range m.Pix {
			m.Pix[k] = uint8(rng.UintN(256))
		}
		return m, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var smallPre = vision.Preprocess{Resize: 36, Crop: 32}

// TestBatches: images come out of the pipeline in order, and as they are prepared one by one, wherever they are kept.
func TestBatches(t *testing.T) {
	split := drawings(t, 23)
	for _, size := range []int{1, 5, 23} {
		for _, aug := range []vision.Augment{{}, vision.StandardAugment(), vision.CIFARAugment()} {
			for _, kept := range []Recipe{{MemoryLimit: 1 << 30}, {MemoryLimit: 1, DiskLimit: 1 << 30}, {MemoryLimit: 100_000, DiskLimit: 1 << 30}, {MemoryLimit: 1}} {
				cache := newDecoded(kept, t.TempDir())
				s := newImages(split, smallPre, aug, 4, 32, cache)
				for epoch := range 3 {
					at := 0
					all := order(s.len(), 1, epoch)
					for b := range batches(t.Context(), s, all, size, epoch) {
						if b.err != nil {
							t.Fatal(b.err)
						}
						pix := tensors.MustCopyFlatData[uint8](b.inputs)
						for k := range b.n {
							i := all[at]
							at++
							m, err := split.Image(i)
							if err != nil {
								t.Fatal(err)
							}
							want := smallPre.ApplyAugmented(aug, vision.NewRand(4, uint64(epoch), uint64(i)), m)
							if !bytes.Equal(pix[k*32*32*3:(k+1)*32*32*3], want.Pix) {
								t.Fatalf("batches of %d, %+v, %+v, epoch %d, image %d: other pixels", size, aug, kept, epoch, i)
							}
						}
						b.release()
					}
					if at != s.len() {
						t.Fatalf("%d of %d images came", at, s.len())
					}
				}
				cache.close()
			}
		}
	}
}

// TestSteadyStateAllocatesNothing counts allocations of whole epochs: there are some for a batch, none for an image.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	const n, size = 256, 64
	s := newImages(drawings(t, n), smallPre, vision.StandardAugment(), 0, 32, newDecoded(Recipe{MemoryLimit: 1 << 30}, ""))
	epoch := func(e int) {
		for b := range batches(context.Background(), s, order(s.len(), 0, e), size, e) {
			if b.err != nil {
				t.Fatal(b.err)
			}
			b.release()
		}
	}
	for e := range 4 {
		epoch(e)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const epochs = 4
	for e := range epochs {
		epoch(4 + e)
	}
	runtime.ReadMemStats(&after)
	perImage := float64(after.Mallocs-before.Mallocs) / (n * epochs)
	bytesPerImage := float64(after.TotalAlloc-before.TotalAlloc) / (n * epochs)
	t.Logf("%.2f allocations and %.0f bytes per image", perImage, bytesPerImage)
	if perImage > 0.9 || bytesPerImage > 1000 { // an image has 3,072 bytes
		t.Errorf("%.2f allocations and %.0f bytes per image, want only what a batch of %d needs", perImage, bytesPerImage, size)
	}
}

// TestDecodedClose: who still prepares images while the cache is closed finds them there or decodes them again.
func TestDecodedClose(t *testing.T) {
	split := drawings(t, 20)
	cache := newDecoded(Recipe{MemoryLimit: 1, DiskLimit: 1 << 30}, t.TempDir())
	s := newImages(split, smallPre, vision.StandardAugment(), 0, 32, cache)
	var group sync.WaitGroup
	for e := range 4 {
		group.Go(func() {
			for b := range batches(t.Context(), s, ascending(s.len()), 3, e) {
				if b.err != nil {
					t.Error(b.err)
					return
				}
				b.release()
			}
		})
	}
	cache.close()
	group.Wait()
	cache.close()
}

func TestSpill(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no file for decoded images on Windows")
	}
	s := &spill{dir: t.TempDir(), limit: 3 << 20}
	defer s.close()
	var all [][]byte
	for i := range 10 {
		pix := bytes.Repeat([]byte{byte(i + 1)}, 500_000)
		all = append(all, s.put(pix))
	}
	fit := 0
	for i, pix := range all {
		if pix == nil {
			continue
		}
		fit++
		if len(pix) != 500_000 || pix[0] != byte(i+1) || pix[499_999] != byte(i+1) {
			t.Errorf("image %d is another one", i)
		}
	}
	if fit != 6 {
		t.Errorf("%d images of 500 kB in a file of 3 MiB, want 6", fit)
	}
	if (&spill{dir: t.TempDir(), limit: -1}).put([]byte{1}) != nil {
		t.Error("a file was made against the limit")
	}
	if (&spill{dir: filepath.Join(t.TempDir(), "none"), limit: 1 << 20}).put([]byte{1}) != nil {
		t.Error("a file in a folder that is not there")
	}
}

// TestGoexit: a function of an image that ends its goroutine, as one of a stopped cell does, gives no batch with
// missing images.
func TestGoexit(t *testing.T) {
	split, err := datasets.NewSplit(2, []string{"a", "b", "c"}, []int{0, 1, 0}, func(i int) (*vision.Image, error) {
		if i == 1 {
			runtime.Goexit()
		}
		return vision.New(40, 40), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s := newImages(split, smallPre, vision.Augment{}, 4, 32, newDecoded(Recipe{MemoryLimit: 1}, t.TempDir()))
	if _, err := s.batch([]int{0, 1, 2}, 0); !errors.Is(err, errGoexit) {
		t.Errorf("the batch ended with %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var last error
	out := produce(context.Background(), []int{0}, 1, func(int, []int) batch {
		b, open := <-batches(ctx, s, []int{1}, 1, 0)
		if !open {
			return batch{err: ctx.Err()}
		}
		return b
	})
	cancel()
	for b := range out {
		last = b.err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("in a stopped training it ended with %v, want %v", last, context.Canceled)
	}
}
