package vision

import "testing"

// TestSquash: both sides become Resize, and the middle of that is cropped.
func TestSquash(t *testing.T) {
	m := New(40, 20)
	for y := range 20 {
		for x := range 40 {
			m.Pix[3*(y*40+x)] = uint8(6 * x)
		}
	}
	for _, tt := range []struct {
		p    Preprocess
		side int
		left uint8 // red in the left column
	}{
		{Preprocess{Resize: 10, Squash: true}, 10, 9},          // the mean of four columns, 0 to 18
		{Preprocess{Resize: 10, Squash: true, Crop: 6}, 6, 57}, // two columns of ten further in: 8 to 11
		{Preprocess{Resize: 20, Squash: true}, 20, 3},
	} {
		got := tt.p.Apply(m)
		if got.Width != tt.side || got.Height != tt.side {
			t.Errorf("%+v: %dx%d", tt.p, got.Width, got.Height)
			continue
		}
		if d := int(got.Pix[0]) - int(tt.left); d < -3 || d > 3 {
			t.Errorf("%+v: red is %d at the left, want about %d", tt.p, got.Pix[0], tt.left)
		}
	}
}
