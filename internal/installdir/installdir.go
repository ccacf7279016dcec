// Package installdir knows the folder that install.sh fills: programs, engines, and the weights of one network.
package installdir

import (
	"fmt"
	"path/filepath"

	"github.com/tlkit-go/tlkit-notebooks/internal/envpath"
)

// Env is the environment variable that names the folder.
const Env = "TLKIT_HOME"

// Dir returns the folder: $TLKIT_HOME, else ~/.local/share/tlkit, joined with sub. getenv reads the environment, as
// os.Getenv does. It fails where neither TLKIT_HOME nor a home folder is set.
func Dir(getenv func(string) string, sub ...string) (string, error) {
	dir, err := envpath.From(getenv, Env)
	if err != nil {
		return "", fmt.Errorf("no folder of the installation: %w", err)
	}
	if dir == "" {
		home, err := envpath.Home(getenv)
		if err != nil {
			return "", fmt.Errorf("no folder of the installation: %s is not set, and %w", Env, err)
		}
		dir = filepath.Join(home, ".local", "share", "tlkit")
	}
	return filepath.Join(append([]string{dir}, sub...)...), nil
}
