package notebooks_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestSeeds executes lessons with other seeds of training than their own and compares what comes out with their claims,
// so that a claim is true and not the luck of one seed. TLKIT_SEEDS="1 2 3 4" names the seeds, without it seed 1 is
// taken; TLKIT_LESSONS names the lessons, as for TestLessonsInJupyterLab, without it all are executed that train. The
// log has what was measured, claim by claim.
func TestSeeds(t *testing.T) {
	needsSlow(t)
	seeds := strings.Fields(os.Getenv("TLKIT_SEEDS"))
	if len(seeds) == 0 {
		seeds = []string{"1"}
	}
	names := strings.Fields(os.Getenv("TLKIT_LESSONS"))
	for _, l := range lessons {
		name := strings.TrimSuffix(l.name, ".ipynb")
		if len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		for _, s := range seeds {
			seed, err := strconv.ParseUint(s, 10, 32)
			if err != nil {
				t.Fatalf("TLKIT_SEEDS has %q, want whole numbers such as \"1 2 3\"", s)
			}
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				text, err := os.ReadFile(l.name)
				if err != nil {
					t.Fatal(err)
				}
				data, recipes, err := withSeed(text, seed)
				if err != nil {
					t.Fatal(err)
				}
				if recipes == 0 {
					t.Skip("the lesson trains nothing")
				}
				path := filepath.Join(t.TempDir(), l.name)
				if err := os.WriteFile(path, data, 0o644); err != nil {
					t.Fatal(err)
				}
				photographs(t)
				t.Setenv("GOMLX_BACKEND", "go")
				keepsClaims(t, l.name, execute(t, path))
			})
		}
	}
}

// withSeed returns a notebook whose recipes have a seed, and the number of these recipes. Those of several seeds get
// other ones altogether.
func withSeed(data []byte, seed uint64) (seeded []byte, recipes int, err error) {
	var n map[string]any
	if err := json.Unmarshal(data, &n); err != nil {
		return nil, 0, err
	}
	cells, _ := n["cells"].([]any)
	for _, c := range cells {
		cell, _ := c.(map[string]any)
		lines, _ := cell["source"].([]any)
		if cell["cell_type"] != "code" {
			continue
		}
		for i, l := range lines {
			s := fmt.Sprint(l)
			recipes += strings.Count(s, "tlkit.Recipe{")
			lines[i] = strings.ReplaceAll(s, "tlkit.Recipe{", fmt.Sprintf("tlkit.Recipe{Seed: %d, ", 10*seed))
		}
	}
	seeded, err = json.Marshal(n)
	return seeded, recipes, err
}

// TestWithSeed: every recipe of the code gets the seed, whatever stands in it, and the text none.
func TestWithSeed(t *testing.T) {
	const lesson = `{"cells": [
		{"cell_type": "markdown", "source": ["` + "`tlkit.Recipe{Seeds: 5}`" + `"]},
		{"cell_type": "code", "source": ["a := tlkit.Recipe{}\n", "b := tlkit.Recipe{\n", "    Epochs: 6}.MustCompare(\"x\")"]}]}`
	data, recipes, err := withSeed([]byte(lesson), 3)
	if err != nil || recipes != 2 {
		t.Fatalf("%d recipes (%v), want 2", recipes, err)
	}
	var n notebook
	if err := json.Unmarshal(data, &n); err != nil {
		t.Fatal(err)
	}
	if got, want := string(n.Cells[1].Source), "a := tlkit.Recipe{Seed: 30, }\nb := tlkit.Recipe{Seed: 30, \n    Epochs: 6}.MustCompare(\"x\")"; got != want {
		t.Errorf("the code is %q, want %q", got, want)
	}
	if got := string(n.Cells[0].Source); strings.Contains(got, "Seed: ") {
		t.Errorf("the text is %q, want it as it was", got)
	}
}
