package freemem

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// limitName makes this program a process that is limited, in the way of the value, and prints what it can have.
const limitName = "TLKIT_TEST_LIMIT"

func TestMain(m *testing.M) {
	if way := os.Getenv(limitName); way != "" {
		if err := limited(way); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		n, ok := Bytes()
		fmt.Println(n, ok)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// most is the limit, less than what is free on any machine that runs the tests.
const most = 256 << 20

// limited takes this process into a group, or sets one of its resource limits.
func limited(way string) error {
	resource, group := map[string]int{"data": unix.RLIMIT_DATA, "address space": unix.RLIMIT_AS}[way], filepath.Join(way, "cgroup.procs")
	if resource == 0 {
		return os.WriteFile(group, fmt.Append(nil, os.Getpid()), 0o644)
	}
	var have unix.Rlimit
	if err := unix.Getrlimit(resource, &have); err != nil {
		return err
	}
	have.Cur = most
	return unix.Setrlimit(resource, &have)
}

// TestLimited: real limits of Linux are found, those of control groups where this user may make one.
func TestLimited(t *testing.T) {
	ways := []string{"data", "address space"}
	for parent, limit := range map[string]string{"/sys/fs/cgroup": "memory.max", "/sys/fs/cgroup/memory": "memory.limit_in_bytes"} {
		if inner := nested(t, parent, limit); inner != "" {
			ways = append(ways, inner)
		}
	}
	for _, way := range ways {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), limitName+"="+way)
		out, err := cmd.CombinedOutput()
		text, known := strings.CutSuffix(strings.TrimSpace(string(out)), " true")
		if n, numberErr := strconv.ParseInt(text, 10, 64); err != nil || !known || numberErr != nil || n > most || n < most/4 {
			t.Errorf("%s: %s (%v), want at most %d", way, out, err, most)
		}
		t.Logf("%s: %s", way, out)
	}
}

// nested makes a group with a limit and one in it without, and returns that; "" where this user can't.
func nested(t *testing.T, parent, limit string) string {
	t.Helper()
	var kind unix.Statfs_t
	if err := unix.Statfs(parent, &kind); err != nil || kind.Type != unix.CGROUP_SUPER_MAGIC && kind.Type != unix.CGROUP2_SUPER_MAGIC {
		return "" // not mounted; a folder of the other version's mounts
	}
	outer := filepath.Join(parent, fmt.Sprint("tlkit-freemem-", os.Getpid()))
	inner := filepath.Join(outer, "inner")
	for _, dir := range []string{outer, inner} {
		if os.Mkdir(dir, 0o755) != nil {
			return ""
		}
		t.Cleanup(func() { os.Remove(dir) })
	}
	if os.WriteFile(filepath.Join(outer, limit), []byte(strconv.Itoa(most)), 0o644) != nil {
		return "" // version 2, without the controller
	}
	return inner
}
