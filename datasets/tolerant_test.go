package datasets

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Images that are deleted or cut after the check are passed over with one warning each, and a later session that finds
// them gone has the same data again.
func TestLostImages(t *testing.T) {
	withCache(t)
	f := files{}
	f.add(t, "train/a", 30)
	f.add(t, "train/b", 30)
	f.add(t, "val/a", 3)
	f.add(t, "val/b", 3)
	dir := f.dir(t)
	d := MustImageFolder(dir)
	print := d.Fingerprint()
	var lost []Lost
	tolerant := d.Tolerant(func(l Lost) { lost = append(lost, l) })
	readAll(t, tolerant)
	if len(lost) != 0 {
		t.Fatalf("lost %v", lost)
	}
	gone := func(name string) { // deleted, or cut
		t.Helper()
		p := filepath.Join(dir, filepath.FromSlash(name))
		err := os.Remove(p)
		if strings.HasSuffix(name, ".jpg") {
			err = os.WriteFile(p, f[name][:len(f[name])-30], 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"train/a/00.png", "train/a/01.jpg", "train/b/29.jpg", "val/b/02.gif"} {
		gone(name)
	}
	for range 2 {
		readAll(t, tolerant)
	}
	var said []string
	for _, l := range lost {
		said = append(said, l.Split+" "+l.Class+" "+l.Name+" "+l.StandIn)
		if l.Size != int64(len(f[l.Name])) || l.CRC == 0 || l.Reason == "" {
			t.Errorf("%+v", l)
		}
	}
	want := []string{"train a train/a/00.png train/a/02.gif", "train a train/a/01.jpg train/a/02.gif", "train b train/b/29.jpg train/b/00.png", "val b val/b/02.gif val/b/00.png"}
	if !slices.Equal(said, want) {
		t.Errorf("lost %q, want %q", said, want)
	}
	first, err := tolerant.Train.Image(slices.Index(allNames(tolerant.Train), "train/a/00.png"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := d.Train.Image(slices.Index(allNames(d.Train), "train/a/02.gif"))
	if err != nil || !slices.Equal(first.Pix, other.Pix) {
		t.Errorf("the stand-in has other pixels (error %v)", err)
	}

	stored, err := json.Marshal(lost)
	if err != nil {
		t.Fatal(err)
	}
	var again []Lost
	if err := json.Unmarshal(stored, &again); err != nil {
		t.Fatal(err)
	}
	later := MustImageFolder(dir)
	if later.Fingerprint() == print || later.Train.Len() != 57 {
		t.Errorf("the later session has %d images", later.Train.Len())
	}
	restored := later.Restore(again)
	if restored.Fingerprint() != print || !slices.Equal(allNames(restored.Train), allNames(d.Train)) {
		t.Error("restored data is not what it was")
	}
	lost = nil
	readAll(t, restored.Tolerant(func(l Lost) { lost = append(lost, l) }))
	if len(lost) != 4 || lost[0].Size != again[0].Size || lost[0].CRC != again[0].CRC {
		t.Errorf("after restoring, lost %v", lost)
	}
	_, err = restored.Train.Image(slices.Index(allNames(restored.Train), "train/a/00.png"))
	if broken, ok := errors.AsType[*BrokenImageError](err); !ok || broken.Name != "train/a/00.png" {
		t.Errorf("a restored image gives %v", err)
	}
	if same := later.Restore(nil); same.Fingerprint() != later.Fingerprint() {
		t.Error("restoring nothing changes the data")
	}
}

// A folder that is gone as a whole is no loss of single images.
func TestAllLost(t *testing.T) {
	withCache(t)
	f := files{}
	f.add(t, "train/a", 40)
	f.add(t, "train/b", 40)
	f.add(t, "val/a", 3)
	f.add(t, "val/b", 3)
	dir := f.dir(t)
	lost := 0
	d := MustImageFolder(dir).Tolerant(func(Lost) { lost++ })
	for i := range 30 {
		if err := os.Remove(filepath.Join(dir, filepath.FromSlash(d.Train.Name(i)))); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	for i := 0; i < 30 && err == nil; i++ {
		_, err = d.Train.Image(i)
	}
	if err == nil || !strings.Contains(err.Error(), "is the disk still there") || lost != 10 {
		t.Errorf("after %d lost images: %v; want an error after 10", lost, err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "val", "a")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Val.Image(0); err == nil || !strings.Contains(err.Error(), "another image of its class") {
		t.Errorf("a lost class: %v", err)
	}
}
