package main

import (
	"os"
	"strings"
	"testing"
)

// The test's own program is the training, too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == trainCommand {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// TestMeasure runs a crowd of three small trainings, and one that can't begin.
func TestMeasure(t *testing.T) {
	o, err := parse([]string{"--model", "resnet20", "--engine", "go", "--count", "3", "--steps", "2", "--batch", "2", "--rounds", "1"})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := measure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1 || rows[0].alone <= 0 || rows[0].crowd <= 0 {
		t.Fatalf("measured %+v", rows)
	}
	if want := 3 * rows[0].alone.Seconds() / rows[0].crowd.Seconds(); rows[0].throughput != want {
		t.Errorf("throughput %g, want %g", rows[0].throughput, want)
	}
	if text := table(rows); !strings.Contains(text, "resnet20  go") || strings.Count(text, "\n") != 2 {
		t.Errorf("the table is\n%s", text)
	}
	o.engines = []string{"no-such-engine"}
	if _, err := measure(t.Context(), o); err == nil || !strings.Contains(err.Error(), "no-such-engine") {
		t.Errorf("an engine that is not there: %v", err)
	}
}

func TestParse(t *testing.T) {
	for _, args := range []string{"--count 1", "--steps 0", "--rounds 2", "more"} {
		if _, err := parse(strings.Fields(args)); err == nil {
			t.Errorf("%s: no error", args)
		}
	}
}
