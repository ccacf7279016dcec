// Package installdir knows the folder that install.sh fills: programs, engines, and the weights of one network.
package installdir

import (
	"fmt"
	"path/filepath"
	"runtime"
)

// Env is the environment variable that names the folder.
const Env = "TLKIT_HOME"

// Dir returns the folder: $TLKIT_HOME, else ~/.local/share/tlkit, joined with sub. getenv reads the environment, as
// os.Getenv does. The error says that neither TLKIT_HOME nor a home folder is set.
func Dir(getenv func(string) string, sub ...string) (string, error) {
	dir := getenv(Env)
	if dir == "" {
		name := "HOME"
		if runtime.GOOS == "windows" {
			name = "USERPROFILE"
		}
		home := getenv(name)
		if home == "" {
			return "", fmt.Errorf("no folder of the installation: neither %s nor %s is set", Env, name)
		}
		dir = filepath.Join(home, ".local", "share", "tlkit")
	}
	return filepath.Join(append([]string{dir}, sub...)...), nil
}
