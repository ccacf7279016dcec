package notebooks_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
)

// claim is one promise of a lesson's text, as NAME.claims.json beside NAME.ipynb lists it: the value in the output of a
// cell, less another value of the same cell, lies between bounds.
type claim struct {
	// Says is the promise in words.
	Says string `json:"says"`
	// Needs is "photographs" for a claim on the files of ../shared/data; where they are absent the lesson
	// leaves its cell out.
	Needs string `json:"needs,omitempty"`
	// Cell is the id of the cell whose plain-text output has the values.
	Cell string `json:"cell"`
	// Value and Minus are regular expressions with one group, the number. The line breaks of (?m) apply. Without Minus,
	// nothing is subtracted.
	Value string `json:"value"`
	Minus string `json:"minus,omitempty"`
	// Least and Most are the bounds of Value less Minus, in the unit of the output; at least one is given.
	Least *float64 `json:"least,omitempty"`
	Most  *float64 `json:"most,omitempty"`
	// Seeds says what was measured with other seeds, so that a bound holds by more than luck.
	Seeds string `json:"seeds"`
}

// claimsOf reads the table of claims of a notebook; nil if it has none.
func claimsOf(t *testing.T, notebook string) []claim {
	t.Helper()
	path := strings.TrimSuffix(notebook, ".ipynb") + ".claims.json"
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var claims []claim
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&claims); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return claims
}

// number finds the number that a claim's expression describes in an output.
func number(output, expression string) (float64, error) {
	re, err := regexp.Compile("(?m)" + expression)
	if err != nil {
		return 0, err
	}
	m := re.FindStringSubmatch(output)
	if len(m) != 2 {
		return 0, fmt.Errorf("the output has no %q with one group:\n%s", expression, output)
	}
	return strconv.ParseFloat(m[1], 64)
}

// holds returns nil if the outputs keep the claim, and what was measured.
func (c claim) holds(n notebook) (measured string, err error) {
	output, found := "", false
	for _, cell := range n.Cells {
		if cell.ID == c.Cell {
			one := notebook{Cells: n.Cells[:0:0]}
			one.Cells = append(one.Cells, cell)
			output, _, _ = plain(one)
			found = true
		}
	}
	if !found {
		return "", fmt.Errorf("there is no cell %q", c.Cell)
	}
	v, err := number(output, c.Value)
	if err != nil {
		return "", err
	}
	measured = fmt.Sprintf("%g", v)
	if c.Minus != "" {
		w, err := number(output, c.Minus)
		if err != nil {
			return "", err
		}
		measured = fmt.Sprintf("%g - %g = %.3g", v, w, v-w)
		v -= w
	}
	if c.Least != nil && v < *c.Least {
		return measured, fmt.Errorf("%s is below %g", measured, *c.Least)
	}
	if c.Most != nil && v > *c.Most {
		return measured, fmt.Errorf("%s is above %g", measured, *c.Most)
	}
	return measured, nil
}

// keepsClaims compares an executed notebook with its table of claims.
func keepsClaims(t *testing.T, name string, n notebook) {
	t.Helper()
	claims := claimsOf(t, name)
	if len(claims) == 0 {
		t.Fatalf("%s has no table of claims", name)
	}
	_, absent := testutil.Find("data")
	for _, c := range claims {
		if c.Needs != "" && absent != nil {
			t.Logf("%s: %s: not compared: %v", name, c.Says, absent)
			continue
		}
		measured, err := c.holds(n)
		if err != nil {
			t.Errorf("%s: the lesson says that %s: %v", name, c.Says, err)
			continue
		}
		t.Logf("%s: %s: %s", name, c.Says, measured)
	}
}

// engines are the engines that the claims are tested on: pure Go always, ONNX Runtime in the slow tests.
func engines() []string {
	if slow {
		return []string{"go", "onnx:cpu"}
	}
	return []string{"go"}
}

// TestClaimsTables: each table belongs to a notebook, names cells of it, and has a bound for each claim.
func TestClaimsTables(t *testing.T) {
	paths, err := filepath.Glob("*.claims.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no tables of claims here (%v)", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(path, ".claims.json") + ".ipynb"
		ids := map[string]bool{}
		for _, cell := range read(t, name).Cells {
			ids[cell.ID] = cell.CellType == "code"
		}
		for _, c := range claimsOf(t, name) {
			if !ids[c.Cell] {
				t.Errorf("%s: %q is no code cell of %s", path, c.Cell, name)
			}
			if c.Says == "" || c.Seeds == "" || (c.Least == nil && c.Most == nil) {
				t.Errorf("%s: the claim %+v needs words, a bound, and what was measured with other seeds", path, c)
			}
			if c.Needs != "" && c.Needs != "photographs" {
				t.Errorf("%s: needs %q, want photographs or nothing", path, c.Needs)
			}
			for _, e := range []string{c.Value, c.Minus} {
				if re, err := regexp.Compile(e); err != nil || (e != "" && re.NumSubexp() != 1) {
					t.Errorf("%s: %q is no expression with one group (%v)", path, e, err)
				}
			}
		}
	}
}

// TestClaimHolds: a claim that is not kept is found.
func TestClaimHolds(t *testing.T) {
	var n notebook
	output := `{"cells":[{"cell_type":"code","id":"a","outputs":[{"output_type":"stream","text":["frozen 0.50\n","tuned 0.62\n"]}]}]}`
	if err := json.Unmarshal([]byte(output), &n); err != nil {
		t.Fatal(err)
	}
	at := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		claim claim
		fails string
	}{
		{claim{Cell: "a", Value: `^tuned ([0-9.]+)`, Minus: `^frozen ([0-9.]+)`, Least: at(0.1)}, ""},
		{claim{Cell: "a", Value: `^tuned ([0-9.]+)`, Minus: `^frozen ([0-9.]+)`, Least: at(0.2)}, "below 0.2"},
		{claim{Cell: "a", Value: `^tuned ([0-9.]+)`, Most: at(0.7)}, ""},
		{claim{Cell: "a", Value: `^tuned ([0-9.]+)`, Most: at(0.6)}, "above 0.6"},
		{claim{Cell: "a", Value: `^other ([0-9.]+)`, Least: at(0)}, "no \"^other"},
		{claim{Cell: "b", Value: `^tuned ([0-9.]+)`, Least: at(0)}, `no cell "b"`},
	} {
		_, err := c.claim.holds(n)
		if (err == nil) != (c.fails == "") || (err != nil && !strings.Contains(err.Error(), c.fails)) {
			t.Errorf("%+v: %v, want %q", c.claim, err, c.fails)
		}
	}
}
