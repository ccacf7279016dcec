//go:build unix && !linux

package kernel

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// endsWithUs does nothing here: the janitor ends the processes that are left.
func endsWithUs(*exec.Cmd) {}

func ownSession(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// marked returns the processes whose environment carries the kernel's mark, as ps shows it for one's own processes.
func marked(dir string) []int {
	out, err := exec.Command("ps", "-axEww", "-o", "pid=,command=").Output()
	if err != nil {
		return nil
	}
	var pids []int
	for _, line := range bytes.Split(out, []byte("\n")) {
		fields := bytes.Fields(line)
		if len(fields) == 0 {
			continue
		}
		pid, err := strconv.Atoi(string(fields[0]))
		if err != nil || pid == os.Getpid() {
			continue
		}
		for _, f := range fields[1:] {
			if string(f) == envKernelDir+"="+dir {
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids
}

// interruptBuilds has no cheap way to find GoNB's children here; a build simply runs to its end.
func interruptBuilds(int) {}
