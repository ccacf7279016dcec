package strategy

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

func TestSuggest(t *testing.T) {
	m, err := zoo.Load("resnet20.shapes")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		perClass, nearness float64
		name, config, why  string
	}{
		{5, 0.9, "transfer", "", "frozen"},
		{100, 0.9, "finetune", "head_first\":2", "output layer first"},
		{1000, 0.9, "finetune", "head_first\":1", "enough images"},
		{15, 0.2, "finetune", "from\":\"layer3", "late layers"},
		{1000, 0.2, "finetune", "{}", "Scratch{}"},
		{100, 0.2, "finetune", "head_first\":1", "Scratch{}"},
	} {
		a := &Advice{PerClass: c.perClass, Nearness: c.nearness}
		a.decide(m)
		raw, err := json.Marshal(a.Strategy)
		if err != nil {
			t.Fatal(err)
		}
		if a.Strategy.Name() != c.name || !strings.Contains(string(raw), c.config) || !strings.Contains(a.Reason, c.why) {
			t.Errorf("%g per class, nearness %g: %s %s", c.perClass, c.nearness, raw, a.Reason)
		}
	}

	// On its own domain the features tell the classes apart better than on another one.
	near, far := advise(t, "shapes", m), advise(t, "sketches", m)
	if !(near.Nearness > far.Nearness+0.2) || near.Nearness < nearDomain || near.Chance != 1./16 || far.Chance != 0.1 {
		t.Errorf("nearness %.2f on its own domain, %.2f on another", near.Nearness, far.Nearness)
	}
	if b, err := far.Bundle(); err != nil || !strings.Contains(b["text/plain"].(string), "per class") {
		t.Errorf("bundle %v, %v", b, err)
	}
	if _, err := Suggest(nil, m); err == nil {
		t.Error("no error without data")
	}
}

func advise(t *testing.T, name string, m *zoo.Model) *Advice {
	t.Helper()
	ds, err := datasets.Load(name, datasets.Options{PerClass: 5})
	if err != nil {
		t.Fatal(err)
	}
	a, err := Suggest(ds, m)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(a)
	return a
}
