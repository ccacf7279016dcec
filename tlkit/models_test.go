package tlkit_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestModelsShown: the names are a slice of strings, and a table with the published figures.
func TestModelsShown(t *testing.T) {
	var names []string = tlkit.Models()
	if !slices.Contains(names, "resnet18") || !slices.IsSorted(names) {
		t.Fatalf("names %q", names)
	}
	data, err := tlkit.Models().Bundle()
	if err != nil {
		t.Fatal(err)
	}
	spec, err := zoo.Info("resnet18")
	if err != nil {
		t.Fatal(err)
	}
	w := spec.Weights[0]
	for _, line := range strings.Split(fmt.Sprint(data["text/plain"]), "\n") {
		if !strings.Contains(line, "resnet18 ") || !strings.Contains(line, w.Name) {
			continue
		}
		for _, want := range []string{fmt.Sprintf("%.1f", w.Top1), fmt.Sprintf("%.1fM", float64(w.Params)/1e6), fmt.Sprintf("%.2f", w.GFLOPs), fmt.Sprintf("%.1f", w.FileMB), w.Licence} {
			if !strings.Contains(line, want) {
				t.Errorf("%q is not in %s", want, line)
			}
		}
		page := fmt.Sprint(data["text/html"])
		if !strings.Contains(page, `<input type="search"`) || strings.Count(page, "<tr") < len(names) {
			t.Error("the table can't be searched, or has fewer rows than models")
		}
		return
	}
	t.Error("no row of resnet18")
}
