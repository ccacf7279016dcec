// Command verify reproduces known figures on real files: accuracies of published weights, PyTorch's logits, and the
// outcome of training recipes. It prints one JSON line per check and exits with code 1 if a check fails, 2 on misuse.
//
//	verify                     all checks, on the files of the shared folder (TLKIT_SHARED, or ../shared)
//	verify NAME...             some of them; verify -list names them
//	verify cifar --arch resnet20 --weights FILE --data ZIP --expect 0.81
//	verify golden --dir DIR
//	verify hymenoptera --weights FILE --data ZIP --strategy transfer --seeds 3
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// outcome holds the value that a check found and the expected one.
type outcome struct {
	Check     string  `json:"check"`
	Value     float64 `json:"value"`
	Expected  float64 `json:"expected"`
	Tolerance float64 `json:"tolerance"`
	// Rule is "near" (within the tolerance), "at least" or "at most" the expected value.
	Rule    string    `json:"rule"`
	OK      bool      `json:"ok"`
	Seconds float64   `json:"seconds"`
	Error   string    `json:"error,omitempty"`
	Values  []float64 `json:"values,omitempty"`
	Note    string    `json:"note,omitempty"`
}

func near(check string, value, expected, tolerance float64) outcome {
	return outcome{Check: check, Value: value, Expected: expected, Tolerance: tolerance, Rule: "near",
		OK: value >= expected-tolerance && value <= expected+tolerance}
}

func atLeast(check string, value, expected float64) outcome {
	return outcome{Check: check, Value: value, Expected: expected, Rule: "at least", OK: value >= expected}
}

func atMost(check string, value, expected float64) outcome {
	return outcome{Check: check, Value: value, Expected: expected, Rule: "at most", OK: value <= expected}
}

// a check yields one or several outcomes.
type check struct {
	name, about string
	run         func(report func(outcome)) error
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) > 1 && strings.HasPrefix(args[1], "-") { // names alone are known checks
		if c, err := custom(args); errors.Is(err, flag.ErrHelp) {
			return 0
		} else if err != nil {
			fmt.Fprintln(os.Stderr, "verify:", err)
			return 2
		} else if c != nil {
			return execute([]check{*c})
		}
	}
	fs := flag.NewFlagSet("verify", flag.ContinueOnError)
	list := fs.Bool("list", false, "list the checks")
	shared := fs.String("shared", "", "folder with data/ and golden/; default TLKIT_SHARED, or ../shared")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	dir := cmp.Or(*shared, os.Getenv("TLKIT_SHARED"), filepath.Join("..", "shared"))
	known := knownChecks(dir)
	if *list {
		for _, c := range known {
			fmt.Printf("%-24s %s\n", c.name, c.about)
		}
		return 0
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); err != nil {
		fmt.Fprintf(os.Stderr, "verify: the data are not in %s; name their folder with -shared or TLKIT_SHARED\n", dir)
		return 2
	}
	selected := known
	if fs.NArg() > 0 {
		selected = nil
		for _, name := range fs.Args() {
			c, ok := find(known, name)
			if !ok {
				fmt.Fprintf(os.Stderr, "verify: no check %q; verify -list names them\n", name)
				return 2
			}
			selected = append(selected, c)
		}
	}
	return execute(selected)
}

func find(checks []check, name string) (check, bool) {
	for _, c := range checks {
		if c.name == name {
			return c, true
		}
	}
	return check{}, false
}

// execute runs the checks in turn and prints each outcome at once.
func execute(checks []check) int {
	code := 0
	enc := json.NewEncoder(os.Stdout)
	for _, c := range checks {
		start := time.Now()
		report := func(o outcome) {
			o.Seconds = time.Since(start).Seconds()
			start = time.Now()
			if !o.OK {
				code = 1
			}
			if err := enc.Encode(o); err != nil { // JSON has no NaN
				enc.Encode(outcome{Check: o.Check, Rule: o.Rule, Seconds: o.Seconds,
					Error: fmt.Sprintf("the value is %g, expected %g", o.Value, o.Expected)})
			}
		}
		if err := c.run(report); err != nil {
			report(outcome{Check: c.name, Error: err.Error()})
		}
	}
	return code
}
