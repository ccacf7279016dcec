package plots

import (
	"fmt"
	"math"
	"strings"
)

// ReliabilityBin has the images whose predictions have a probability from Low to High.
type ReliabilityBin struct {
	// Low and High are the ends of the bin, in [0, 1].
	Low, High float64
	// Confidence is the mean probability of the predictions, Accuracy the share of right ones; NaN without images.
	Confidence, Accuracy float64
	// Images is the number of images.
	Images int
}

// Reliability returns a reliability diagram (DeGroot and Fienberg 1983; Guo 2017, arXiv 1706.04599, section 2):
// accuracy over confidence, with the diagonal of a calibrated model, a shade for the gap between both, and the
// number of images per bin. The note has the expected calibration error, the mean gap weighted by the images
// (Guo 2017, equation 3). A
// line is named by Name: give several sets of bins, such as before and after a temperature, for comparison.
func Reliability(title string, sets ...ReliabilitySet) Figure {
	accuracy := Panel{Title: "Reliability", XLabel: "confidence", YLabel: "accuracy", Points: true,
		Lines: []Line{{Name: "perfectly calibrated", Word: true, Split: Dotted, Points: []Point{{0, 0}, {1, 1}}, plain: true}}}
	counts := Panel{Title: "Images", XLabel: "confidence", YLabel: "images"}
	if len(sets) > 0 {
		accuracy.notes = func(say func(string) string) string { return calibrationErrors(sets, say) }
	}
	for _, s := range sets {
		line, outline := Line{Name: s.Name, Word: true}, Line{Name: s.Name, Word: true, plain: true}
		for _, b := range s.Bins {
			outline.Points = append(outline.Points, Point{b.Low, 0}, Point{b.Low, float64(b.Images)}, Point{b.High, float64(b.Images)}, Point{b.High, 0})
			if b.Images > 0 && finite(b.Confidence, b.Accuracy) {
				line.Points = append(line.Points, Point{b.Confidence, b.Accuracy})
				line.Band = append(line.Band, Interval{min(b.Confidence, b.Accuracy), max(b.Confidence, b.Accuracy)})
			}
		}
		accuracy.Lines, counts.Lines = append(accuracy.Lines, line), append(counts.Lines, outline)
	}
	return Curves(title, accuracy, counts)
}

// calibrationErrors lists the expected calibration errors of the sets, with their names if there are several.
func calibrationErrors(sets []ReliabilitySet, say func(string) string) string {
	var list []string
	for _, s := range sets {
		text := fmt.Sprintf("ECE %.1f%%", 100*s.ECE())
		if s.Name != "" && len(sets) > 1 {
			text += " " + say(s.Name)
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

// ReliabilitySet is one line of a reliability diagram.
type ReliabilitySet struct {
	Name string           // chooses the colour; a word of the figure, such as "before"
	Bins []ReliabilityBin // in ascending order
}

// ECE returns the expected calibration error in [0, 1]: the mean distance of accuracy and confidence, weighted by the
// number of images (Guo 2017, equation 3); NaN without images.
func (s ReliabilitySet) ECE() float64 {
	sum, n := 0.0, 0
	for _, b := range s.Bins {
		if b.Images > 0 && finite(b.Confidence, b.Accuracy) {
			sum += float64(b.Images) * math.Abs(b.Confidence-b.Accuracy)
			n += b.Images
		}
	}
	return sum / float64(n)
}
