package hub

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSocketFolder: it is private and short, whatever others have put in its place.
func TestSocketFolder(t *testing.T) {
	for _, tmp := range []string{"/tmp", filepath.Join(t.TempDir(), strings.Repeat("long", 20))} {
		t.Setenv("TMPDIR", tmp)
		dir, err := socketFolder()
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 || len(dir) > maxSocketFolder {
			t.Errorf("TMPDIR=%s: %s, %v, %v; want a folder of mode 0700 with at most %d bytes", tmp, dir, info, err, maxSocketFolder)
		}
		again, err := socketFolder()
		if err != nil || again != dir {
			t.Errorf("again: %s, %v; want %s", again, err, dir)
		}
		os.Remove(dir)
	}
}

// TestSession: without a command there is nothing to start.
func TestSession(t *testing.T) {
	if err := Session(SessionOptions{}, nil); err == nil || !strings.Contains(err.Error(), "needs a command") {
		t.Error(err)
	}
}

// TestSessionEnvironment: a user's programs find the installation and the shared data; data of the user's own go first.
func TestSessionEnvironment(t *testing.T) {
	const inside = "TLKIT_TEST_SESSION"
	if os.Getenv(inside) != "" { // this process becomes env
		t.Fatal(Session(SessionOptions{Prefix: "/opt/tlkit", Data: "/srv/tlkit-hub/data", Memory: 1 << 30}, []string{"/usr/bin/env"}))
	}
	for own, want := range map[string]string{"": "/srv/tlkit-hub/data", "/home/me/data": "/home/me/data"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestSessionEnvironment$")
		cmd.Env = append(os.Environ(), inside+"=1", "HOME="+t.TempDir(), "TLKIT_DATA="+own)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, line := range []string{"TLKIT_DATA=" + want, "TLKIT_HOME=/opt/tlkit", "GOMEMLIMIT=751619274"} {
			if strings.Count("\n"+string(out), "\n"+line+"\n") != 1 {
				t.Errorf("with TLKIT_DATA=%s the environment lacks %s:\n%s", own, line, out)
			}
		}
	}
}
