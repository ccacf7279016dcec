package zoo

import (
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// A photograph that is stored lying on its side is classified upright.
func TestPredictFileTurnsUpright(t *testing.T) {
	m, err := Load("resnet20.shapes")
	if err != nil {
		t.Fatal(err)
	}
	upright, err := vision.DecodeFile("../vision/testdata/formats/orientation6.jpg", vision.DecodeOptions{Orient: true})
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.Predict(upright, 1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.PredictFile("../vision/testdata/formats/orientation6.jpg", 1)
	if err != nil || got[0] != want[0] {
		t.Errorf("got %v, error %v; want %v", got, err, want)
	}
	lying, err := vision.DecodeFile("../vision/testdata/formats/orientation6.jpg")
	if err != nil {
		t.Fatal(err)
	}
	if other, err := m.Predict(lying, 1); err != nil || other[0] == want[0] {
		t.Errorf("the image as stored gives %v too (error %v): it proves nothing", other, err)
	}
}
