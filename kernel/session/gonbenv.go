//go:build linux

package session

import (
	"fmt"
	"os"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// gonbVersion is the GoNB whose gonbui cells speak to: go.mod's.
const gonbVersion = "v0.11.5"

// gonbEnv is the environment that GoNB gives its cells and commands. The id of the
// kernel comes with Config.Env, the pipes from package worker; there is no wasm.
// workDir is the folder now, started the one in which the kernel started.
func gonbEnv(workDir, started, modDir string) []string {
	env := []string{protocol.GONB_DIR_ENV + "=" + workDir, protocol.GONB_TMP_DIR_ENV + "=" + modDir,
		protocol.GONB_VERSION + "=" + gonbVersion, protocol.GONB_GIT_COMMIT + "=" + gonbVersion}
	return append(env, protocol.GONB_JUPYTER_ROOT_ENV+"="+jupyterRoot(started))
}

// jupyterRoot is the folder that the Jupyter server was started in, as GoNB takes
// it; without a server, the kernel's own.
func jupyterRoot(started string) string {
	if pid := os.Getenv("JPY_PARENT_PID"); pid != "" {
		if dir, err := os.Readlink(fmt.Sprintf("/proc/%s/cwd", pid)); err == nil {
			return dir
		}
	}
	return started
}
