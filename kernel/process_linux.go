package kernel

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// endsWithUs makes Linux end cmd when the thread that starts it ends. Even when this process is killed, the ports are
// then free for the next kernel.
func endsWithUs(cmd *exec.Cmd) { cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL }

func ownSession(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// processes lists what runs on this machine and is visible to us.
func processes() []processInfo {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var all []processInfo
	for _, path := range stats {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // ended meanwhile
		}
		if info, zombie, ok := parseStat(string(data)); ok && !zombie {
			all = append(all, info)
		}
	}
	return all
}

// marked returns the processes whose environment carries the kernel's mark.
func marked(dir string) []int {
	mark := []byte(envKernelDir + "=" + dir)
	var pids []int
	for _, proc := range processes() {
		if proc.pid == os.Getpid() {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(proc.pid), "environ"))
		if err != nil {
			continue // another user's, or ended meanwhile
		}
		for _, kv := range bytes.Split(env, []byte{0}) {
			if bytes.Equal(kv, mark) {
				pids = append(pids, proc.pid)
				break
			}
		}
	}
	return pids
}

// interruptBuilds passes an interrupt to the go and goimports that GoNB runs.
func interruptBuilds(gonb int) {
	for _, proc := range processes() {
		if proc.parent == gonb && (proc.name == "go" || proc.name == "goimports") {
			syscall.Kill(proc.pid, syscall.SIGINT)
		}
	}
}

// processInfo is the part of /proc's data on a process that is used here.
type processInfo struct {
	pid, parent int
	name        string
}

// parseStat reads /proc/PID/stat: "pid (name) state ppid ...". The name may hold spaces and parentheses.
func parseStat(stat string) (info processInfo, zombie, ok bool) {
	open, closing := strings.IndexByte(stat, '('), strings.LastIndexByte(stat, ')')
	if open < 1 || closing < open {
		return info, false, false
	}
	fields := strings.Fields(stat[closing+1:])
	if len(fields) < 2 {
		return info, false, false
	}
	pid, err1 := strconv.Atoi(strings.TrimSpace(stat[:open]))
	parent, err2 := strconv.Atoi(fields[1])
	if err1 != nil || err2 != nil {
		return info, false, false
	}
	return processInfo{pid: pid, parent: parent, name: stat[open+1 : closing]}, fields[0] == "Z" || fields[0] == "X", true
}
