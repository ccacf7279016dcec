// Package freemem tells how much memory this process and those that it starts can have: what is free on the machine,
// within the limits of the control groups (version 1 and 2) that it is in, and of its resource limits.
package freemem

import (
	"bufio"
	"bytes"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Bytes returns the memory that can be had, in bytes, 0 if the limits leave none; ok is false where it is not known, as
// on other systems than Linux.
//
// A resource limit holds for each process and counts as one for all: where a hub can't limit a user in another way, it
// stands for the user's share of the machine.
func Bytes() (free int64, ok bool) {
	var all []int64
	if n, ok := machine("/"); ok {
		all = append(all, n)
	}
	all = append(append(all, groups("/")...), resourceLimits()...)
	if len(all) == 0 {
		return 0, false
	}
	return slices.Min(all), true
}

// machine is what is free on the machine whose files are below root.
func machine(root string) (int64, bool) {
	text, err := os.ReadFile(filepath.Join(root, "proc/meminfo"))
	if err != nil {
		return 0, false
	}
	kib, ok := field(text, "MemAvailable:")
	return kib << 10, ok
}

// field returns the number behind the name at the beginning of a line.
func field(text []byte, name string) (int64, bool) {
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || words[0] != name {
			continue
		}
		n, err := strconv.ParseInt(words[1], 10, 64)
		return n, err == nil
	}
	return 0, false
}

// version has the files of a version of control groups.
type version struct {
	limits []string
	used   string
	// cached are the fields of memory.stat that count pages of files, which the system gives back when memory is short.
	cached []string
}

var (
	version1 = version{[]string{"memory.limit_in_bytes"}, "memory.usage_in_bytes", []string{"total_inactive_file", "total_active_file"}}
	version2 = version{[]string{"memory.max", "memory.high"}, "memory.current", []string{"inactive_file", "active_file"}}
)

// groups returns what each control group leaves that this process is in: its own and those around it, as far as they
// can be seen and have a limit.
func groups(root string) (free []int64) {
	own, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return nil
	}
	mounts, err := os.ReadFile(filepath.Join(root, "proc/self/mountinfo"))
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(own)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3) // number, controllers, path
		if len(parts) < 3 {
			continue
		}
		v, isMount := version1, func(kind, options string) bool { return kind == "cgroup" && has(options, "memory") }
		if parts[0] == "0" && parts[1] == "" {
			v, isMount = version2, func(kind, _ string) bool { return kind == "cgroup2" }
		} else if !has(parts[1], "memory") {
			continue
		}
		for _, dir := range around(string(mounts), parts[2], isMount) {
			if n, ok := v.free(filepath.Join(root, dir)); ok {
				free = append(free, n)
			}
		}
	}
	return free
}

// has reports whether a list with commas has a word.
func has(list, word string) bool { return slices.Contains(strings.Split(list, ","), word) }

// around returns the folders of a group and of those around it, up to where its hierarchy is mounted. In a container
// the mount may show a part of the hierarchy alone, below which the group's path may not be.
func around(mounts, group string, isMount func(kind, options string) bool) (dirs []string) {
	for line := range strings.Lines(mounts) {
		// 31 23 0:28 ROOT MOUNTPOINT OPTIONS... - KIND SOURCE OPTIONS
		head, tail, _ := strings.Cut(line, " - ")
		before, after := strings.Fields(head), strings.Fields(tail)
		if len(before) < 5 || len(after) < 3 || !isMount(after[0], after[2]) {
			continue
		}
		top := unescape(before[4])
		dir := top
		if rel, err := filepath.Rel(unescape(before[3]), group); err == nil && filepath.IsLocal(rel) {
			dir = path.Join(top, rel)
		}
		for ; dir != top && dir != "/"; dir = path.Dir(dir) {
			dirs = append(dirs, dir)
		}
		return append(dirs, top)
	}
	return nil
}

// unescape returns a path as it is: mountinfo has blanks and some other characters as octal numbers.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// free is what the group in a folder leaves; ok is false if it has no limit.
func (v version) free(dir string) (n int64, ok bool) {
	limit := int64(math.MaxInt64)
	for _, name := range v.limits {
		if n, ok := number(filepath.Join(dir, name)); ok { // not for "max"
			limit = min(limit, n)
		}
	}
	if limit > 1<<60 { // version 1 writes no limit as the largest number of pages
		return 0, false
	}
	used, _ := number(filepath.Join(dir, v.used))
	if stat, err := os.ReadFile(filepath.Join(dir, "memory.stat")); err == nil {
		for _, name := range v.cached {
			cached, _ := field(stat, name)
			used -= cached
		}
	}
	return max(0, limit-max(0, used)), true
}

// number reads a file with a number.
func number(file string) (int64, bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil
}
