//go:build linux

package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestPrune: which of a cache's workers stay when one is started.
func TestPrune(t *testing.T) {
	root := filepath.Join(t.TempDir(), "cache[1]") // a bracket is no pattern
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	const day = 24 * time.Hour
	ages := []time.Duration{20 * day, time.Hour, 2 * time.Hour, 3 * time.Hour, 2 * day, 3 * day, 23 * time.Hour, 8 * day}
	stays := []bool{true, true, true, true, false, false, true, false} // the first is started now
	const foreign = 8                                                  // a folder that no kernel made
	ages, stays = append(ages, 9*day), append(stays, true)
	dir := func(i int) string { return filepath.Join(root, fmt.Sprintf("worker-%d", i)) }
	for i, age := range ages {
		if err := os.Mkdir(dir(i), 0o755); err != nil {
			t.Fatal(err)
		}
		mark := filepath.Join(dir(i), "used")
		if err := os.WriteFile(mark, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if i != foreign {
			if err := os.WriteFile(filepath.Join(dir(i), "importcfg"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		when := time.Now().Add(-age)
		if err := os.Chtimes(mark, when, when); err != nil {
			t.Fatal(err)
		}
	}
	prune(root, dir(0))
	for i := range ages {
		if got := isDir(dir(i)); got != stays[i] {
			t.Errorf("worker %d, unused for %s: there %v, want %v", i, ages[i], got, stays[i])
		}
	}
}

// TestLock: a second one waits for the first, or for its context.
func TestLock(t *testing.T) {
	root := t.TempDir()
	unlock, err := lock(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	if _, err := lock(ctx, root); err == nil {
		t.Error("two hold the lock")
	}
	time.AfterFunc(50*time.Millisecond, unlock)
	unlock2, err := lock(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	unlock2()
}
