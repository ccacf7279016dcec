package datasets

import (
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// twoSplits is a data set of five images: a0, b1 and a2 to train, b3 and a4 to validate.
func twoSplits(t *testing.T) *Dataset {
	t.Helper()
	all, err := NewSplit(2, []string{"a0", "b1", "a2", "b3", "a4"}, []int{0, 1, 0, 1, 0}, func(i int) (*vision.Image, error) { return vision.New(i+1, 1), nil })
	if err != nil {
		t.Fatal(err)
	}
	all = all.WithClasses([]string{"a", "b"})
	val := all.Subset([]int{3, 4})
	return &Dataset{Name: "five", Classes: []string{"a", "b"}, Train: all.Subset([]int{0, 1, 2}), Val: val, Test: val}
}

func namesOf(s *Split) []string {
	var names []string
	for i := range s.Len() {
		names = append(names, s.Name(i))
	}
	return names
}

func TestWithout(t *testing.T) {
	d := twoSplits(t)
	got, err := d.Without("b1", "a4")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(namesOf(got.Train), []string{"a0", "a2"}) || !slices.Equal(namesOf(got.Val), []string{"b3"}) || got.Test != got.Val {
		t.Errorf("left are %v and %v", namesOf(got.Train), namesOf(got.Val))
	}
	if m, err := got.Train.Image(1); err != nil || m.Width != 3 {
		t.Errorf("image a2 is %v, %v; expected one of width 3", m, err)
	}
	if d.Train.Len() != 3 || d.Val.Len() != 2 || d.Fingerprint() == got.Fingerprint() {
		t.Error("the data set itself has changed, or its fingerprint has not")
	}
	if _, err := d.Without("a0", "c9"); err == nil || !strings.Contains(err.Error(), "c9") {
		t.Errorf("error %v, expected one with c9", err)
	}
}

func TestRelabel(t *testing.T) {
	d := twoSplits(t)
	got, err := d.Relabel(map[string]string{"a0": "b", "b3": "a"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Train.Labels(), []int{1, 1, 0}) || !slices.Equal(got.Val.Labels(), []int{0, 0}) || !slices.Equal(d.Train.Labels(), []int{0, 1, 0}) {
		t.Errorf("labels %v and %v, before %v", got.Train.Labels(), got.Val.Labels(), d.Train.Labels())
	}
	if d.Fingerprint() == got.Fingerprint() {
		t.Error("other labels, the same fingerprint")
	}
	// Of two classes of one name the index says which is meant.
	d.Classes = []string{"crane", "crane"}
	if got, err := d.Relabel(map[string]string{"a0": "crane (1)"}); err != nil || got.Train.Label(0) != 1 {
		t.Errorf("crane (1): error %v", err)
	}
	for _, c := range []map[string]string{{"a0": "c"}, {"a9": "crane (0)"}, {"a0": "crane"}} {
		if _, err := d.Relabel(c); err == nil {
			t.Errorf("%v gave no error", c)
		}
	}
}

// TestRelabelKeepsPixels holds that a built-in image, which is drawn by its label, stays as it is under another one.
func TestRelabelKeepsPixels(t *testing.T) {
	d, err := Load("shapes", Options{PerClass: 1})
	if err != nil {
		t.Fatal(err)
	}
	want, err := d.Train.Image(0)
	if err != nil {
		t.Fatal(err)
	}
	other, err := d.Relabel(map[string]string{d.Train.Name(0): d.Classes[1]})
	if err != nil {
		t.Fatal(err)
	}
	got, err := other.Train.Image(0)
	if err != nil || !slices.Equal(got.Pix, want.Pix) || other.Train.Label(0) != 1 {
		t.Errorf("the image has changed with its label (%v), which is %d", err, other.Train.Label(0))
	}
}

// TestWithoutClass: a class whose images are all left out, or get another class, is gone.
func TestWithoutClass(t *testing.T) {
	d, err := Load("shapes", Options{PerClass: 2})
	if err != nil {
		t.Fatal(err)
	}
	last := len(d.Classes) - 1
	wanted, err := d.Val.Image(slices.Index(d.Val.Labels(), last))
	if err != nil {
		t.Fatal(err)
	}
	var first []string
	relabel := map[string]string{}
	for _, s := range d.splits() {
		for i := range s.split.Len() {
			if s.split.Label(i) == 0 {
				first = append(first, s.split.Name(i))
				relabel[s.split.Name(i)] = d.Classes[last]
			}
		}
	}
	without, err := d.Without(first...)
	if err != nil {
		t.Fatal(err)
	}
	relabelled, err := d.Relabel(relabel)
	if err != nil {
		t.Fatal(err)
	}
	for how, got := range map[string]*Dataset{"Without": without, "Relabel": relabelled} {
		if !slices.Equal(got.Classes, d.Classes[1:]) || !slices.Equal(got.Val.Classes(), got.Classes) ||
			slices.Max(got.Train.Labels()) != last-1 {
			t.Errorf("%s: classes %q, want %q", how, got.Classes, d.Classes[1:])
		}
		at := slices.Index(namesOf(got.Val), d.Val.Name(slices.Index(d.Val.Labels(), last)))
		if m, err := got.Val.Image(at); err != nil || !slices.Equal(m.Pix, wanted.Pix) || got.Val.Label(at) != last-1 {
			t.Errorf("%s: an image that stays has changed (%v), or its label, which is %d", how, err, got.Val.Label(at))
		}
	}
}
