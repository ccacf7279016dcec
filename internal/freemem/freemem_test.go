package freemem

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

const (
	mounts1 = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n35 31 0:32 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n"
	mounts2 = "30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
	none1   = "9223372036854771712\n"
)

// TestGroups holds what is read of the files that Linux shows of control groups.
func TestGroups(t *testing.T) {
	group2, group1 := "sys/fs/cgroup", "sys/fs/cgroup/memory"
	for name, c := range map[string]struct {
		cgroup, mounts string
		files          map[string]string
		want           []int64
	}{
		"no files":            {"", "", nil, nil},
		"version 2, no limit": {"0::/user/a", mounts2, map[string]string{group2 + "/user/a/memory.max": "max\n"}, nil},
		"version 2": {"0::/user/a", mounts2, map[string]string{group2 + "/user/a/memory.max": "1000\n", group2 + "/user/a/memory.current": "700\n",
			group2 + "/user/a/memory.stat": "anon 100\ninactive_file 200\nactive_file 100\nfile 350\n"}, []int64{600}},
		"version 2, high": {"0::/a", mounts2, map[string]string{group2 + "/a/memory.max": "1000", group2 + "/a/memory.high": "800", group2 + "/a/memory.current": "300"}, []int64{500}},
		"version 2, nested": {"0::/user/a/b", mounts2, map[string]string{group2 + "/user/a/b/memory.max": "900", group2 + "/user/a/b/memory.current": "100",
			group2 + "/user/memory.max": "500", group2 + "/user/memory.current": "450"}, []int64{800, 50}},
		"version 2, a container's own hierarchy":     {"0::/", mounts2, map[string]string{group2 + "/memory.max": "400", group2 + "/memory.current": "500"}, []int64{0}},
		"version 2, a part of the hierarchy":         {"0::/docker/x", "30 23 0:26 /docker/x /sys/fs/cgroup ro - cgroup2 cgroup rw\n", map[string]string{group2 + "/memory.max": "400"}, []int64{400}},
		"version 2, a group beside what is mounted":  {"0::/../y", mounts2, map[string]string{group2 + "/memory.max": "300"}, []int64{300}},
		"version 2, mounted at a path with a blank":  {"0::/a", `30 23 0:26 / /sys/fs/c\040group rw - cgroup2 cgroup2 rw` + "\n", map[string]string{"sys/fs/c group/a/memory.max": "200"}, []int64{200}},
		"version 2 beside version 1, without memory": {"4:memory:/a\n0::/", mounts1 + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n", map[string]string{group1 + "/a/memory.limit_in_bytes": "700"}, []int64{700}},
		"version 1, no limit":                        {"4:memory:/a", mounts1, map[string]string{group1 + "/a/memory.limit_in_bytes": none1}, nil},
		"version 1, nested": {"9:cpu,cpuacct:/z\n4:memory:/a/b", mounts1, map[string]string{group1 + "/a/b/memory.limit_in_bytes": none1, group1 + "/a/memory.limit_in_bytes": "1000",
			group1 + "/a/memory.usage_in_bytes": "600", group1 + "/a/memory.stat": "inactive_file 7\ntotal_inactive_file 50\ntotal_active_file 50\n"}, []int64{500}},
		"version 1, a part of the hierarchy": {"4:memory:/docker/x", "35 31 0:32 /docker/x /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n", map[string]string{group1 + "/memory.limit_in_bytes": "300"}, []int64{300}},
		"damaged":                            {"x\n4:memory", "31\n- -\n", nil, nil},
	} {
		root := t.TempDir()
		for file, text := range map[string]string{"proc/self/cgroup": c.cgroup, "proc/self/mountinfo": c.mounts} {
			write(t, root, file, text)
		}
		for file, text := range c.files {
			write(t, root, file, text)
		}
		if got := groups(root); !slices.Equal(got, c.want) {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func write(t *testing.T, root, file, text string) {
	t.Helper()
	path := filepath.Join(root, filepath.FromSlash(file))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestMachine(t *testing.T) {
	for text, want := range map[string]string{
		"MemTotal: 9 kB\nMemAvailable:   2048 kB\n": "2097152 true",
		"MemTotal: 9 kB\n":                          "0 false",
		"MemAvailable: lots\n":                      "0 false",
	} {
		root := t.TempDir()
		write(t, root, "proc/meminfo", text)
		n, ok := machine(root)
		if got := fmt.Sprint(n, ok); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	n, ok := Bytes()
	if ok != (runtime.GOOS == "linux") || ok && n <= 0 {
		t.Errorf("here: %d, %v", n, ok)
	}
}
