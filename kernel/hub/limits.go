package hub

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The enforcers of limits.
const (
	limitsSystemd = "systemd"
	limitsCgroup1 = "cgroup1"
	limitsCgroup2 = "cgroup2"
	limitsSlurm   = "slurm"
	limitsRlimit  = "rlimit"
)

// cgroups is where control groups are mounted; tests replace it.
var cgroups = "/sys/fs/cgroup"

// findLimits returns who will enforce the limits of each user, and that in words.
func (o Options) findLimits() (limits, words string) {
	what := "no limit of memory"
	if o.Memory > 0 {
		what = fmt.Sprintf("%.1f GiB of memory", float64(o.Memory)/(1<<30))
	}
	if o.Cores > 0 {
		what += fmt.Sprintf(", %v cores", o.Cores)
	} else {
		what += ", all cores"
	}
	switch o.Spawner {
	case SpawnSystemd:
		return limitsSystemd, what + ", by systemd"
	case SpawnSlurm:
		return limitsSlurm, what + ", by Slurm (its task/cgroup plugin must be on)"
	}
	v2, v1 := tryCgroup2(), tryCgroup1()
	switch {
	case v2 == nil:
		return limitsCgroup2, what + ", 4096 processes, by control groups (version 2)"
	case v1 == nil:
		return limitsCgroup1, what + ", 4096 processes, by control groups (version 1)"
	}
	return limitsRlimit, fmt.Sprintf("%s, for each process and not for the user as a whole, by resource limits; a user can take more cores. Control groups can't be written here (%v; %v)", what, v2, v1)
}

// tryCgroup2 makes the parent of the users' groups, with the controllers that they need.
func tryCgroup2() error {
	if _, err := os.Stat(filepath.Join(cgroups, "cgroup.controllers")); err != nil {
		return errors.New("version 2 is not mounted")
	}
	const controllers = "+memory +cpu +pids"
	parent := filepath.Join(cgroups, "tlkit-hub")
	for _, dir := range []string{cgroups, parent} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte(controllers), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// tryCgroup1 makes the parents of the users' groups in the hierarchies of memory, processors and processes.
func tryCgroup1() error {
	for _, file := range []string{"memory/memory.limit_in_bytes", "cpu/cpu.cfs_quota_us", "pids/cgroup.procs"} {
		controller, _, _ := strings.Cut(file, "/")
		if _, err := os.Stat(filepath.Join(cgroups, filepath.FromSlash(file))); err != nil {
			return fmt.Errorf("version 1 has no %s controller", controller)
		}
		if err := os.MkdirAll(filepath.Join(cgroups, controller, "tlkit-hub"), 0o755); err != nil {
			return err
		}
	}
	return nil
}
