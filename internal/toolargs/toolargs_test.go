package toolargs

import (
	"bytes"
	"flag"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestProject: flags stand anywhere, and with one dash or two.
func TestProject(t *testing.T) {
	want := Project{Run: "runs/ants", Dir: "antbee", Data: "photos", Precision: "int8", Float: []string{"conv1", "layer1"}, Version: "1.2", Beside: true, Page: true, SkipBuild: true}
	for _, line := range []string{
		"-data photos -precision int8 -float conv1,layer1 -version 1.2 -beside -page -skip-build runs/ants antbee",
		"runs/ants antbee -data photos --precision=int8 --skip-build -float conv1 -float layer1 --version=1.2 -page -beside",
		"runs/ants --skip-build -data=photos antbee -precision int8 -beside -version 1.2 -page -float=conv1,layer1",
		"-skip-build -data photos -precision int8 -float conv1,layer1 -version 1.2 -beside -page -- runs/ants antbee",
	} {
		if got, _, ok := ParseProject(strings.Fields(line), io.Discard); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", line, got, want)
		}
	}
}

// TestMisuse: help has the exit code 0 and a mistake 2, with the usage or the flag's name.
func TestMisuse(t *testing.T) {
	parsers := map[string]func(args []string, stderr io.Writer) (code int, ok bool){
		"project": func(args []string, stderr io.Writer) (int, bool) {
			_, code, ok := ParseProject(args, stderr)
			return code, ok
		},
		"train": func(args []string, stderr io.Writer) (int, bool) {
			_, code, ok := ParseTrain(args, stderr)
			return code, ok
		},
		"runs": func(args []string, stderr io.Writer) (int, bool) {
			_, code, ok := ParseRuns(args, stderr)
			return code, ok
		},
	}
	for _, c := range []struct {
		line string
		code int
		want string
	}{
		{"project", 2, "usage: project"},
		{"project run", 2, "usage: project"},
		{"project run dir more", 2, "usage: project"},
		{"project -h", 0, "-precision form"},
		{"project run dir -help", 0, "usage: project"},
		{"project run dir -precison int8", 2, "-precison"},
		{"project run dir -data", 2, "needs an argument: -data"},
		{"project run dir -data=", 2, "the value of --data is empty"},
		{"project run dir -data -overwrite", 2, "looks like a flag"},
		{"train", 2, "usage: train"},
		{"train a b", 2, "usage: train"},
		{"train --help", 0, "usage: train"},
		{"train a -x", 2, "-x"},
		{"runs a b", 2, "usage: runs"},
		{"runs -h", 0, "usage: runs"},
	} {
		args := strings.Fields(c.line)
		var stderr bytes.Buffer
		if code, ok := parsers[args[0]](args[1:], &stderr); ok || code != c.code || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%s: %d, %v, %s; want %d with %q", c.line, code, ok, &stderr, c.code, c.want)
		}
	}
	for line, want := range map[string]string{"": "", "folder": "folder", "-- -odd": "-odd"} {
		if got, _, ok := ParseRuns(strings.Fields(line), io.Discard); !ok || got != want {
			t.Errorf("runs %s: %q, %v", line, got, ok)
		}
	}
}

// TestInterleaved: what follows "--" are arguments, wherever that stands.
func TestInterleaved(t *testing.T) {
	for line, want := range map[string][]string{
		"":                {},
		"a -x 1 b":        {"a", "b"},
		"a -- -x 1":       {"a", "-x", "1"},
		"-x 1 -- a -- -x": {"a", "--", "-x"},
	} {
		flags := flag.NewFlagSet("", flag.ContinueOnError)
		x := flags.Int("x", 0, "")
		if err := Interleaved(flags, strings.Fields(line)); err != nil || !slices.Equal(flags.Args(), want) || strings.Contains(line, "-x 1 ") != (*x == 1) {
			t.Errorf("%q: %q with x %d, %v; want %q", line, flags.Args(), *x, err, want)
		}
	}
}
