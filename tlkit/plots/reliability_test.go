package plots

import (
	"fmt"
	"slices"
	"testing"
)

// TestReliabilityLegend: each line has one entry in the legend, the diagonal too.
func TestReliabilityLegend(t *testing.T) {
	bins := []ReliabilityBin{{Low: 0, High: 0.5, Confidence: 0.3, Accuracy: 0.2, Images: 5}, {Low: 0.5, High: 1, Confidence: 0.8, Accuracy: 0.9, Images: 10}}
	f := Reliability("", ReliabilitySet{"before", bins}, ReliabilitySet{"after", bins}).(curves)
	var entries []string
	for _, row := range f.legendRows(1000) {
		for _, e := range row {
			entries = append(entries, e.text)
		}
	}
	if want := []string{"perfectly calibrated", "before", "after"}; !slices.Equal(entries, want) {
		t.Errorf("the drawn legend has %q, want %q", entries, want)
	}
	view := f.vega()["concat"].(arr)[0].(obj)
	for _, v := range f.vega()["concat"].(arr) {
		shape := v.(obj)["layer"].(arr)
		drawn := shape[len(shape)-1].(obj)["encoding"].(obj)["shape"].(obj)["scale"].(obj)["range"].(arr)
		if want := (arr{lineMarker.vega, markerOf(1).vega, markerOf(2).vega}); !slices.Equal(drawn, want) {
			t.Errorf("the legend's shapes are %q, want %q: a piece of a line for the diagonal, which has no marks", drawn, want)
		}
	}
	dash := view["layer"].(arr)[1].(obj)["encoding"].(obj)["strokeDash"].(obj)
	if fmt.Sprint(dash["legend"]) != fmt.Sprint(obj{"disable": true}) {
		t.Errorf("the legend of dashes is %v, want none", dash["legend"])
	}
	if drawn := fmt.Sprint(dash["scale"].(obj)["range"]); drawn != "[[1.5 3] [1 0]]" {
		t.Errorf("the dashes are %s, want the diagonal dotted and the others solid", drawn)
	}
}
