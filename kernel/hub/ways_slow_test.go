//go:build linux && slow

package hub

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// answers runs a cell as the user, whose server it starts.
func (s *student) answers() {
	s.t.Helper()
	s.begin()
	if a := s.cell(`fmt.Println(6 * 7)`); a.Stdout != "42\n" {
		s.t.Errorf("%s's cell prints %q", s.name, a.Stdout)
	}
}

// certificate makes a certificate of its own for this machine's addresses.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv6loopback, net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &secret.PublicKey, secret)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

// TestIPv6: a hub on ::1 with TLS. A login's address and its cookies, the proxy and the websocket all go there.
func TestIPv6(t *testing.T) {
	cert, key := certificate(t)
	h := hubSetup{users: []string{"ada"}, files: map[string]string{"cert.pem": cert, "key.pem": key}, url: "https://[::1]:%d",
		flags: []string{"--ip", "::1", "--cert", "/srv/test/cert.pem", "--key", "/srv/test/key.pem"}}.start(t)
	h.authority = filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(h.authority, []byte(cert), 0o644); err != nil {
		t.Fatal(err)
	}
	ada := h.student("ada")
	if !ada.do("login", "name", "ada", "password", h.passwords()["ada"]).In {
		t.Fatal("ada can't log in")
	}
	ada.answers()
}

// TestClassPassword: with one password for all, whoever is in the list is let in with it, and nobody else.
func TestClassPassword(t *testing.T) {
	h := startHub(t, []string{"ada", "grace"}, "", "--auth", "password")
	text, err := os.ReadFile(filepath.Join(h.dir, classFile))
	if err != nil {
		t.Fatal(err)
	}
	password := strings.TrimSpace(string(text))
	for _, c := range []struct {
		name, password string
		in             bool
	}{{"ada", password, true}, {"ada", password + "x", false}, {"ada", "", false}, {"mallory", password, false}, {"root", password, false}} {
		if got := h.student(c.name).do("login", "name", c.name, "password", c.password).In; got != c.in {
			t.Errorf("%s with %d characters: let in %v, want %v", c.name, len(c.password), got, c.in)
		}
	}
	grace := h.student("grace")
	grace.do("login", "name", "grace", "password", password)
	grace.answers()
}

// identities is an OAuth 2 service: whoever asks is the user that was set last.
type identities struct {
	*httptest.Server
	who string
}

// newIdentities starts a service that gives codes and tokens to one client, as RFC 6749, section 4.1, has it.
func newIdentities(t *testing.T, client, secret string) *identities {
	s := &identities{}
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(v)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("client_id") != client || q.Get("response_type") != "code" {
			http.Error(w, "who asks?", http.StatusBadRequest)
			return
		}
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {"code-of-" + s.who}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		id, password, basic := r.BasicAuth()
		if !basic {
			id, password = r.FormValue("client_id"), r.FormValue("client_secret")
		}
		name, ok := strings.CutPrefix(r.FormValue("code"), "code-of-")
		if id != client || password != secret || !ok {
			http.Error(w, `{"error": "invalid_grant"}`, http.StatusBadRequest)
			return
		}
		answer(w, map[string]any{"access_token": "token-of-" + name, "token_type": "bearer"})
	})
	mux.HandleFunc("GET /user", func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer token-of-")
		if !ok {
			http.Error(w, "no token", http.StatusUnauthorized)
			return
		}
		answer(w, map[string]any{"login": name, "email": name + "@school.org"})
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// TestOAuth: a service says who somebody is; who is in the list gets a server, and who is not is turned away. The
// secrets come from the hub's environment, and stand neither in its files nor in its log, nor in a user's environment.
func TestOAuth(t *testing.T) {
	const client, secret = "tlkit-test", "a-secret-of-the-test"
	service := newIdentities(t, client, secret)
	s := hubSetup{users: []string{"ada"}, flags: []string{"--auth", "oauth"}, env: []string{
		"OAUTH_CLIENT_ID=" + client, "OAUTH_CLIENT_SECRET=" + secret, "OAUTH2_AUTHORIZE_URL=" + service.URL + "/authorize",
		"OAUTH2_TOKEN_URL=" + service.URL + "/token", "OAUTH2_USERDATA_URL=" + service.URL + "/user", "OAUTH2_USERNAME_KEY=login"},
		// The address is known once the hub has its port.
		python: `os.environ.setdefault("OAUTH_CALLBACK_URL", f"http://127.0.0.1:{port}/hub/oauth_callback")
c.GenericOAuthenticator.oauth_callback_url = os.environ["OAUTH_CALLBACK_URL"]`}
	h := s.start(t)
	service.who = "mallory"
	if a := h.student("mallory").do("oauth", "name", "mallory"); a.In || a.Status != float64(http.StatusForbidden) {
		t.Errorf("who is not in the list: %+v; want 403", a)
	}
	service.who = "ada"
	ada := h.student("ada")
	if a := ada.do("oauth", "name", "ada"); !a.In {
		t.Fatalf("ada: %+v", a)
	}
	ada.answers()
	if said := ada.cell(`!env`).Stdout; strings.Contains(said, secret) || strings.Contains(said, "\nOAUTH") || !strings.Contains(said, "JUPYTERHUB_USER=ada") {
		t.Errorf("a user's environment:\n%s", said)
	}
	if bytes.Contains(h.log.Bytes(), []byte(secret)) {
		t.Error("the secret is in the hub's log")
	}
	if out, err := exec.Command("grep", "-rl", "--exclude-dir=venv", "--exclude-dir=proxy", secret, h.dir, h.home).Output(); err == nil || len(out) > 0 {
		t.Errorf("the secret is in %s", out)
	}
}

// hog is a cell that takes more memory than its limit, and proves that it had what is below.
const hog = `taken := [][]byte{}
for range 64 {
	taken = append(taken, bytes.Repeat([]byte{1}, 64<<20))
	fmt.Println(len(taken)*64, "MiB")
}`

// forks is a cell that starts processes until it may not, and ends them.
const forks = `started := []*exec.Cmd{}
var failed error
for range 6000 {
	p := exec.Command("sleep", "300")
	if failed = p.Start(); failed != nil {
		break
	}
	started = append(started, p)
}
for _, p := range started {
	p.Process.Kill()
	p.Wait()
}
fmt.Println(len(started) > 500, failed)`

// TestLimits drives a user into each limit, by control groups if this machine has them, and by resource limits: the
// cell ends with a line that says so, the next one runs, and another user notices nothing.
func TestLimits(t *testing.T) {
	for _, c := range []struct{ limits, python string }{
		{limitsCgroup1, ""}, // or 2: what this machine has
		{limitsRlimit, "c.LocalSpawner.limits = limits = session[session.index(\"--limits\") + 1] = \"rlimit\"\nc.Spawner.cmd = [*session, server]"},
	} {
		t.Run(c.limits, func(t *testing.T) {
			h := startHub(t, []string{"greedy", "modest"}, goEngine+"\n"+c.python, "--memory", "2G", "--cores", "2")
			if c.python == "" && strings.Contains(h.log.String(), "by resource limits") {
				t.Skip("no control groups can be written here")
			}
			passwords := h.passwords()
			greedy, modest := h.student("greedy"), h.student("modest")
			modest.enter(passwords["modest"])
			modest.cell(`mine := 6 * 7`)
			greedy.enter(passwords["greedy"])

			a := greedy.do("cell", "code", "import \"bytes\"\n"+hog)
			t.Logf("a cell that takes 4 GiB of 2: %v; after\n%s\n%s", a.Status, tail(a.Stdout, 100), tail(a.Stderr, 1500))
			if a.Status != "error" || !strings.Contains(a.Stdout, "512 MiB") || strings.Contains(a.Stdout, "4096 MiB") {
				t.Errorf("%v with %q", a.Status, tail(a.Stdout, 200))
			}
			if !strings.Contains(a.Stderr, "memory") {
				t.Errorf("the error does not say that memory was short:\n%s", a.Stderr)
			}
			if next := greedy.cell(`fmt.Println("after")`); next.Stdout != "after\n" {
				t.Errorf("the next cell prints %q", next.Stdout)
			}

			began := time.Now()
			a = greedy.cell("import \"os/exec\"\n" + forks)
			t.Logf("processes: %s in %.0f s", strings.TrimSpace(a.Stdout), time.Since(began).Seconds())
			if !strings.HasPrefix(a.Stdout, "true ") || !strings.Contains(a.Stdout, "resource temporarily unavailable") {
				t.Errorf("6000 processes: %q", a.Stdout)
			}
			if next := modest.cell(`fmt.Println(mine)`); next.Stdout != "42\n" {
				t.Errorf("the other user's value: %q", next.Stdout)
			}
			// The limits leave room for the lesson.
			for _, code := range quickstart(t) {
				modest.cell(strings.Replace(code, "Epochs: 10", "Epochs: 1", 1))
			}
		})
	}
}

// slurmd is a script that starts a Slurm cluster of one node in the hub's namespaces.
const slurmd = `mkdir -p /srv/slurm/state /srv/slurm/spool /etc/slurm
host=$(hostname -s)
head -c 256 /dev/urandom >/srv/slurm/munge.key
chmod 600 /srv/slurm/munge.key
cat >/etc/slurm/slurm.conf <<END
ClusterName=tlkit
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=%d
SlurmdPort=%d
SlurmUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=/srv/slurm/munge.socket
StateSaveLocation=/srv/slurm/state
SlurmdSpoolDir=/srv/slurm/spool
SlurmctldPidFile=/srv/slurm/slurmctld.pid
SlurmdPidFile=/srv/slurm/slurmd.pid
SlurmctldLogFile=/srv/slurm/slurmctld.log
SlurmdLogFile=/srv/slurm/slurmd.log
SlurmdParameters=config_overrides
ReturnToService=2
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
NodeName=$host NodeAddr=127.0.0.1 CPUs=4 RealMemory=8000
PartitionName=main Nodes=ALL Default=YES State=UP
END
munged --force --key-file=/srv/slurm/munge.key --socket=/srv/slurm/munge.socket --pid-file=/srv/slurm/munged.pid --log-file=/srv/slurm/munged.log --seed-file=/srv/slurm/munged.seed
slurmctld
slurmd
until [ "$(sinfo --noheader --format=%%t)" = idle ]; do sleep 0.2; done
`

// TestSlurmSpawner: each user's server is a job of a Slurm cluster, as that user. Stopped in mid-training, the job
// saves before it ends, and the next one goes on.
func TestSlurmSpawner(t *testing.T) {
	for _, name := range []string{"munged", "slurmctld", "slurmd", "sbatch"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%v; on Debian: apt install slurm-wlm munge", err)
		}
	}
	port := freePorts(t)
	h := hubSetup{users: []string{"ada", "grace"}, python: goEngine, script: fmt.Sprintf(slurmd, port, port+1), flags: []string{"--spawner", "slurm", "--memory", "2G", "--cores", "2"}}.start(t)
	jobs := func() string {
		t.Helper()
		out, err := h.inside("squeue", "--noheader", "--format=%u %T %C %m").CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	passwords := h.passwords()
	ada := h.student("ada")
	t.Logf("the server of a job: %.1f s", ada.enter(passwords["ada"]).Seconds)
	if have, want := jobs(), "ada RUNNING 2 2G"; have != want {
		t.Errorf("jobs %q, want %q", have, want)
	}
	if said := ada.cell(`!id -un; pwd; umask; ls lessons/00_quickstart.ipynb; env | grep -c ^SLURM_JOB_ID=`).Stdout; said != "ada\n/home/ada\n0077\nlessons/00_quickstart.ipynb\n1\n" {
		t.Errorf("ada's cell: %q", said)
	}
	history := filepath.Join(h.home, "ada", "runs", "long", "finetune", "history.jsonl")
	epochs := func() int {
		text, _ := os.ReadFile(history)
		return bytes.Count(text, []byte("\n"))
	}
	ada.do("begin", "code", training(1000))
	ada.until(func() bool { return epochs() > 3 })
	ada.do("stop")
	ada.until(func() bool { return !ada.do("running").Running && jobs() == "" })
	saved := epochs()
	ada.begin()
	first := ada.cell(histories).Stdout
	if n := strings.Count(first, "\n"); n < 2 {
		t.Errorf("after the end of the job the run has %d epochs, its file %d lines", n, saved)
	}
	ada.do("begin", "code", training(1000))
	ada.until(func() bool { return epochs() > saved+1 })
	ada.do("stop")
	ada.until(func() bool { return !ada.do("running").Running })
	grace := h.student("grace")
	grace.enter(passwords["grace"])
	if said := grace.cell(`!id -un`).Stdout; said != "grace\n" {
		t.Errorf("grace's cell: %q", said)
	}
}
