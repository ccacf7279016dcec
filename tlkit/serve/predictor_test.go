package serve

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

func TestMain(m *testing.M) {
	testutil.PureGo()
	m.Run()
}

func loadModel(t testing.TB) *zoo.Model {
	t.Helper()
	m, err := zoo.Load("resnet20.shapes")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// shapes returns validation images of the built-in data set.
func shapes(t testing.TB, n int) []*vision.Image {
	t.Helper()
	val := datasets.MustLoad("shapes").Val
	images := make([]*vision.Image, n)
	for i := range images {
		var err error
		if images[i], err = val.Image(i * val.Len() / n); err != nil {
			t.Fatal(err)
		}
	}
	return images
}

func pngOf(t testing.TB, m *vision.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m.ToImage()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestPredictIsTheModels holds that many goroutines get the predictions of Model.Predict, whatever batch
// an image is in.
func TestPredictIsTheModels(t *testing.T) {
	images := shapes(t, 12)
	alone := loadModel(t)
	want := make([][]zoo.Prediction, len(images))
	for i, m := range images {
		var err error
		if want[i], err = alone.Predict(m, 3); err != nil {
			t.Fatal(err)
		}
	}
	p, err := New(loadModel(t), Options{MaxBatch: 8})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var wait sync.WaitGroup
	for round := range 4 {
		for i := range images {
			wait.Go(func() {
				var got []zoo.Prediction
				var err error
				if round%2 == 0 {
					got, err = p.Predict(t.Context(), images[i], 3)
				} else {
					got, err = p.PredictBytes(t.Context(), pngOf(t, images[i]), 3)
				}
				if err != nil || len(got) != 3 {
					t.Errorf("image %d: %v, %v", i, got, err)
					return
				}
				for k := range got {
					if got[k].Class != want[i][k].Class || math.Abs(got[k].Probability-want[i][k].Probability) > 1e-5 {
						t.Errorf("image %d: %v, want %v", i, got, want[i])
					}
				}
			})
		}
	}
	wait.Wait()
}

// oriented returns an image as a PNG that a viewer turns upright by its EXIF: the pixels lie as the orientation says.
func oriented(t testing.TB, m *vision.Image, orientation int) []byte {
	t.Helper()
	n := m.Width // the images are square
	stored := vision.New(n, n)
	for y := range n {
		for x := range n {
			at := [...][2]int{{x, y}, {n - 1 - x, y}, {n - 1 - x, n - 1 - y}, {x, n - 1 - y}, {y, x}, {n - 1 - y, x}, {n - 1 - y, n - 1 - x}, {y, n - 1 - x}}[orientation-1]
			copy(stored.Pix[3*(n*y+x):][:3], m.Pix[3*(n*at[1]+at[0]):][:3])
		}
	}
	exif := append([]byte("eXIfMM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00"), byte(orientation), 0, 0, 0, 0, 0, 0)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(exif)-4))
	chunk = binary.BigEndian.AppendUint32(append(chunk, exif...), crc32.ChecksumIEEE(exif))
	const header = 8 + 25
	return slices.Insert(pngOf(t, stored), header, chunk...)
}

// TestOrientations: a service sees a photograph of each EXIF orientation as the notebook does, upright, and so does a
// model that was exported and read again.
func TestOrientations(t *testing.T) {
	img := shapes(t, 3)[1]
	own := loadModel(t)
	want, err := own.Predict(img, 3)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := own.Export(filepath.Join(dir, "m.safetensors")); err != nil {
		t.Fatal(err)
	}
	exported, err := zoo.LoadExported(filepath.Join(dir, "m.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	h := newTestHandler(t, Options{}, HandlerOptions{Name: "shapes"})
	check := func(who string, orientation int, got []zoo.Prediction, err error) {
		if err != nil || len(got) != len(want) {
			t.Fatalf("%s, orientation %d: %v, %v", who, orientation, got, err)
		}
		for k := range got {
			if got[k].Class != want[k].Class || math.Abs(got[k].Probability-want[k].Probability) > 1e-5 {
				t.Errorf("%s, orientation %d: %v, want %v", who, orientation, got, want)
			}
		}
	}
	for o := 1; o <= 8; o++ {
		data := oriented(t, img, o)
		path := filepath.Join(dir, fmt.Sprintf("%d.png", o))
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		got, err := own.PredictFile(path, 3)
		check("the notebook", o, got, err)
		got, err = exported.PredictFile(path, 3)
		check("the exported model", o, got, err)
		got, err = h.predictor.PredictBytes(t.Context(), data, 3)
		check("the service", o, got, err)
		got, err = h.predictor.PredictFile(t.Context(), path, 3)
		check("the service's folder", o, got, err)
		plain, err := vision.DecodeBytes(data)
		if err != nil {
			t.Fatal(err)
		}
		if same := slices.Equal(plain.Pix, img.Pix); same != (o == 1) {
			t.Errorf("orientation %d: without it the pixels are the image's: %v", o, same)
		}
	}
}

// gate is a network that waits for leave, and remembers its batches.
type gate struct {
	entered chan int
	leave   chan struct{}
	mu      sync.Mutex
	batches []int
	logits  []float32
}

func newGate() *gate {
	return &gate{entered: make(chan int, 100), leave: make(chan struct{}), logits: []float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}
}

func (g *gate) network(_ []uint8, n int) ([][]float32, error) {
	g.mu.Lock()
	g.batches = append(g.batches, n)
	g.mu.Unlock()
	g.entered <- n
	<-g.leave
	return slices.Repeat([][]float32{g.logits}, n), nil
}

func gated(t *testing.T, g *gate, o Options) *Predictor {
	t.Helper()
	o, err := o.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return start(loadModel(t), o, g.network)
}

// until waits until a condition holds.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come within a minute", what)
		}
	}
}

// TestBatches holds that images that wait are computed together, in groups whose sizes are powers of two.
func TestBatches(t *testing.T) {
	g := newGate()
	p := gated(t, g, Options{MaxBatch: 8, BatchWait: time.Minute})
	image := shapes(t, 1)[0]
	var wait sync.WaitGroup
	one := func() {
		wait.Go(func() {
			if _, err := p.Predict(context.Background(), image, 1); err != nil {
				t.Error(err)
			}
		})
	}
	one()
	if n := <-g.entered; n != 1 {
		t.Errorf("the first batch has %d images, want 1: an image alone does not wait", n)
	}
	for range 7 {
		one()
	}
	until(t, "seven images in the queue", func() bool { return len(p.jobs) == 7 })
	close(g.leave)
	wait.Wait()
	if want := []int{1, 4, 2, 1}; !slices.Equal(g.batches, want) {
		t.Errorf("batches of %v images, want %v", g.batches, want)
	}
	p.Close()
}

// TestQueueIsBounded holds that an image beyond the queue is refused at once, and taken when there is room again.
func TestQueueIsBounded(t *testing.T) {
	g := newGate()
	p := gated(t, g, Options{Queue: 2})
	image := shapes(t, 1)[0]
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() { p.Predict(context.Background(), image, 1) })
	}
	<-g.entered
	until(t, "two images", func() bool { return p.inside.Load() == 2 })
	if _, err := p.Predict(t.Context(), image, 1); !errors.Is(err, ErrBusy) {
		t.Errorf("a third image: %v, want ErrBusy", err)
	}
	close(g.leave)
	wait.Wait()
	if _, err := p.Predict(t.Context(), image, 1); err != nil {
		t.Errorf("an image after the queue was emptied: %v", err)
	}
	p.Close()
}

// TestContextIsObeyed holds that a cancelled image returns at once and is not computed.
func TestContextIsObeyed(t *testing.T) {
	g := newGate()
	p := gated(t, g, Options{})
	image := shapes(t, 1)[0]
	var wait sync.WaitGroup
	wait.Go(func() { p.Predict(context.Background(), image, 1) })
	<-g.entered
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("no longer wanted")
	failed := make(chan error)
	go func() {
		_, err := p.Predict(ctx, image, 1)
		failed <- err
	}()
	until(t, "the image in the queue", func() bool { return len(p.jobs) == 1 })
	cancel(why)
	if err := <-failed; !errors.Is(err, why) {
		t.Errorf("a cancelled image: %v, want the cause", err)
	}
	close(g.leave)
	wait.Wait()
	p.Close()
	if want := []int{1}; !slices.Equal(g.batches, want) {
		t.Errorf("batches of %v images, want %v: the cancelled one is not computed", g.batches, want)
	}
}

// TestClose holds that images in the queue are answered, and later ones refused.
func TestClose(t *testing.T) {
	g := newGate()
	p := gated(t, g, Options{})
	image := shapes(t, 1)[0]
	results := make(chan error, 3)
	for range 3 {
		go func() {
			_, err := p.Predict(context.Background(), image, 1)
			results <- err
		}()
	}
	<-g.entered
	until(t, "three images", func() bool { return p.inside.Load() == 3 })
	closed := make(chan struct{})
	go func() {
		p.Close()
		close(closed)
	}()
	until(t, "the predictor to close", func() bool {
		p.mu.RLock()
		defer p.mu.RUnlock()
		return p.closed
	})
	if _, err := p.Predict(t.Context(), image, 1); !errors.Is(err, ErrClosed) {
		t.Errorf("an image after Close: %v, want ErrClosed", err)
	}
	select {
	case <-closed:
		t.Error("Close returned before the images were computed")
	default:
	}
	close(g.leave)
	<-closed
	for range 3 {
		if err := <-results; err != nil {
			t.Errorf("an image that waited when the predictor was closed: %v", err)
		}
	}
	p.Close()
}

// TestPreparationWithoutEnd holds that a caller does not wait for a preparation after its context's end, nor Close,
// that the bytes are given back when they are read no longer, and that a preparation which panics is an error.
func TestPreparationWithoutEnd(t *testing.T) {
	p, err := New(loadModel(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.admit(1); err != nil {
		t.Fatal(err)
	}
	if _, err := p.predict(t.Context(), 1, func() ([]uint8, error) { panic("no such size") }, func() {}); !errors.Is(err, errCompute) {
		t.Errorf("a panic: %v, want errCompute", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	begun, end, unused := make(chan struct{}), make(chan struct{}), make(chan struct{})
	result := make(chan error, 1)
	if err := p.admit(1); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := p.predict(ctx, 1, func() ([]uint8, error) {
			close(begun)
			<-end
			return nil, errors.New("too late")
		}, func() { close(unused) })
		result <- err
	}()
	<-begun
	stop()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who has given up: %v, want the context's error", err)
	}
	p.Close()
	select {
	case <-unused:
		t.Error("the bytes were given back while they were read")
	default:
	}
	close(end)
	<-unused
}

// TestMemoryOfDecoding holds that an image which alone needs more than Options.MaxDecode is refused by its header.
func TestMemoryOfDecoding(t *testing.T) {
	p, err := New(loadModel(t), Options{MaxDecode: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	wrong := &vision.Image{Width: 4, Height: 4, Pix: make([]byte, 64)}
	if _, err := p.Predict(context.Background(), wrong, 1); err == nil || !strings.Contains(err.Error(), "has 64 bytes") {
		t.Errorf("an image with RGBA's bytes: %v", err)
	}
	if _, err := p.PredictBytes(t.Context(), pngOf(t, vision.New(100, 100)), 1); err != nil {
		t.Errorf("a small image: %v", err)
	}
	if _, err := p.PredictBytes(t.Context(), pngOf(t, vision.New(1000, 1000)), 1); !errors.Is(err, vision.ErrTooLarge) {
		t.Errorf("an image of a million pixels: %v, want ErrTooLarge", err)
	}
}

// TestThinImages holds that an image of one column is classified, or refused, in little memory.
func TestThinImages(t *testing.T) {
	thin := pngOf(t, vision.New(1, 400_000))
	for _, c := range []struct {
		name    string
		change  func(*zoo.Model)
		refused bool
	}{
		{"squashed", func(m *zoo.Model) { m.Preprocess.Resize, m.Preprocess.Crop, m.Preprocess.Squash = 32, 32, true }, false},
		{"cropped", func(m *zoo.Model) { m.Preprocess.Resize, m.Preprocess.Crop = 16, 32 }, false},
		{"not cropped", func(m *zoo.Model) { m.Preprocess.Resize, m.Preprocess.Crop = 32, 0 }, true},
	} {
		model := loadModel(t)
		c.change(model)
		p, err := New(model, Options{})
		if err != nil {
			t.Fatal(err)
		}
		before := allocatedBytes()
		if _, err := p.PredictBytes(t.Context(), thin, 1); (err != nil) != c.refused {
			t.Errorf("%s: error %v, refused should be %t", c.name, err, c.refused)
		}
		if taken := allocatedBytes() - before; taken > 30<<20 {
			t.Errorf("%s: %d MB for an image of 400,000 pixels", c.name, taken>>20)
		}
		p.Close()
	}
}

func allocatedBytes() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// TestPredictFolder holds that more images than the queue has places are all classified, in the order of their paths,
// and what becomes of other files.
func TestPredictFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	images := shapes(t, 40)
	var want []string
	for i, m := range images {
		name := fmt.Sprintf("many/%02d.png", i)
		write(name, pngOf(t, m))
		want = append(want, name)
	}
	write("caf\xe9/one.png", pngOf(t, images[0])) // in Latin-1
	write("broken.png", pngOf(t, images[0])[:100])
	write("empty.jpg", nil)
	write("photo.jpg", []byte("no image"))
	write("notes.txt", []byte("no image"))
	write(".hidden.png", pngOf(t, images[0]))
	if err := os.Symlink(filepath.Join(dir, "many", "00.png"), filepath.Join(dir, "linked.png")); err != nil {
		t.Fatal(err)
	}
	want = append([]string{"broken.png", "caf\xe9/one.png", "empty.jpg", "linked.png"}, append(want, "photo.jpg")...)
	p, err := New(loadModel(t), Options{Queue: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	found, err := p.PredictFolder(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for f := range found {
		got = append(got, f.File)
		bad := slices.Contains([]string{"broken.png", "empty.jpg", "photo.jpg"}, f.File)
		if (f.Err != nil) != bad || (f.Class == "") != bad {
			t.Errorf("%s: class %q, error %v", f.File, f.Class, f.Err)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("files %q\nwant %q", got, want)
	}
	for range found {
		break // who stops early does not hinder Close
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	found, err = p.PredictFolder(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for range found {
		if n++; n == 2 {
			stop()
		}
	}
	if n != 2 {
		t.Errorf("%d files after an interrupt behind the second", n)
	}
	for path, want := range map[string]string{filepath.Join(dir, "none"): "no such file", filepath.Join(dir, "notes.txt"): "no folder", t.TempDir(): "no files"} {
		if _, err := p.PredictFolder(t.Context(), path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

// TestFaultsOfTheNetwork holds that a panic, an error and NaN are errors of that image, and the next one is computed.
func TestFaultsOfTheNetwork(t *testing.T) {
	nan := float32(math.NaN())
	calls := 0
	answers := []func() ([][]float32, error){
		func() ([][]float32, error) { panic("index out of range") },
		func() ([][]float32, error) { return nil, errors.New("out of memory") },
		func() ([][]float32, error) { return [][]float32{{nan, 0, 0, 0, 0, 0, 0, 0, 0, 0}}, nil },
		func() ([][]float32, error) { return [][]float32{{0, 0, 9, 0, 0, 0, 0, 0, 0, 0}}, nil },
	}
	o, _ := Options{}.withDefaults()
	p := start(loadModel(t), o, func([]uint8, int) ([][]float32, error) {
		calls++
		return answers[calls-1]()
	})
	defer p.Close()
	image := shapes(t, 1)[0]
	for i := range 3 {
		if _, err := p.Predict(t.Context(), image, 1); !errors.Is(err, errCompute) {
			t.Errorf("fault %d: %v, want errCompute", i, err)
		}
	}
	if got, err := p.Predict(t.Context(), image, 1); err != nil || got[0].Index != 2 {
		t.Errorf("after the faults: %v, %v", got, err)
	}
}

// TestMisuse holds what wrong arguments give.
func TestMisuse(t *testing.T) {
	if _, err := New(nil, Options{}); err == nil {
		t.Error("New(nil) gives no error")
	}
	if _, err := New(loadModel(t), Options{Queue: -1}); err == nil {
		t.Error("a negative queue gives no error")
	}
	p, err := New(loadModel(t), Options{MaxPixels: 100 * 100})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Predict(t.Context(), nil, 1); err == nil {
		t.Error("no image gives no error")
	}
	if _, err := p.PredictBytes(t.Context(), pngOf(t, vision.New(101, 100)), 1); !errors.Is(err, vision.ErrTooLarge) {
		t.Errorf("too many pixels: %v, want ErrTooLarge", err)
	}
	if _, err := p.PredictBytes(t.Context(), pngOf(t, vision.New(100, 100)), 1); err != nil {
		t.Errorf("as many pixels as allowed: %v", err)
	}
}
