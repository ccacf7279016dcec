package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// program writes a shell script into the folder.
func program(t *testing.T, dir, name, script string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, file string) (rep report) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &rep); err != nil {
		t.Fatal(err)
	}
	return rep
}

// TestFindPlugin: the plugin, the libraries and the compiler are found in a Python environment of any name.
func TestFindPlugin(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip(err)
	}
	packages := filepath.Join(t.TempDir(), "env[1]", "site-packages") // a bracket is no pattern
	plugin := filepath.Join(packages, "jax_plugins", "xla_cuda13", "xla_cuda_plugin.so")
	library, compiler := filepath.Join(packages, "nvidia", "cudnn", "lib"), filepath.Join(packages, "nvidia", "cu13")
	for _, dir := range []string{filepath.Dir(plugin), library, compiler} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(plugin, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PYTHONPATH", packages)
	out := strings.Split(said(python, "-c", findPlugin), "\n")
	if len(out) != 3 || out[0] != plugin || !strings.Contains(out[1], library) || out[2] != "--xla_gpu_cuda_data_dir="+compiler {
		t.Errorf("%q; want %s, %s and %s", out, plugin, library, compiler)
	}
}

// TestRun runs against programs that are scripts: one suite fails, one measurement fails, the rest comes back.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	plugin := filepath.Join(dir, "xla_cuda_plugin.so")
	program(t, dir, "nn.test", `test "$GOMLX_BACKEND" = xla:cuda && test "$(readlink "$PJRT_PLUGIN_LIBRARY_PATH/pjrt_c_api_cuda_plugin.so")" = "`+plugin+`" && echo PASS`+"\n")
	program(t, dir, "zoo.test", "echo a golden logit differs; exit 1\n")
	program(t, dir, "bench", `echo '{"infer_s": 1, "train_s": 2, "peak_mib": 3}'`+"\n")
	python := program(t, dir, "python", `case "$1" in -c) echo `+plugin+`; echo /lib/a; echo ;; *) test "$6" != bf16 && echo '{"infer_s": 4, "train_s": 5, "device": "cpu"}';; esac`+"\n")
	s, err := parse([]string{"--folder", dir, "--python", python, "--json", filepath.Join(dir, "gpu.json"), "--model", "resnet18", "--limit", "1m"})
	if err != nil {
		t.Fatal(err)
	}
	if err := run(s); err != nil {
		t.Fatal(err)
	}
	rep := read(t, s.out)
	if rep.Plugin != plugin || len(rep.Tests) != 3 || !rep.Tests[0].Passed || rep.Tests[1].Passed || rep.Tests[2].Passed || !strings.Contains(rep.Tests[1].Tail, "golden logit") {
		t.Errorf("plugin %q, tests %+v; want the first one passed, the others failed with their words", rep.Plugin, rep.Tests)
	}
	if len(rep.Times) != len(variants) || len(rep.Failures) != 1 || !strings.Contains(rep.Failures[0], "bf16") {
		t.Errorf("times %+v, failures %q; want all but bf16", rep.Times, rep.Failures)
	}
	if first := rep.Times[0]; first.Side != "tlkit" || first.TrainS != 2 || first.Model != "resnet18" {
		t.Errorf("our side: %+v", first)
	}
	s.python = program(t, dir, "bare", "echo; echo; echo\n")
	if err := run(s); err == nil || !strings.Contains(err.Error(), "jax") {
		t.Errorf("a Python without the plugin: error %v, want one that names jax", err)
	}
}

func TestParse(t *testing.T) {
	for _, args := range []string{"--steps 2", "--batch 0", "more", "--limit 0s"} {
		if _, err := parse(strings.Fields(args)); err == nil {
			t.Errorf("parse(%s): no error", args)
		}
	}
	if code := command([]string{"fly"}); code != 1 {
		t.Errorf("an unknown command: exit code %d, want 1", code)
	}
}

func TestArchive(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "a.tar.gz")
	program(t, dir, "gpu", "")
	if err := os.MkdirAll(filepath.Join(dir, "shared"), 0o777); err != nil {
		t.Fatal(err)
	}
	program(t, filepath.Join(dir, "shared"), "x", "")
	if err := archive(dir, file); err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	unpack(t, file, to)
	for _, name := range []string{"gpu", "shared/x"} {
		if info, err := os.Stat(filepath.Join(to, packed, name)); err != nil || info.Mode()&0o100 == 0 {
			t.Errorf("%s: %v, %v; want a program", name, info, err)
		}
	}
}

func unpack(t *testing.T, file, to string) {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	zipped, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(zipped); ; {
		header, err := files.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(to, filepath.FromSlash(header.Name))
		data, err := io.ReadAll(files)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o777)
		}
		if err == nil {
			err = os.WriteFile(path, data, header.FileInfo().Mode())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
