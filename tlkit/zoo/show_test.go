package zoo_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestModelShown: a model is a few lines, not its struct.
func TestModelShown(t *testing.T) {
	spec, err := zoo.Info("mobilenet_v1_025")
	if err != nil {
		t.Fatal(err)
	}
	m, err := zoo.New(spec, strings.Split("abcdefghijkl", ""), 1)
	if err != nil {
		t.Fatal(err)
	}
	total, _ := m.NumParams()
	if text := fmt.Sprint(m); !strings.HasPrefix(text, "mobilenet_v1_025 ("+m.Weights+"): ") || strings.Contains(text, "\n") || len(text) > 200 {
		t.Errorf("the model as text: %s", text)
	}
	data, err := m.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(data["text/plain"])
	for _, want := range []string{"mobilenet_v1_025", m.Weights, "12: a, b, c, d, e, f, g, h, ...", m.Stages()[1], "MustSummary"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if digits := strings.ReplaceAll(text, ",", ""); !strings.Contains(digits, fmt.Sprint(total)) {
		t.Errorf("%d parameters are not in\n%s", total, text)
	}
	if !strings.Contains(fmt.Sprint(data["text/html"]), "<table") {
		t.Errorf("no HTML: %v", data)
	}
}
