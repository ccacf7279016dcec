package hub

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"math"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/kernel"
)

func TestReadRoster(t *testing.T) {
	for _, c := range []struct {
		text  string
		names []string
		err   string
	}{
		{"alice\nbob\n", []string{"alice", "bob"}, ""},
		{"# class of 2026\r\n\n alice \nalice\nzoë-x", nil, `line 5: "zoë-x" is no name`},
		{"# class\n alice \nalice\n", []string{"alice"}, ""},
		{"alice\nroot", nil, "line 2: root can't be"},
		{"\ufeffalice\r\nbob\r\n", []string{"alice", "bob"}, ""},
		{"-rf\n", nil, `line 1: "-rf"`},
		{"a:b\n", nil, `"a:b"`},
		{"../x\n", nil, `"../x"`},
		{strings.Repeat("x", 33), nil, "at most 32"},
		{"\n# nobody\n", nil, "has none"},
		{"alice\n#" + strings.Repeat("x", 70_000) + "\nbob\n", []string{"alice", "bob"}, ""},
		{"alice\n" + strings.Repeat("x", 70_000) + "\nbob\n", nil, "line 2"},
	} {
		names, err := readRoster([]byte(c.text))
		if !reflect.DeepEqual(names, c.names) || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: %q, %v; want %q, %q", c.text, names, err, c.names, c.err)
		}
	}
}

// FuzzReadRoster: only names that a shell, a path and chpasswd's lines carry unchanged pass.
func FuzzReadRoster(f *testing.F) {
	f.Add([]byte("alice\nbob\n"))
	f.Add([]byte("a:b\n#c\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		names, err := readRoster(text)
		for _, n := range names {
			if err != nil || n == "" || n == "root" || n[0] == '-' || strings.ContainsAny(n, ":/\n\t ,\x00.") {
				t.Errorf("%q: name %q, %v", text, n, err)
			}
		}
	})
}

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int64{"512M": 512 << 20, "2G": 2 << 30, "1.5G": 3 << 29, "7": 7, "0": 0, "1T": 1 << 40, "4K": 4096,
		"": -1, "G": -1, "2g": -1, "2GB": -1, "-1G": -1, "NaN": -1, "1e300": -1, "InfG": -1} {
		got, err := ParseBytes(text)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		opts Options
		err  string
	}{
		{Options{}, ""},
		{Options{Auth: "ldap"}, `unknown way to log in "ldap"; known: local, password, oauth`},
		{Options{Spawner: "docker"}, `unknown spawner "docker"`},
		{Options{Port: 65534}, "port 65534"},
		{Options{IP: "::1"}, ""},
		{Options{IP: "[::]"}, ""},
		{Options{IP: "0.0.0.0"}, ""},
		{Options{IP: "hub.school.org"}, ""},
		{Options{IP: "localhost"}, ""},
		{Options{IP: "nonsense host"}, `"nonsense host" is no address`},
		{Options{IP: "10.0.0.999"}, `"10.0.0.999" is no address`},
		{Options{IP: "http://hub"}, "is no address"},
		{Options{IP: "127.0.0.1:8000"}, "is no address"},
		{Options{IP: "fe80::1%eth0"}, "is no address"},
		{Options{Cert: "a.pem"}, "TLS needs both files"},
		{Options{SubdomainHost: "https://hub.school.org:8000"}, ""},
		{Options{SubdomainHost: "hub.school.org"}, `subdomains "hub.school.org"; expected`},
		{Options{SubdomainHost: "https://10.0.0.7"}, `subdomains "https://10.0.0.7"`},
		{Options{SubdomainHost: "https://hub.school.org/x"}, "without a path"},
		{Options{Auth: AuthPassword, Admins: []string{"t"}}, `"t" can't be an administrator`},
		{Options{Idle: time.Millisecond}, "idle 1ms"},
		{Options{Age: 1500 * time.Millisecond}, "whole seconds"},
		{Options{Idle: -time.Second}, "whole seconds"},
		{Options{Idle: Never, Age: Never}, ""},
		{Options{Memory: 1 << 20}, "memory of 1048576 bytes"},
		{Options{Cores: -1}, "-1 cores"},
		{Options{Cores: math.NaN()}, "NaN cores"},
		{Options{Cores: math.Inf(1)}, "+Inf cores"},
	} {
		if _, _, err := c.opts.complete(); (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%+v: %v; want %q", c.opts, err, c.err)
		}
	}
	if (Options{Dir: "x", Users: "names.txt", Lessons: "y", Prefix: "z"}).Choices.given() || !(Options{Memory: 1 << 30}).Choices.given() || !(Options{Given: true}).Choices.given() {
		t.Error("the users, lessons and the installation don't stand in the configuration alone; the memory does, also as 0")
	}
	o, _, err := Options{Dir: "x"}.complete()
	if err != nil || !filepath.IsAbs(o.Dir) || o.Port != 8000 || o.IP != "127.0.0.1" || o.Idle != 90*time.Minute || o.Age != 12*time.Hour {
		t.Errorf("%+v, %v", o, err)
	}
}

// TestHeldPrefix: an existing hub keeps its installation, and another on the command line is refused, not dropped.
func TestHeldPrefix(t *testing.T) {
	dir := t.TempDir()
	own, err := kernel.DefaultPrefix()
	if err != nil {
		t.Fatal(err)
	}
	o, _, err := Options{Dir: dir, Spawner: SpawnLocal, Prefix: "/opt/grün"}.complete()
	if err != nil {
		t.Fatal(err)
	}
	if err := o.writeConfig("/opt/grün", "/opt/grün/bin/tlkernel"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		opts Options
		want string // empty: refused
	}{
		{Options{Dir: dir}, "/opt/grün"},
		{Options{Dir: dir, Prefix: "/opt/grün/"}, "/opt/grün"},
		{Options{Dir: dir, Prefix: "/opt/blau", Renew: true}, "/opt/blau"},
		{Options{Dir: dir, Renew: true}, string(own)},
		{Options{Dir: dir, Prefix: "/opt/blau"}, ""},
		{Options{Dir: t.TempDir(), Prefix: "/opt/blau"}, "/opt/blau"},
	} {
		_, p, err := c.opts.complete()
		if string(p) != c.want || (err != nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), "would have no effect") {
			t.Errorf("%+v: %q, %v; want %q", c.opts, p, err, c.want)
		}
	}
}

// TestEditedPrefix: the installation is the one that Python takes from an edited configuration. Where only Python can
// compute it, nothing is refused.
func TestEditedPrefix(t *testing.T) {
	dir := t.TempDir()
	there, link := t.TempDir(), filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(there, link); err != nil {
		t.Skip(err)
	}
	own, err := kernel.DefaultPrefix()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text, prefix, want string // want is empty where prefix is refused
	}{
		{"prefix = '/opt/rot'  # ours\n", "", "/opt/rot"},
		{"prefix = '/opt/rot#2'\r\n", "", "/opt/rot#2"},
		{"prefix = \"/opt/rot\"\nprefix = \"/opt/blau\"\n", "", "/opt/blau"},
		{"prefix = \"/opt/rot\"\nprefix = \"/opt/blau\"\n", "/opt/rot", ""},
		{"prefix = os.environ[\"HOUSE\"]\n", "", string(own)},
		{"prefix = os.environ[\"HOUSE\"]\n", "/opt/blau", "/opt/blau"},
		{"prefix = \"/opt/rot\"\nprefix = '/opt/' + name\n", "/opt/blau", "/opt/blau"},
		{"prefix = " + pythonText(link), there, link},
		{"prefix = " + pythonText(there), link, there},
	} {
		if err := os.WriteFile(filepath.Join(dir, configFile), []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, p, err := Options{Dir: dir, Prefix: c.prefix}.complete()
		if string(p) != c.want || (err != nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), "would have no effect") {
			t.Errorf("%q with prefix %q: %q, %v; want %q", c.text, c.prefix, p, err, c.want)
		}
	}
}

// TestHeldPrefixGone: an error about the installation of an existing hub names the file that has it, and the way to
// another one.
func TestHeldPrefixGone(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can prepare a hub")
	}
	dir, gone := t.TempDir(), filepath.Join(t.TempDir(), "gone")
	path := filepath.Join(dir, configFile)
	if err := os.WriteFile(path, []byte("prefix = "+pythonText(gone)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		opts  Options
		named bool
	}{
		{Options{Dir: dir}, true},
		{Options{Dir: dir, Prefix: gone}, true},
		{Options{Dir: dir, Prefix: gone, Renew: true}, false},
		{Options{Dir: t.TempDir(), Prefix: gone}, false},
	} {
		err := Prepare(t.Context(), c.opts)
		if !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), path) != c.named ||
			strings.Contains(err.Error(), "--renew --prefix") != c.named {
			t.Errorf("%+v: %v; want the way to another installation: %v", c.opts, err, c.named)
		}
	}
}

// TestNeverEnds: without limits of time nothing ends a session; the idle culler would take 0 for at once.
func TestNeverEnds(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 on PATH")
	}
	for _, spawner := range Spawners {
		o, _, err := Options{Dir: t.TempDir(), Spawner: spawner, Idle: Never, Age: Never}.complete()
		if err != nil {
			t.Fatal(err)
		}
		if err := o.writeConfig("/p", "/t"); err != nil {
			t.Fatal(err)
		}
		const script = `
import sys, types
from unittest.mock import MagicMock
c = MagicMock()
sys.modules["batchspawner"] = types.ModuleType("batchspawner")
path = sys.argv[1]
exec(compile(open(path).read(), path, "exec"), {"get_config": lambda: c, "__name__": "config"})
services = [s["name"] for s in c.JupyterHub.services]
unknown = [s for role in c.JupyterHub.load_roles for s in role["services"] if s not in services]  # JupyterHub would end
print(services, unknown, c.BatchSpawnerBase.req_runtime == "0", [a for a in c.Spawner.args if "idle" in a or "activity" in a or "inactive" in a])`
		out, err := exec.Command(python, "-c", script, filepath.Join(o.Dir, configFile)).CombinedOutput()
		want := "[] [] " + map[bool]string{true: "True", false: "False"}[spawner == SpawnSlurm] +
			" ['--MappingKernelManager.cull_idle_timeout=0', '--TerminalManager.cull_inactive_timeout=0', '--ServerApp.shutdown_no_activity_timeout=0']\n"
		if err != nil || string(out) != want {
			t.Errorf("%s: %v\n%s, want\n%s", spawner, err, out, want)
		}
	}
}

// TestConfig: each choice makes a file that Python reads, and each value stands in it once, where it is named.
func TestConfig(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 on PATH")
	}
	for _, auth := range Auths {
		for _, spawner := range Spawners {
			o, _, err := Options{Dir: t.TempDir(), Auth: auth, Spawner: spawner, Port: 7117, Idle: 5401 * time.Second, Age: 43201 * time.Second,
				Memory: 3 << 30, Cores: 1.5, Cert: `/etc/it's "quoted".pem`, Key: "/k", SubdomainHost: "https://hub.school.org"}.complete()
			if err != nil {
				t.Fatal(err)
			}
			if auth != AuthPassword {
				o.Admins = []string{"teacher"}
			}
			if err := o.writeConfig("/opt/tlkit", "/opt/tlkit/bin/tlkernel"); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(o.Dir, configFile)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"7117", `subdomain_host = "https://hub.school.org"`, "5401", "43201", "3221225472", "cores = 1.5", `"/etc/it's \"quoted\".pem"`} {
				if n := bytes.Count(text, []byte(want)); n != 1 {
					t.Errorf("%s, %s: %q stands there %d times", auth, spawner, want, n)
				}
			}
			if out, err := exec.Command(python, "-c", "import sys; [compile(open(f).read(), f, 'exec') for f in sys.argv[1:]]", path, filepath.Join(o.Dir, spawnerFile)).CombinedOutput(); err != nil {
				t.Errorf("%s, %s: %v\n%s\n%s", auth, spawner, err, out, text)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v; want a file that others can't read", info, err)
			}
		}
	}
}

// TestServerCommand: what starts a user's server has each of its arguments, and for Slurm, whose job is a text for a
// shell, ends with batchspawner-singleuser, which runs a Python program: the server.
func TestServerCommand(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 on PATH")
	}
	for _, spawner := range Spawners {
		o, _, err := Options{Dir: filepath.Join(t.TempDir(), "a hub"), Spawner: spawner, Memory: 3 << 30, Cores: 1.5}.complete()
		if err == nil {
			err = os.Mkdir(o.Dir, 0o755)
		}
		if err == nil {
			err = o.writeConfig("/opt/tl kit", "/opt/tl kit/bin/tlkernel")
		}
		if err != nil {
			t.Fatal(err)
		}
		const script = `
import json, shlex, sys, types
from unittest.mock import MagicMock
c = MagicMock()
sys.modules["batchspawner"] = types.ModuleType("batchspawner")
exec(open(sys.argv[1]).read(), {"get_config": lambda: c})
print(json.dumps(shlex.split(" ".join([c.BatchSpawnerBase.batchspawner_singleuser_cmd] + c.Spawner.cmd)) if sys.argv[2] == "slurm" else c.Spawner.cmd))`
		out, err := exec.Command(python, "-c", script, filepath.Join(o.Dir, configFile), spawner).CombinedOutput()
		var got []string
		if err != nil || json.Unmarshal(out, &got) != nil {
			t.Fatalf("%s: %v\n%s", spawner, err, out)
		}
		limits := map[string]string{SpawnSystemd: limitsSystemd, SpawnSlurm: limitsSlurm}[spawner]
		if limits == "" {
			limits, _ = o.findLimits()
		}
		want := []string{"/opt/tl kit/bin/tlkernel", "hub-session", "--prefix", "/opt/tl kit", "--lessons", o.Dir + "/lessons", "--data", o.Dir + "/data",
			"--memory", "3221225472", "--cores", "1.5", "--limits", limits, "--", o.Dir + "/venv/bin/jupyterhub-singleuser"}
		if spawner == SpawnSlurm {
			want = slices.Insert(want, len(want)-1, o.Dir+"/venv/bin/batchspawner-singleuser")
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%q, want\n%q", spawner, got, want)
		}
	}
}

// TestAllowedUsers: the configuration lets in who is in the list, as the preparation reads it, and never root.
func TestAllowedUsers(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 on PATH")
	}
	for text, want := range map[string]string{
		"ada\ngrace\n": "['ada', 'grace']",
		"\ufeffada\r\n\r\n  # the others\r\n grace \r\n":                                   "['ada', 'grace']",
		"ada\n# not\rbob\vnor\fcarol\x1cnor\x1ddave\x1enor\u0085eve\u2028nor\u2029frank\n": "['ada']", // ends of lines for Python's splitlines
		"# Zo\xeb\nada\u3000\n": "['ada']", // Latin-1; a blank of a Japanese keyboard
		"":                      "everyone",
	} {
		o, _, err := Options{Dir: t.TempDir(), Spawner: SpawnLocal}.complete()
		if err == nil {
			err = o.writeConfig("/opt/tlkit", "/opt/tlkit/bin/tlkernel")
		}
		if err == nil && text != "" {
			err = os.WriteFile(filepath.Join(o.Dir, usersFile), []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		const script = `
import sys
from unittest.mock import MagicMock
c = MagicMock()
exec(open(sys.argv[1]).read(), {"get_config": lambda: c})
a = c.Authenticator
print("everyone" if a.allow_all is True else sorted(a.allowed_users), a.blocked_users)`
		out, err := exec.Command(python, "-c", script, filepath.Join(o.Dir, configFile)).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want+" {'root'}" {
			t.Errorf("%q: %v, %s; want %s and not root", text, err, got, want)
		}
		if text == "" {
			continue
		}
		if names, err := readRoster([]byte(text)); err != nil || strings.Join(names, "', '") != strings.Trim(want, "[']") {
			t.Errorf("%q: the preparation reads %q, %v", text, names, err)
		}
	}
}

// TestAddress: the address that the hub listens on is a URL, also of IPv6.
func TestAddress(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 on PATH")
	}
	for ip, want := range map[string]string{"": "http://127.0.0.1:8000/", "::1": "http://[::1]:8000/", "[::]": "http://[::]:8000/", "hub.school.org": "http://hub.school.org:8000/"} {
		o, _, err := Options{Dir: t.TempDir(), IP: ip, Spawner: SpawnLocal}.complete()
		if err != nil {
			t.Fatal(err)
		}
		if err := o.writeConfig("/opt/tlkit", "/opt/tlkit/bin/tlkernel"); err != nil {
			t.Fatal(err)
		}
		const script = `import sys, unittest.mock
c = unittest.mock.MagicMock()
text = open(sys.argv[1]).read().split("# --- Who may log in")[0]
exec(text, {"get_config": lambda: c})
print(c.JupyterHub.bind_url)`
		out, err := exec.Command(python, "-c", script, filepath.Join(o.Dir, configFile)).CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%q: %v, %s; want %s", ip, err, out, want)
		}
	}
}

// TestTLSFiles: a certificate and its key are looked at before the first step.
func TestTLSFiles(t *testing.T) {
	dir := t.TempDir()
	pair := func(name string) (cert, key string) {
		t.Helper()
		secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		about := &x509.Certificate{SerialNumber: big.NewInt(1)}
		der, err := x509.CreateCertificate(rand.Reader, about, about, &secret.PublicKey, secret)
		if err != nil {
			t.Fatal(err)
		}
		private, err := x509.MarshalPKCS8PrivateKey(secret)
		if err != nil {
			t.Fatal(err)
		}
		cert, key = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
		for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: private}} {
			if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return cert, key
	}
	cert, key := pair("own")
	_, otherKey := pair("other")
	for _, c := range []struct{ cert, key, want string }{
		{"", "", ""},
		{cert, key, ""},
		{filepath.Join(dir, "nope.pem"), key, "nope.pem"},
		{cert, filepath.Join(dir, "nope.key"), "nope.key"},
		{cert, otherKey, "does not match"},
		{key, cert, "PEM"},
	} {
		err := Options{Choices: Choices{Cert: c.cert, Key: c.key}}.checkTLS()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %s: %v; want %q", c.cert, c.key, err, c.want)
		}
	}
}

// TestFiles: a list of users and a folder of lessons that can't be read are errors before the first step, too.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	none, list := filepath.Join(dir, "none"), filepath.Join(dir, "names.txt")
	if err := os.WriteFile(list, []byte("alice\nroot\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{}, ""},
		{Options{Auth: AuthPassword}, "users.txt is missing"},
		{Options{Users: none}, none},
		{Options{Users: list}, "line 2"},
		{Options{Lessons: none}, none},
		{Options{Lessons: list}, "expected a folder"},
		{Options{Lessons: dir}, ""},
	} {
		c.o.Dir = dir
		o, _, err := c.o.complete()
		if err != nil {
			t.Fatal(err)
		}
		if err := o.checkFiles(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v; want %q", c.o, err, c.want)
		}
	}
}

// TestConfigIsTheTeachers: what was edited is kept.
func TestConfigIsTheTeachers(t *testing.T) {
	o, _, err := Options{Dir: t.TempDir(), Spawner: SpawnLocal}.complete()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(o.Dir, configFile)
	if err := os.WriteFile(path, []byte("# edited\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := o.writeConfig("/p", "/t"); err != nil {
		t.Error(err)
	}
	if err := (Options{Dir: o.Dir, Port: 80}).checkEffect(); err == nil || !strings.Contains(err.Error(), "--renew") {
		t.Errorf("choices that have no effect: %v", err)
	}
	for _, fine := range []Options{{Dir: o.Dir}, {Dir: o.Dir, Users: "names.txt"}, {Dir: o.Dir, Port: 80, Renew: true}, {Dir: t.TempDir(), Port: 80}} {
		if err := fine.checkEffect(); err != nil {
			t.Errorf("%+v: %v", fine, err)
		}
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "# edited\n" {
		t.Errorf("%q, %v", text, err)
	}
	o.Renew = true
	for _, old := range []string{".old", ".old.2", ".old.3"} {
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		o.Port++
		if err := o.writeConfig("/p", "/t"); err != nil {
			t.Error(err)
		}
		if kept, err := os.ReadFile(path + old); err != nil || !bytes.Equal(kept, before) {
			t.Errorf("%s: %q, %v; want %q", old, kept, err, before)
		}
	}
	if text, err := os.ReadFile(path + ".old"); err != nil || string(text) != "# edited\n" {
		t.Errorf("the first one: %q, %v", text, err)
	}
}

// TestHeldAuth: a hub that is started again, or written anew, keeps its way to log in.
func TestHeldAuth(t *testing.T) {
	held := func(dir string) string {
		t.Helper()
		o, _, err := Options{Dir: dir, Renew: true}.complete()
		if err != nil {
			t.Fatal(err)
		}
		return o.Auth
	}
	if auth := held(t.TempDir()); auth != AuthLocal {
		t.Errorf("a new hub: %q", auth)
	}
	for _, auth := range Auths {
		o, _, err := Options{Dir: t.TempDir(), Auth: auth, Spawner: SpawnLocal}.complete()
		if err != nil {
			t.Fatal(err)
		}
		if err := o.writeConfig("/p", "/t"); err != nil {
			t.Fatal(err)
		}
		if have := held(o.Dir); have != auth {
			t.Errorf("%q, want %q", have, auth)
		}
		path := filepath.Join(o.Dir, configFile)
		write := func(path, text string) {
			t.Helper()
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for text, want := range map[string]string{
			"# the line is gone\n":                                   auth,
			"#c.JupyterHub.authenticator_class = \"pam\"\n":          auth,
			"c.JupyterHub.authenticator_class = 'pam'  # accounts\n": AuthLocal,
			"c.JupyterHub.authenticator_class = \"ldap\"\n":          AuthOAuth,
		} {
			write(path, text)
			if have := held(o.Dir); have != want {
				t.Errorf("made with %s, %q: %q, want %q", auth, text, have, want)
			}
		}
		write(path, "# no line\n")
		write(filepath.Join(o.Dir, stateFile), "{")
		if _, _, err := (Options{Dir: o.Dir}).complete(); err == nil || !strings.Contains(err.Error(), stateFile) {
			t.Errorf("a broken state: %v", err)
		}
		if err := os.Remove(filepath.Join(o.Dir, stateFile)); err != nil {
			t.Fatal(err)
		}
		if have := held(o.Dir); have != AuthOAuth {
			t.Errorf("nothing says how users log in: %q; want no passwords made", have)
		}
	}
}

func TestCopyLessons(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "lessons")
	for _, name := range []string{"00.ipynb", "images/a.svg", "ja/00.ipynb", "00.claims.json", "x_test.go", "runs/quick/run.ipynb", ".git/x.ipynb", "ja/.ipynb_checkpoints/00.ipynb"} {
		put(t, from, name, "ours")
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(from, "passwd.ipynb")); err != nil {
		t.Fatal(err)
	}
	put(t, to, "00.ipynb", "the user's")
	if made, _, err := copyLessons(from, to, ownLesson); err != nil || made != 2 {
		t.Errorf("%d copied, %v; want 2", made, err)
	}
	have := filesIn(t, to)
	if want := []string{"00.ipynb: the user's", "images/a.svg: ours", "ja/00.ipynb: ours"}; !reflect.DeepEqual(have, want) {
		t.Errorf("%q, want %q", have, want)
	}
}

// TestFindLimits: who enforces limits, on machines with and without control groups.
func TestFindLimits(t *testing.T) {
	own := cgroups
	t.Cleanup(func() { cgroups = own })
	file := func(names ...string) {
		t.Helper()
		for _, n := range names {
			path := filepath.Join(cgroups, n)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	o := Options{Spawner: SpawnLocal, Memory: 1 << 30}
	want := func(limits, words string) {
		t.Helper()
		if got, text := o.findLimits(); got != limits || !strings.Contains(text, words) {
			t.Errorf("%q, %q; want %q, %q", got, text, limits, words)
		}
	}
	cgroups = t.TempDir()
	want(limitsRlimit, "1.0 GiB of memory, all cores, for each process")
	file("memory/memory.limit_in_bytes", "cpu/cpu.cfs_quota_us")
	want(limitsRlimit, "version 1 has no pids controller")
	file("pids/cgroup.procs")
	want(limitsCgroup1, "version 1")
	cgroups = t.TempDir()
	file("cgroup.controllers")
	want(limitsCgroup2, "version 2")
	if text, err := os.ReadFile(filepath.Join(cgroups, "tlkit-hub", "cgroup.subtree_control")); err != nil || string(text) != "+memory +cpu +pids" {
		t.Errorf("the users' parent group: %q, %v", text, err)
	}
	o.Spawner = SpawnSystemd
	want(limitsSystemd, "by systemd")
	o.Spawner = SpawnSlurm
	want(limitsSlurm, "by Slurm")
}

// TestNotRoot: nobody else can start a hub, and is told what to do.
func TestNotRoot(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("this is root")
	}
	if err := Prepare(context.Background(), Options{Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "sudo") {
		t.Errorf("%v, want a hint at sudo", err)
	}
}
