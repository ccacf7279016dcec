//go:build linux && amd64

package kernel

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestVerify(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plugin.so")
	if err := os.WriteFile(path, []byte("abc"), 0o666); err != nil {
		t.Fatal(err)
	}
	// FIPS 180-2, appendix B.1.
	if err := verify(path, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); err != nil {
		t.Error(err)
	}
	if err := verify(path, cudaPluginSum); err == nil || !strings.Contains(err.Error(), cudaPluginSum) {
		t.Errorf("another file: error %v, want one with the sum that was expected", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file with another sum was left")
	}
	dir := t.TempDir()
	plugin := filepath.Join(dir, "nvidia", "pjrt_c_api_cuda_plugin.so")
	if err := os.MkdirAll(filepath.Dir(plugin), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(plugin, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	err := installCUDA(dir)
	if _, missing := os.Stat(plugin); err != nil || missing != nil {
		t.Errorf("a plugin that is there: %v", err)
	}
}
