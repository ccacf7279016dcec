package hub

import (
	"context"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// machine stands for a machine's accounts: its useradd and chpasswd write into a folder, and fail while a file of the
// name fail-PROGRAM is there.
type machine struct {
	t   *testing.T
	dir string
}

func newMachine(t *testing.T) machine {
	t.Helper()
	m := machine{t, t.TempDir()}
	for name, script := range map[string]string{
		"useradd":  `for name; do :; done; echo "$name:!:1:0:9:7:::" >>shadow`,
		"chpasswd": `while IFS=: read -r name password; do sed -i "s/^$name:[^:]*/$name:is-$password/" shadow; done`,
	} {
		m.write(name, "#!/bin/sh\ncd "+m.dir+"\n[ -e fail-"+name+" ] && exit 1\n"+script+"\n", 0o755)
	}
	m.write("shadow", "root:*:1::::::\n", 0o600)
	t.Setenv("PATH", m.dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	oldLook, oldShadow := lookUp, shadowFile
	t.Cleanup(func() { lookUp, shadowFile = oldLook, oldShadow })
	shadowFile = filepath.Join(m.dir, "shadow")
	lookUp = func(name string) (*user.User, error) {
		if strings.Contains("\n"+m.read("shadow"), "\n"+name+":") {
			uid := "1001"
			if name == "service" {
				uid = "107"
			}
			return &user.User{Username: name, Uid: uid, HomeDir: filepath.Join(m.dir, "home-"+name)}, nil
		}
		return nil, user.UnknownUserError(name)
	}
	return m
}

func (m machine) write(name, text string, mode os.FileMode) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), mode); err != nil {
		m.t.Fatal(err)
	}
}

func (m machine) read(name string) string {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join(m.dir, name))
	if err != nil {
		m.t.Fatal(err)
	}
	return string(text)
}

// TestInterruptedAccount: wherever the making of an account ends, the next run completes it with the password that is
// written down.
func TestInterruptedAccount(t *testing.T) {
	for _, program := range []string{"useradd", "chpasswd"} {
		m := newMachine(t)
		o := Options{Dir: t.TempDir(), Auth: AuthLocal}
		m.write("fail-"+program, "", 0o600)
		if err := o.makeAccounts(context.Background(), []string{"ada"}); err == nil || !strings.Contains(err.Error(), `"ada"`) {
			t.Errorf("%s fails: %v", program, err)
		}
		noted, err := os.ReadFile(filepath.Join(o.Dir, passwordsFile))
		name, password, _ := strings.Cut(strings.TrimSpace(string(noted)), "\t")
		if err != nil || name != "ada" || len(password) != 12 {
			t.Fatalf("%s fails: %q, %v; want the name and the password before the account", program, noted, err)
		}
		if err := os.Remove(filepath.Join(m.dir, "fail-"+program)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := o.makeAccounts(context.Background(), []string{"ada"}); err != nil {
				t.Fatal(err)
			}
			if have := m.read("shadow"); !strings.Contains(have, "\nada:is-"+password+":") {
				t.Errorf("%s failed: %q; want the password %q", program, have, password)
			}
		}
		if again, err := os.ReadFile(filepath.Join(o.Dir, passwordsFile)); err != nil || string(again) != string(noted) {
			t.Errorf("%q, %v; want %q", again, err, noted)
		}
	}
}

// TestAccountsThatAreThere: only an account of a person that never had a password gets one, and for AuthLocal only.
func TestAccountsThatAreThere(t *testing.T) {
	const before = "new:!:1::::::\nfedora:!!:1::::::\nset:$y$hash:1::::::\nlocked:!$y$hash:1::::::\nstar:*:1::::::\nservice:!:1::::::\n"
	names := []string{"new", "fedora", "set", "locked", "star", "service"}
	for _, auth := range Auths {
		m := newMachine(t)
		m.write("shadow", before, 0o600)
		var log strings.Builder
		o := Options{Dir: t.TempDir(), Auth: auth, Log: &log}
		if err := o.makeAccounts(context.Background(), names); err != nil {
			t.Fatal(err)
		}
		have := m.read("shadow")
		if auth != AuthLocal {
			if _, err := os.Stat(filepath.Join(o.Dir, passwordsFile)); have != before || err == nil {
				t.Errorf("%s: %q; want no account with a password", auth, have)
			}
			continue
		}
		for _, keep := range []string{"set:$y$hash:", "locked:!$y$hash:", "star:*:", "service:!:"} {
			if !strings.Contains(have, "\n"+keep) {
				t.Errorf("%q lacks %q", have, keep)
			}
		}
		if n := strings.Count(have, ":is-"); n != 2 {
			t.Errorf("%d passwords set in %q; want those of new and fedora", n, have)
		}
		for _, name := range []string{"locked", "star", "service"} {
			if !strings.Contains(log.String(), name+": the account is locked") {
				t.Errorf("%q does not name %s", log.String(), name)
			}
		}
	}
}

// TestPrivate: a planted link is not followed, neither in reading nor in writing.
func TestPrivate(t *testing.T) {
	dir := t.TempDir()
	target, link, file := filepath.Join(dir, "target"), filepath.Join(dir, "link"), filepath.Join(dir, "file")
	if err := os.WriteFile(target, []byte("theirs"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := writePrivate(link, []byte("secret")); err == nil || !strings.Contains(err.Error(), link+" is a link") {
		t.Errorf("writing: %v", err)
	}
	if _, err := readPrivate(link); err == nil || !strings.Contains(err.Error(), link+" is a link") {
		t.Errorf("reading: %v", err)
	}
	if info, err := os.Stat(target); err != nil || info.Size() != 6 || info.Mode().Perm() != 0o644 {
		t.Errorf("the link's target: %v, %v", info, err)
	}
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writePrivate(file, []byte("secret")); err != nil {
		t.Fatal(err)
	}
	text, err := readPrivate(file)
	if info, statErr := os.Stat(file); err != nil || statErr != nil || string(text) != "secret" || info.Mode().Perm() != 0o600 {
		t.Errorf("%q, %v, %v, %v", text, err, info, statErr)
	}
}

// TestSaid: an administrator outside the list and a home folder that others can enter are named, and
// nothing is changed.
func TestSaid(t *testing.T) {
	m := newMachine(t)
	m.write("shadow", "open:$y$hash:1::::::\nclosed:$y$hash:1::::::\n", 0o600)
	for name, mode := range map[string]os.FileMode{"open": 0o755, "closed": 0o750} {
		home := filepath.Join(m.dir, "home-"+name)
		if err := os.Mkdir(home, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(home, mode); err != nil {
			t.Fatal(err)
		}
	}
	m.write("names", "open\nclosed\n", 0o600)
	var log strings.Builder
	o := Options{Dir: t.TempDir(), Auth: AuthLocal, Users: filepath.Join(m.dir, "names"), Admins: []string{"closed", "teacher"}, Log: &log}
	if err := o.prepareUsers(context.Background()); err != nil {
		t.Fatal(err)
	}
	for text, times := range map[string]int{"teacher: an administrator": 1, "administrator who": 1, "open: other users can enter": 1, "can enter": 1, "chmod o-rwx " + m.dir + "/home-open\n": 1} {
		if n := strings.Count(log.String(), text); n != times {
			t.Errorf("%q is said %d times, want %d:\n%s", text, n, times, log.String())
		}
	}
	if info, err := os.Stat(filepath.Join(m.dir, "home-open")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v; the home folder was to stay as it was", info, err)
	}
}
