//go:build linux

package session

import (
	"fmt"
	"os"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// gonbVersion is the version of GoNB whose gonbui the cells use: the one in go.mod.
const gonbVersion = "v0.11.5"

// gonbEnv returns the environment that GoNB gives its cells and commands. Config.Env adds the id of the kernel, and
// package worker adds the pipes; there is no wasm. workDir is the present folder, started the one in which the kernel
// started.
func gonbEnv(workDir, started, modDir string) []string {
	env := []string{protocol.GONB_DIR_ENV + "=" + workDir, protocol.GONB_TMP_DIR_ENV + "=" + modDir,
		protocol.GONB_VERSION + "=" + gonbVersion, protocol.GONB_GIT_COMMIT + "=" + gonbVersion}
	return append(env, protocol.GONB_JUPYTER_ROOT_ENV+"="+jupyterRoot(started))
}

// jupyterRoot returns the folder in which the Jupyter server was started, by GoNB's rules; without a server, the
// kernel's own.
func jupyterRoot(started string) string {
	if pid := os.Getenv("JPY_PARENT_PID"); pid != "" {
		if dir, err := os.Readlink(fmt.Sprintf("/proc/%s/cwd", pid)); err == nil {
			return dir
		}
	}
	return started
}
