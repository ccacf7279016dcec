package detect

import (
	"image"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

func TestMain(m *testing.M) {
	testutil.PureGo()
	m.Run()
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s is %g, want %g", what, got, want)
	}
}

func TestIoU(t *testing.T) {
	a := image.Rect(0, 0, 10, 10)
	for _, c := range []struct {
		b    image.Rectangle
		want float64
	}{
		{a, 1},
		{image.Rect(5, 0, 15, 10), 50. / 150},
		{image.Rect(0, 0, 10, 5), 0.5},
		{image.Rect(10, 0, 20, 10), 0}, // touching
		{image.Rect(2, 2, 4, 4), 4. / 100},
		{image.Rectangle{}, 0},
	} {
		near(t, c.b.String(), IoU(a, c.b), c.want)
		near(t, c.b.String()+" the other way", IoU(c.b, a), c.want)
	}
}

func detection(scene, class int, box image.Rectangle, score float64) Detection {
	return Detection{Object{class, box}, score, scene}
}

func TestNMS(t *testing.T) {
	a, shifted, far := image.Rect(0, 0, 10, 10), image.Rect(2, 0, 12, 10), image.Rect(50, 50, 60, 60) // IoU 80/120
	got := NMS([]Detection{
		detection(0, 1, shifted, 0.8), detection(0, 1, a, 0.9), detection(0, 2, shifted, 0.7), detection(1, 1, shifted, 0.6), detection(0, 1, far, 0.5),
	}, 0.3)
	var scores []float64
	for _, d := range got {
		scores = append(scores, d.Score)
	}
	// 0.8 overlaps 0.9 of its class; 0.7 is another class, 0.6 another scene, 0.5 elsewhere.
	if !slices.Equal(scores, []float64{0.9, 0.7, 0.6, 0.5}) {
		t.Errorf("kept %v", scores)
	}
	if len(NMS(got, 0.3)) != 4 || len(NMS([]Detection{got[0], detection(0, 1, shifted, 0.8)}, 0.7)) != 2 {
		t.Error("a second time, or at a limit above the overlap, something was dropped")
	}
}

// Three objects in two scenes; by score: right, false, right, a second one of a found object, and the third missed.
// Precisions 1, 1/2, 2/3, 1/2 at recalls 1/3, 1/3, 2/3, 2/3; made monotone 1, 2/3, 2/3, 1/2.
// All points: 1/3*1 + 1/3*2/3 = 5/9. Eleven points: recalls 0 to 0.3 have 1, 0.4 to 0.6 have 2/3: (4 + 2)/11.
func TestAveragePrecision(t *testing.T) {
	a, b, c := image.Rect(0, 0, 10, 10), image.Rect(20, 20, 30, 30), image.Rect(5, 5, 15, 15)
	scenes := []Scene{{Objects: []Object{{0, a}, {0, b}, {1, c}}}, {Objects: []Object{{0, c}}}}
	found := []Detection{
		detection(0, 0, a, 0.9), detection(1, 0, a, 0.8), detection(0, 0, image.Rect(20, 20, 30, 26), 0.7), detection(0, 0, a, 0.6),
		detection(0, 1, b, 0.95), // another class does not count
	}
	p := AveragePrecision(0, found, scenes)
	near(t, "all points", p.AllPoint, 5./9)
	near(t, "eleven points", p.ElevenPoint, 6./11)
	if p.Objects != 3 || p.Found != 2 {
		t.Errorf("%d of %d found, want 2 of 3", p.Found, p.Objects)
	}
	if p := AveragePrecision(1, found, scenes); p.AllPoint != 0 || p.Objects != 1 {
		t.Errorf("class 1: %+v", p)
	}
	if p := AveragePrecision(5, found, scenes); p != (Precision{}) {
		t.Errorf("a class without objects: %+v", p)
	}
	all := []Detection{detection(0, 0, a, 0.3), detection(0, 0, b, 0.2), detection(1, 0, c, 0.1)}
	if p := AveragePrecision(0, all, scenes); math.Abs(p.AllPoint-1) > 1e-9 || math.Abs(p.ElevenPoint-1) > 1e-9 {
		t.Errorf("all right: %+v", p)
	}
}

// painted is a grey image with a red and a blue box.
func painted() *vision.Image {
	m := vision.New(40, 30)
	for i := range m.Pix {
		m.Pix[i] = 120
	}
	fill := func(r image.Rectangle, c [3]uint8) {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				copy(m.Pix[3*(y*m.Width+x):], c[:])
			}
		}
	}
	fill(image.Rect(4, 4, 20, 20), [3]uint8{220, 20, 20})
	fill(image.Rect(24, 10, 38, 26), [3]uint8{20, 20, 220})
	return m
}

func TestSegmentAndPropose(t *testing.T) {
	m := painted()
	region, n := Segment(m, 300, 20)
	at := func(x, y int) int { return region[y*m.Width+x] }
	if at(10, 10) == at(30, 18) || at(10, 10) == at(1, 1) || at(30, 18) == at(1, 1) || at(1, 1) != at(39, 29) {
		t.Errorf("%d regions: the boxes and the ground are not told apart", n)
	}
	size := make([]int, n)
	for _, r := range region {
		size[r]++
	}
	if slices.Min(size) < 20 {
		t.Errorf("a region of %d pixels, want at least 20", slices.Min(size))
	}
	boxes := Propose(m, ProposalOptions{Sides: []int{}, Scales: []float64{300}})
	for _, want := range []image.Rectangle{image.Rect(4, 4, 20, 20), image.Rect(24, 10, 38, 26)} {
		if !slices.ContainsFunc(boxes, func(b image.Rectangle) bool { return IoU(b, want) > 0.7 }) {
			t.Errorf("no proposal for %v among %v", want, boxes)
		}
	}
	if again := Propose(m, ProposalOptions{Sides: []int{}, Scales: []float64{300}}); !reflect.DeepEqual(again, boxes) {
		t.Error("other proposals the second time")
	}
	windows := Propose(m, ProposalOptions{Sides: []int{20}, Scales: []float64{}})
	if len(windows) != 3*2 { // x at 0, 10, 20; y at 0, 10
		t.Errorf("windows %v", windows)
	}
	if r := Recall([]Scene{{m, []Object{{0, image.Rect(4, 4, 20, 20)}, {0, image.Rect(0, 28, 3, 30)}}}}, ProposalOptions{}); r != 0.5 {
		t.Errorf("recall %g, want one of two", r)
	}
}

func TestWarp(t *testing.T) {
	m := painted()
	// Exactly the red box, without context: red all over.
	for _, c := range []struct{ x, y, r, b int }{{0, 0, 220, 20}, {7, 7, 220, 20}} {
		w := Warp(m, image.Rect(4, 4, 20, 20), 8, 0)
		if i := 3 * (c.y*8 + c.x); int(w.Pix[i]) != c.r || int(w.Pix[i+2]) != c.b {
			t.Errorf("pixel %d, %d is %v", c.x, c.y, w.Pix[i:i+3])
		}
	}
	// With 4 pixels of context of 16, each 2 pixels of the image: grey around, red within.
	w := Warp(m, image.Rect(4, 4, 20, 20), 16, 4)
	if w.Width != 16 || w.Height != 16 || w.Pix[0] < 115 || w.Pix[0] > 125 || w.Pix[3*(8*16+8)] != 220 {
		t.Errorf("%d x %d, corner %d, centre %d", w.Width, w.Height, w.Pix[0], w.Pix[3*(8*16+8)])
	}
	// Beyond the edge stands the mean colour, not black.
	if w := Warp(m, image.Rect(0, 0, 8, 8), 16, 4); w.Pix[0] < 90 {
		t.Errorf("outside of the image: %v", w.Pix[:3])
	}
}

func sceneSet(t *testing.T, split func(*datasets.Dataset) *datasets.Split, n int, seed uint64) (*datasets.Dataset, []Scene) {
	t.Helper()
	ds, err := datasets.Load("sketches")
	if err != nil {
		t.Fatal(err)
	}
	scenes, err := Scenes(split(ds), n, SceneOptions{Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return ds, scenes
}

func TestScenesAndRegions(t *testing.T) {
	train := func(d *datasets.Dataset) *datasets.Split { return d.Train }
	ds, scenes := sceneSet(t, train, 4, 1)
	_, again := sceneSet(t, train, 4, 1)
	_, other := sceneSet(t, train, 4, 2)
	if !reflect.DeepEqual(scenes, again) || reflect.DeepEqual(scenes, other) {
		t.Error("scenes are not determined by their seed")
	}
	for _, s := range scenes {
		if n := len(s.Objects); n < 2 || n > 4 || s.Image.Width != 128 {
			t.Errorf("%d objects in %d pixels", n, s.Image.Width)
		}
		for i, a := range s.Objects {
			if !a.Box.In(image.Rect(0, 0, 128, 128)) || a.Class < 0 || a.Class >= len(ds.Classes) {
				t.Errorf("object %+v", a)
			}
			for _, b := range s.Objects[:i] {
				if a.Box.Overlaps(b.Box) {
					t.Errorf("%v overlaps %v", a.Box, b.Box)
				}
			}
		}
	}
	if r := Recall(scenes, ProposalOptions{}); r < 0.7 {
		t.Errorf("proposals find %.2f of the objects", r)
	}

	regions, err := Regions(ds.Classes, scenes, scenes[:2], RegionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(regions.Classes); n != len(ds.Classes)+1 || regions.Classes[n-1] != Background {
		t.Errorf("classes %v", regions.Classes)
	}
	counts := regions.Train.Counts()
	objects := 0
	for _, n := range counts[:len(counts)-1] {
		objects += n
	}
	if objects < 8 || counts[len(counts)-1] != 3*objects {
		t.Errorf("%d object regions and %d of the background, want three times as many", objects, counts[len(counts)-1])
	}
	if m, err := regions.Train.Image(0); err != nil || m.Width != 32 || m.Height != 32 {
		t.Errorf("region %v, %v", m, err)
	}
	near := []Object{{3, image.Rect(0, 0, 10, 10)}, {4, image.Rect(0, 0, 10, 9)}}
	for _, c := range []struct {
		box  image.Rectangle
		want int
	}{{image.Rect(0, 0, 10, 8), 4}, {image.Rect(0, 0, 10, 5), 4}, {image.Rect(0, 0, 10, 4), 9}, {image.Rect(0, 0, 10, 12), 3}} {
		if got := LabelOf(c.box, near, 9); got != c.want {
			t.Errorf("%v is of class %d, want %d", c.box, got, c.want)
		}
	}
	for _, bad := range []SceneOptions{{Side: [2]int{50, 20}}, {Size: 20}, {Objects: [2]int{3, 1}}} {
		if _, err := Scenes(ds.Train, 1, bad); err == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}

// A detector's claims are proposals with scores above the limit, best first, and its report shows and tells them.
func TestDetector(t *testing.T) {
	ds, scenes := sceneSet(t, func(d *datasets.Dataset) *datasets.Split { return d.Val }, 1, 5)
	m, err := zoo.Load("resnet20.shapes")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (Detector{Model: m}).Detect(scenes[0].Image); err == nil || !strings.Contains(err.Error(), "detect.Regions") {
		t.Errorf("a model without a background class: %v", err)
	}
	if err := m.ReplaceHead(append(slices.Clone(ds.Classes), Background), 1); err != nil {
		t.Fatal(err)
	}
	opts := RegionOptions{Proposals: ProposalOptions{Sides: []int{48}, Scales: []float64{}}}
	d := Detector{Model: m, Regions: opts, Least: 0.01}
	if _, err := d.Detect(&vision.Image{Width: 4, Height: 4, Pix: make([]byte, 64)}); err == nil || !strings.Contains(err.Error(), "has 64 bytes") {
		t.Errorf("an image with RGBA's bytes: %v", err)
	}
	r, err := d.Evaluate(scenes)
	if err != nil {
		t.Fatal(err)
	}
	boxes := Propose(scenes[0].Image, opts.Proposals)
	if len(r.Detections) == 0 || len(r.PerClass) != len(ds.Classes) {
		t.Fatalf("%d detections, %d classes", len(r.Detections), len(r.PerClass))
	}
	for i, f := range r.Detections {
		if !slices.Contains(boxes, f.Box) || f.Score < 0.01 || f.Class >= len(ds.Classes) || (i > 0 && f.Score > r.Detections[i-1].Score) {
			t.Errorf("detection %+v", f)
		}
	}
	if b, err := r.Figure(scenes, 0, 1, 0.05).Bundle(); err != nil || b["image/png"] == nil {
		t.Errorf("figure: %v", err)
	}
	if b, err := r.Bundle(); err != nil || !strings.Contains(b["text/plain"].(string), "AP, 11 points") {
		t.Errorf("table: %v, %v", b["text/plain"], err)
	}
}
