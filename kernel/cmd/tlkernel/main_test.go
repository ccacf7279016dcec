package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestToolsNeedNoInstallation: help and mistakes of the commands that are compiled need no installation, and the help
// of tlkernel names their flags.
func TestToolsNeedNoInstallation(t *testing.T) {
	t.Setenv("TLKIT_HOME", t.TempDir())
	for _, c := range []struct {
		line string
		code int
		err  string
	}{
		{"project -h", 0, ""},
		{"project run dir -help", 0, ""},
		{"project run", 2, ""},
		{"project run dir -precison int8", 2, ""},
		{"project run dir -prefix", 2, "needs an argument: --prefix"},
		{"train", 2, ""},
		{"runs -h", 0, ""},
		{"runs", 1, "nothing is installed"},
	} {
		code, err := run(strings.Fields(c.line))
		if code != c.code || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("tlkernel %s: %d, %v; want %d and %q", c.line, code, err, c.code, c.err)
		}
	}
	for name, tool := range tools {
		var help bytes.Buffer
		tool.check([]string{"-h"}, &help)
		_, part, _ := strings.Cut(usage, "tlkernel "+name+" ")
		part, _, _ = strings.Cut(part, "\n  tlkernel ")
		for _, flag := range regexp.MustCompile(`(?m)^  (-\S+)`).FindAllStringSubmatch(help.String(), -1) {
			if !strings.Contains(part, "["+flag[1]) {
				t.Errorf("tlkernel's help on %s lacks %s", name, flag[1])
			}
		}
	}
}

func TestTakeFlag(t *testing.T) {
	for _, c := range []struct {
		line, value, rest string
		fails             bool
	}{
		{"run dir", "", "run dir", false},
		{"--prefix /p run dir", "/p", "run dir", false},
		{"run -prefix /p dir", "/p", "run dir", false},
		{"run dir --prefix=/p", "/p", "run dir", false},
		{"run dir -prefix=/p", "/p", "run dir", false},
		{"run --prefixes /p", "", "run --prefixes /p", false},
		{"--prefix /p -- --prefix /q", "/p", "-- --prefix /q", false},
		{"run --prefix", "", "", true},
		{"run --prefix= dir", "", "", true},
		{"run -prefix --dev", "", "", true},
	} {
		value, rest, err := takeFlag(strings.Fields(c.line), "prefix")
		if value != c.value || !slices.Equal(rest, strings.Fields(c.rest)) || (err != nil) != c.fails {
			t.Errorf("%s: %q, %q, %v; want %q, %q", c.line, value, rest, err, c.value, c.rest)
		}
	}
}

// TestEmptyFlags: an empty value, as that of a variable that is not set, does not mean the default, nor
// is the next flag one.
func TestEmptyFlags(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("TLKIT_HOME", "")
	for _, args := range [][]string{
		{"uninstall", "--prefix", ""},
		{"uninstall", "--prefix="},
		{"doctor", "-prefix", ""},
		{"install", "--prefix", "--dev"},
		{"install", "--venv", ""},
		{"exec", "a.ipynb", "--prefix", ""},
		{"exec", "a.ipynb", "-o", "--html"},
		{"lab", "--prefix", ""},
		{"lab", "--kernel="},
		{"runs", "--prefix", ""},
		{"hub", "--prepare", "--dir", ""},
		{"hub", "--prepare", "--users="},
		{"project", "run", "dir", "--prefix", ""},
	} {
		code, err := run(args)
		if code != 2 || err == nil || !strings.Contains(err.Error(), "the value of --") {
			t.Errorf("%q: %d, %v; want 2 and the flag's name", args, code, err)
		}
	}
}

// TestLabsPrefix: lab starts the JupyterLab of the installation that is named.
func TestLabsPrefix(t *testing.T) {
	t.Setenv("TLKIT_HOME", t.TempDir())
	none := filepath.Join(t.TempDir(), "none")
	if code, err := run([]string{"lab", "--prefix", none, "notebooks"}); code != 1 || err == nil || !strings.Contains(err.Error(), none) {
		t.Errorf("%d, %v; want 1 with %s", code, err, none)
	}
}

// TestHubsFlags: what can't be is refused by name, and nothing is dropped in silence. A hub that can be needs root.
func TestHubsFlags(t *testing.T) {
	t.Setenv("TLKIT_HOME", t.TempDir())
	dir := t.TempDir()
	for flags, want := range map[string]string{
		"--idle soon":  "such as 90s",
		"--age -5":     "such as 90s",
		"--port 0":     "expected a number from 1 to 65533",
		"--port x":     "expected a number from 1 to 65533",
		"--memory 2GB": "such as 2G",
	} {
		code, err := run(append([]string{"hub", "--prepare", "--dir", dir}, strings.Fields(flags)...))
		if code != 2 || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("hub %s: %d, %v; want 2 with %q", flags, code, err, want)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can prepare a hub")
	}
	if err := os.WriteFile(filepath.Join(dir, "jupyterhub_config.py"), []byte("prefix = \"/nonexistent/tlkit\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for flags, want := range map[string]string{
		"":                   "/nonexistent/tlkit",
		"--prefix /opt/blue": "would have no effect",
		"--idle 0":           "would have no effect",
		"--age 12h":          "would have no effect",
		"--memory 0":         "would have no effect",
		"--cores 0":          "would have no effect",
		"--cores NaN":        "NaN cores",
		"--cores Inf":        "+Inf cores",
		"--idle 1500ms":      "whole seconds",
	} {
		code, err := run(append([]string{"hub", "--prepare", "--dir", dir}, strings.Fields(flags)...))
		if code != 1 || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("hub %s: %d, %v; want 1 with %q", flags, code, err, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "15": 15 * time.Second, "90s": 90 * time.Second, "15m": 15 * time.Minute, "1h30m": 90 * time.Minute, "1.5h": 90 * time.Minute,
	} {
		d := -time.Second
		if err := duration(&d)(text); err != nil || d != want {
			t.Errorf("%s: %v, %v; want %v", text, d, err, want)
		}
	}
	for _, text := range []string{"", "x", "-5", "-5s", "1.5", "90 s", "99999999999"} {
		var d time.Duration
		if err := duration(&d)(text); err == nil || !strings.Contains(err.Error(), "90s") {
			t.Errorf("%q: %v, %v; want an error with an example", text, d, err)
		}
	}
	if code, err := run([]string{"exec", "x.ipynb", "--timeout", "soon"}); code != 2 || err == nil || !strings.Contains(err.Error(), "such as 90s") {
		t.Errorf("exec --timeout soon: %d, %v", code, err)
	}
}
