//go:build linux && amd64

package kernel

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gomlx/go-xla/installer"
)

// The PJRT plugin for CUDA 13: the version of the package jax-cuda13-pjrt, and the SHA-256 sum of xla_cuda_plugin.so in
// its wheel. The wheel's own sum is 5899bb6177eda86ea532afb9a26794f2bdd04966f6a01f9028266b16c2b6cf90. Without a
// version, go-xla would take the newest.
const (
	cudaVersion   = "0.12.0.1"
	cudaPluginSum = "b6de513893c09af2c77e71afcef46d9706f8c259337cdef4cd5cae2353886f75"
)

// installCUDA installs the plugin below dir. It keeps a plugin that is already there.
func installCUDA(dir string) error {
	plugin := filepath.Join(dir, "nvidia", installer.NVIDIAPJRTPluginFileName)
	if _, err := os.Stat(plugin); err == nil {
		return nil
	}
	if err := installer.CudaInstall("cuda13", cudaVersion, dir, true, installer.Quiet); err != nil {
		return err
	}
	return verify(plugin, cudaPluginSum)
}

// verify removes a file whose SHA-256 sum differs from sum, and returns an error for it.
func verify(path, sum string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != sum {
		if err := os.Remove(path); err != nil {
			return err
		}
		return fmt.Errorf("%s has the SHA-256 sum %s, expected %s; it was removed", filepath.Base(path), got, sum)
	}
	return nil
}
