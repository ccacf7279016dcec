package datasets

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// Lost is an image that became unreadable after its data set was opened.
type Lost struct {
	// Data is for the caller's use: what tells the image's data set from others. Tolerant and Restore ignore it.
	Data  string `json:"data,omitempty"`
	Split string `json:"split"` // "train", "val" or "test"
	Name  string `json:"name"`  // as Split.Name gives it
	Class string `json:"class"` // its label
	// Size and CRC are those of its content when the data set was opened.
	Size int64  `json:"size"`
	CRC  uint32 `json:"crc"`
	// Redecoded is what vision.Redecoded returned for it.
	Redecoded string `json:"redecoded,omitempty"`
	// StandIn is the image that is used in its place, Reason why it can't be read.
	StandIn string `json:"stand_in"`
	Reason  string `json:"reason"`
}

// String is a sentence for the user.
func (l Lost) String() string {
	return fmt.Sprintf("image %s can't be read any more (%s): %s is taken in its place", l.Name, l.Reason, l.StandIn)
}

// Tolerant returns the data set with splits that replace images which have become unreadable: the next readable image
// of the same class takes the place of each, so that batches and their order stay the same. lost is called once for
// each, possibly by several goroutines at once. If more than ten images and more than one in twenty of a split are
// lost, or all of a class, Image returns an error: then the disk is gone rather than an image.
func (d *Dataset) Tolerant(lost func(Lost)) *Dataset {
	out := *d
	for _, s := range []struct {
		name string
		at   **Split
	}{{trainSplit, &out.Train}, {valSplit, &out.Val}, {testSplit, &out.Test}} {
		if *s.at != nil {
			*s.at = (*s.at).tolerant(s.name, lost)
		}
	}
	if d.Val == d.Test {
		out.Test = out.Val
	}
	return &out
}

// tolerance records which images of a split are lost.
type tolerance struct {
	split *Split // as it was
	name  string
	lost  func(Lost)

	mu     sync.Mutex
	places map[item]int // index by item
	known  map[item]item
}

func (s *Split) tolerant(name string, lost func(Lost)) *Split {
	t := &tolerance{split: s, name: name, lost: lost, known: map[item]item{}}
	return &Split{classes: s.classes, items: s.items, read: t.read, sums: s.sums, decoding: s.decoding}
}

func (t *tolerance) read(it item) (*vision.Image, error) {
	m, err := t.split.read(it)
	if err == nil {
		return m, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if other, ok := t.known[it]; ok {
		if m, err := t.split.read(other); err == nil {
			return m, nil
		}
	}
	other, m := t.standIn(it)
	switch n := len(t.split.items); {
	case m == nil:
		return nil, fmt.Errorf("%w; nor can another image of its class", err)
	case len(t.known) >= max(10, n/20):
		return nil, fmt.Errorf("%w; nor can %d others of the %d in its split: is the disk still there?", err, len(t.known), n)
	}
	t.known[it] = other
	t.lost(t.describe(it, other, err))
	return m, nil
}

// standIn returns the next readable image of the same class; after the last image it continues with the first.
func (t *tolerance) standIn(it item) (item, *vision.Image) {
	if t.places == nil {
		t.places = make(map[item]int, len(t.split.items))
		for i, each := range t.split.items {
			t.places[each] = i
		}
	}
	items, at := t.split.items, t.places[it]
	for _, next := range slices.Concat(items[at+1:], items[:at]) {
		if _, gone := t.known[next]; gone || next.label != it.label {
			continue
		}
		if m, err := t.split.read(next); err == nil {
			return next, m
		}
	}
	return item{}, nil
}

func (t *tolerance) describe(it, other item, err error) Lost {
	l := Lost{Split: t.name, Name: it.name, Class: t.split.classes[it.label], StandIn: other.name, Reason: shortReason(err)}
	if t.split.sums != nil {
		sum := t.split.sums([]int{it.key})[0]
		l.Size, l.CRC, l.Redecoded = sum.size, sum.crc, sum.redecoded
	}
	return l
}

// shortReason returns the error's text without the file's path, which the name holds.
func shortReason(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err.Error()
	}
	return strings.TrimPrefix(err.Error(), "vision: ")
}

var errLost = errors.New("it was lost in an earlier session")

// Restore returns the data set with the lost images in their places again, as unreadable images: an earlier session
// counted them, and a run that began with them continues with the same batches (see Tolerant). Images that exist, or
// whose class is unknown, are skipped.
func (d *Dataset) Restore(lost []Lost) *Dataset {
	out := *d
	out.Train, out.Val = d.Train.restore(trainSplit, lost), d.Val.restore(valSplit, lost)
	if out.Test = out.Val; d.Test != d.Val {
		out.Test = d.Test.restore(testSplit, lost)
	}
	return &out
}

func (s *Split) restore(name string, lost []Lost) *Split {
	if s == nil {
		return nil
	}
	there := map[string]bool{}
	for _, it := range s.items {
		there[it.name] = true
	}
	items := slices.Clone(s.items)
	contents := []content{{}} // by -key
	for _, l := range lost {
		label := slices.Index(s.classes, l.Class)
		if l.Split != name || there[l.Name] || label < 0 {
			continue
		}
		items = append(items, item{name: l.Name, label: label, key: -len(contents)})
		contents = append(contents, content{l.Size, l.CRC, l.Redecoded})
	}
	if len(contents) == 1 {
		return s
	}
	sortItems(items)
	out := &Split{classes: s.classes, items: items, decoding: s.decoding, read: func(it item) (*vision.Image, error) {
		if it.key < 0 {
			return nil, errLost
		}
		return s.read(it)
	}}
	if s.sums != nil {
		out.sums = func(keys []int) []content { return sumsWith(s.sums, contents, keys) }
	}
	return out
}

// sumsWith returns the contents of keys, where a negative key -i means lost[i].
func sumsWith(sums func([]int) []content, lost []content, keys []int) []content {
	known := make([]int, len(keys))
	for i, k := range keys {
		known[i] = max(k, 0)
	}
	out := sums(known)
	for i, k := range keys {
		if k < 0 {
			out[i] = lost[-k]
		}
	}
	return out
}
