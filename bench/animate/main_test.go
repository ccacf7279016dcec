package main

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"path/filepath"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// TestEncode: all pictures are frames of the size of the last, which stays longest.
func TestEncode(t *testing.T) {
	red, blue := color.RGBA{200, 0, 0, 255}, color.RGBA{0, 0, 200, 255}
	paint := func(height int, colours ...color.RGBA) image.Image {
		m := image.NewRGBA(image.Rect(0, 0, 20, height))
		draw.Draw(m, m.Rect, image.White, image.Point{}, draw.Src)
		for i, c := range colours {
			m.SetRGBA(i, i, c)
		}
		return m
	}
	var b bytes.Buffer
	if err := encode(&b, []image.Image{paint(10, red), paint(12, red, blue)}); err != nil {
		t.Fatal(err)
	}
	g, err := gif.DecodeAll(&b)
	if err != nil || len(g.Image) != 2 || g.Delay[0] != frame || g.Delay[1] != pause || g.LoopCount != 0 {
		t.Fatalf("%d frames, delays %v, loops %d (%v)", len(g.Image), g.Delay, g.LoopCount, err)
	}
	m := image.NewRGBA(image.Rect(0, 0, 20, 12)) // what a viewer shows
	for i, want := range [][2]color.Color{{red, color.White}, {red, blue}} {
		if g.Image[i].Bounds() != m.Rect {
			t.Errorf("frame %d is %v", i, g.Image[i].Bounds())
		}
		draw.Draw(m, m.Rect, g.Image[i], image.Point{}, draw.Over)
		for k, c := range want {
			if r, gr, bl, _ := m.At(k, k).RGBA(); (color.RGBA64{uint16(r), uint16(gr), uint16(bl), 0xffff}) != color.RGBA64Model.Convert(c) {
				t.Errorf("frame %d, pixel %d: %v, want %v", i, k, m.At(k, k), c)
			}
		}
	}
}

// TestFrames: a frame for each epoch of each strategy, and the run is as it was.
func TestFrames(t *testing.T) {
	run := &train.Run{Name: "x"}
	for range 2 {
		run.Results = append(run.Results, &train.Result{Strategy: "s", History: []train.Epoch{{TrainLoss: 2, ValLoss: 2}, {TrainLoss: 1, ValLoss: 1}}})
	}
	pictures, err := frames(run)
	if err != nil || len(pictures) != 4 || pictures[0].Bounds().Dx() != width {
		t.Errorf("%d frames (%v), want 4 of %d pixels", len(pictures), err, width)
	}
	if len(run.Results) != 2 || len(run.Results[0].History) != 2 {
		t.Error("the run has changed")
	}
	if _, err := frames(&train.Run{}); err == nil {
		t.Error("no error for a run without epochs")
	}
	if err := animate(filepath.Join(t.TempDir(), "none"), "x.gif"); err == nil {
		t.Error("no error for a run that is not there")
	}
}
