package datasets

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestOrigin opens data sets again from their origin, by way of JSON, and compares fingerprints.
func TestOrigin(t *testing.T) {
	dir := t.TempDir()
	var samples []Sample
	list := "image,label\n"
	for i, class := range []string{"cat", "dog", "cat", "dog", "cat", "dog", "cat", "dog", "cat", "dog"} {
		name := filepath.Join(class, string(rune('a'+i))+".png")
		if err := os.MkdirAll(filepath.Join(dir, class), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), picture(t, "png", i), 0o644); err != nil {
			t.Fatal(err)
		}
		samples = append(samples, Sample{Path: name, Class: class})
		list += name + "," + class + "\n"
	}
	table := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(table, []byte(list), 0o644); err != nil {
		t.Fatal(err)
	}
	o := Options{Dir: dir, ValFraction: 0.4, Seed: 3, Progress: os.Stderr}
	folder := must(ImageFolder(dir, Options{ValFraction: 0.4, PerClass: 2}))
	for name, d := range map[string]*Dataset{
		"built in":  must(Load("shapes", Options{PerClass: 5, Seed: 2})),
		"folder":    folder,
		"by Load":   must(Load(dir)),
		"csv":       must(FromCSV(table, "image", "label", o)),
		"pattern":   must(FromPattern(dir, "{class}/*.png", Options{ValFraction: 0.4})),
		"samples":   must(FromSamples("mine", samples, o)),
		"relabeled": must(folder.Relabel(map[string]string{folder.Train.Name(0): "dog"})),
		"without":   must(must(folder.Without(folder.Val.Name(0))).Relabel(map[string]string{folder.Train.Name(0): "dog"})),
	} {
		origin, ok := d.Origin()
		if !ok {
			t.Errorf("%s: no origin", name)
			continue
		}
		text, err := json.Marshal(origin)
		if err != nil {
			t.Fatal(err)
		}
		var back Origin
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		again, err := back.Open()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if again.Fingerprint() != d.Fingerprint() || again.Name != d.Name {
			t.Errorf("%s: %s opened again is %s", name, d, again)
		}
	}
	if _, ok := folder.Origin(); !ok || len(folder.origin.Edits) != 0 {
		t.Errorf("the edits of a copy are in the original: %+v", folder.origin)
	}
	if o, ok := (&Dataset{}).Origin(); ok {
		t.Errorf("a data set made by hand has the origin %+v", o)
	}
	for _, o := range []Origin{{}, {Func: "FromCSV", Args: []string{table}}, {Func: "Remove", Args: []string{dir}}} {
		if _, err := o.Open(); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}
