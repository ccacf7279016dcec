package kernel

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/tlkit-go/tlkit-notebooks/internal/environ"
	"github.com/tlkit-go/tlkit-notebooks/internal/infolder"
)

// cudaRequirements pins the wheels of XLA's PJRT plugin for NVIDIA GPUs and of NVIDIA's libraries, each by version and
// SHA-256.
//
//go:embed requirements_cuda.txt
var cudaRequirements string

const (
	// cudaLibrary is the plugin's place among the files of its wheel.
	cudaLibrary = "jax_plugins/xla_cuda13/xla_cuda_plugin.so"
	// cudaPlugin is the name by which go-xla finds the plugin.
	cudaPlugin = "pjrt_c_api_cuda_plugin.so"
)

// cudaFiles are files that the plugin opens in its folder, of each kind: CUDA's assembler and linker, libdevice, and
// libraries.
var cudaFiles = []string{"bin/ptxas", "cu13/bin/nvlink", "cu13/nvvm/libdevice/libdevice.10.bc",
	"cu13/lib/libcublas.so.13", "cu13/lib/libcublasLt.so.13", "cudnn/lib/libcudnn.so.9"}

// cudaLinked are libraries of cu13/lib that go-xla also links in the folder above its own, because some of NVIDIA's
// libraries do not find them from theirs.
var cudaLinked = []string{"libcublasLt.so.13", "libcublas.so.13"}

// addCUDA installs XLA's PJRT plugin for NVIDIA GPUs with NVIDIA's libraries. A GPU is not needed: images are built
// without one.
func addCUDA(ctx context.Context, to installation, step stepFunc) error {
	dir, err := xlaDir(to.prefix, os.Geteuid())
	if err != nil {
		return fmt.Errorf("kernel: engine cuda: %w", err)
	}
	if err := installCUDA(ctx, to.venv, dir, cudaRequirements, step); err != nil {
		return err
	}
	if to.hasGPU {
		step("%s: engine cuda", dir)
	} else {
		step("%s: engine cuda; no NVIDIA GPU here (no /dev/nvidia*, no nvidia-smi), so another one computes", dir)
	}
	return nil
}

// installCUDA installs the wheels of a requirements file into the folder nvidia of dir, as go-xla's installer arranges
// them: XLA finds NVIDIA's libraries by their places beside the plugin. A plugin that is already there is kept. The
// folder gets its name when all is in it, so that what an interrupted installation leaves is not taken for whole.
func installCUDA(ctx context.Context, venv, dir, requirements string, step stepFunc) (err error) {
	if !hasUnpacked {
		return fmt.Errorf("kernel: engine cuda is for linux/amd64, and this is %s/%s; --engine auto takes what it can have",
			runtime.GOOS, runtime.GOARCH)
	}
	whole := filepath.Join(dir, "nvidia")
	if _, err := os.Stat(filepath.Join(whole, cudaPlugin)); err == nil {
		return nil
	}
	step("engine cuda: fetching 2.5 GB from the Python package index, which take 4 GB of disk")
	// Beside its last place, because the temporary folder may be small. The name is always the same, so that the next
	// installation removes what one that was killed left.
	part := whole + ".part"
	defer func() {
		if removed := os.RemoveAll(part); err == nil && removed != nil {
			err = fmt.Errorf("kernel: engine cuda: %w", removed)
		}
	}()
	if err := pipCUDA(ctx, venv, part, requirements); err != nil {
		return err
	}
	if err := arrangeCUDA(part); err != nil {
		return fmt.Errorf("kernel: engine cuda: %w", err)
	}
	for _, name := range cudaLinked {
		target := filepath.Join(filepath.Base(dir), "nvidia/cu13/lib", name)
		if err := linkTo(target, filepath.Join(filepath.Dir(dir), name)); err != nil {
			return err
		}
	}
	if err := errors.Join(os.RemoveAll(whole), os.Rename(filepath.Join(part, "nvidia"), whole)); err != nil {
		return fmt.Errorf("kernel: engine cuda: %w", err)
	}
	return nil
}

// pipCUDA makes a new folder and installs the wheels of a requirements file into it. pip's temporary files are there
// too.
func pipCUDA(ctx context.Context, venv, dir, requirements string) error {
	tmp, pins := filepath.Join(dir, "tmp"), filepath.Join(dir, "requirements.txt")
	err := errors.Join(os.RemoveAll(dir), os.MkdirAll(tmp, 0o755), os.WriteFile(pins, []byte(requirements), 0o666))
	if err != nil {
		return fmt.Errorf("kernel: engine cuda: %w", err)
	}
	// A mirror may send nothing until it has a file of 500 MB itself.
	pip := pinnedPip(ctx, venv, "install", pins, "--timeout", "120", "--no-user", "--no-compile", "--target", dir)
	pip.Env = environ.Set(pip.Env, "TMPDIR="+tmp)
	if out, err := pip.CombinedOutput(); err != nil {
		what := "kernel: pip install of the CUDA plugin and NVIDIA's libraries (needs a Python package index, and 10 GB of disk meanwhile)"
		return commandError(what, err, string(out))
	}
	return nil
}

// arrangeCUDA moves the plugin from its place in pip's folder to the one beside NVIDIA's libraries, and with it the
// records of the wheels, which have their licences. It returns an error if a file that the plugin needs is not there.
func arrangeCUDA(dir string) error {
	nvidia := filepath.Join(dir, "nvidia")
	bin := filepath.Join(nvidia, "bin")
	moved := os.Rename(filepath.Join(dir, cudaLibrary), filepath.Join(nvidia, cudaPlugin))
	if err := errors.Join(moved, os.MkdirAll(bin, 0o755), linkTo("../cu13/bin/ptxas", filepath.Join(bin, "ptxas"))); err != nil {
		return err
	}
	records, err := infolder.Glob(dir, "*.dist-info")
	if err != nil {
		return err
	}
	for _, record := range records {
		if err := os.Rename(record, filepath.Join(nvidia, filepath.Base(record))); err != nil {
			return err
		}
	}
	for _, name := range cudaFiles {
		if _, err := os.Stat(filepath.Join(nvidia, name)); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the wheels have no nvidia/%s, which the plugin opens; requirements_cuda.txt needs versions that have it", name)
		} else if err != nil {
			return err
		}
	}
	return nil
}
