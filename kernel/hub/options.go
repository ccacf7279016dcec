package hub

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/envpath"
	"github.com/tlkit-go/tlkit-notebooks/kernel"
)

// The ways to log in.
const (
	// AuthLocal is an account of this machine and its password, by PAM.
	AuthLocal = "local"
	// AuthPassword is one password for all. It lets a user log in under any name.
	AuthPassword = "password"
	// AuthOAuth is an OAuth 2 service, whose addresses and secrets are in environment variables.
	AuthOAuth = "oauth"
)

// The ways to start a user's server.
const (
	// SpawnLocal starts a process of this machine, in a control group of the user's where these can be written.
	SpawnLocal = "local"
	// SpawnSystemd starts a systemd unit with limits of its own.
	SpawnSystemd = "systemd"
	// SpawnSlurm submits a Slurm job.
	SpawnSlurm = "slurm"
)

// Auths and Spawners list the values of Choices.Auth and Choices.Spawner.
var (
	Auths    = []string{AuthLocal, AuthPassword, AuthOAuth}
	Spawners = []string{SpawnLocal, SpawnSystemd, SpawnSlurm}
)

// Never is a time that does not come.
const Never time.Duration = -1

// Options say what hub to make, and how. The zero value serves the accounts of this machine on http://127.0.0.1:8000
// from the folder /srv/tlkit-hub.
type Options struct {
	// Dir is the hub's folder; empty means /srv/tlkit-hub. Users must be able to enter it, but see only the lessons.
	Dir string
	// Prefix is the installation whose kernels users get; empty means the one that the hub in Dir was made with, for a
	// new hub and with Renew the default one.
	Prefix string
	// Users is a file with one user name a line. Accounts that are missing are made, for AuthLocal with a password of
	// their own, which is written to passwords.txt in Dir. Empty means every account that can log in; the other ways to
	// log in need the file.
	Users string
	// Lessons is the folder whose notebooks new users get; empty means the one that was installed from.
	Lessons string
	// Renew writes jupyterhub_config.py anew; the old one is kept beside it.
	Renew bool
	// Log receives a line for each step; nil discards them.
	Log io.Writer
	Choices
}

// Choices are the options that stand in jupyterhub_config.py. Once it is written, they have an effect only with
// Options.Renew.
type Choices struct {
	// IP is the address to listen on, empty for 127.0.0.1, and Port the port, 0 for 8000. The two ports above
	// it are used on 127.0.0.1.
	IP   string
	Port int
	// Cert and Key are files with a TLS certificate and its key; empty means no TLS.
	Cert, Key string
	// SubdomainHost is the hub's address in the form https://hub.school.org, of which each user's server then gets
	// a subdomain, and so a web origin of its own. DNS and certificate must hold for *.hub.school.org too. Empty
	// means one origin for all.
	SubdomainHost string
	// Auth is one of Auths; empty means as the hub in Dir was made, for a new one AuthLocal.
	Auth string
	// Admins may see and stop the servers of others.
	Admins []string
	// Spawner is one of Spawners; empty means SpawnSystemd where systemd runs, else SpawnLocal.
	Spawner string
	// Idle is the time after which a kernel that computes nothing is ended, and then its server; 0 means 90 minutes.
	// Age is the longest time for a server; 0 means 12 hours. Both may be Never, and else are whole seconds.
	Idle, Age time.Duration
	// Memory is the limit for each user in bytes, and Cores the number of processor cores; 0 means none.
	Memory int64
	Cores  float64
	// Given reports that a choice was given, be it one that equals the default, such as Memory 0. Without it the values
	// that are not zero count.
	Given bool
}

// given reports whether any choice is given.
func (c Choices) given() bool { return !reflect.ValueOf(c).IsZero() }

// say logs a line.
func (o Options) say(format string, args ...any) {
	if o.Log != nil {
		fmt.Fprintf(o.Log, format+"\n", args...)
	}
}

// complete returns the options with defaults in place and paths absolute. The error names the first
// choice that can't be.
func (o Options) complete() (Options, kernel.Prefix, error) {
	o.Dir = cmp.Or(o.Dir, "/srv/tlkit-hub")
	o.IP = strings.TrimSuffix(strings.TrimPrefix(cmp.Or(o.IP, "127.0.0.1"), "["), "]")
	o.Port = cmp.Or(o.Port, 8000)
	o.Spawner = cmp.Or(o.Spawner, defaultSpawner())
	o.Idle = cmp.Or(o.Idle, 90*time.Minute)
	o.Age = cmp.Or(o.Age, 12*time.Hour)
	for _, path := range []*string{&o.Dir, &o.Cert, &o.Key, &o.Users, &o.Lessons} {
		if *path == "" {
			continue
		}
		abs, err := filepath.Abs(*path)
		if err != nil {
			return o, "", fmt.Errorf("hub: %q: %w", *path, err)
		}
		*path = abs
	}
	if o.Auth == "" {
		held, err := o.heldAuth()
		if err != nil {
			return o, "", err
		}
		o.Auth = cmp.Or(held, AuthLocal)
	}
	if err := o.check(); err != nil {
		return o, "", err
	}
	p, err := o.installation()
	return o, p, err
}

// installation is the one whose kernels users get.
func (o Options) installation() (kernel.Prefix, error) {
	held := ""
	if !o.Renew {
		var err error
		if held, err = o.heldPrefix(); err != nil {
			return "", err
		}
	}
	switch {
	case o.Prefix == "" && held != "":
		return kernel.Prefix(held), nil
	case o.Prefix == "":
		return kernel.DefaultPrefix()
	}
	path, err := envpath.Expand(o.Prefix) // no shell expands --prefix=~/x
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "", fmt.Errorf("hub: prefix %q: %w", o.Prefix, err)
	}
	switch {
	case held == "":
		return kernel.Prefix(path), nil
	case !kernel.Prefix(path).Is(held):
		return "", fmt.Errorf("hub: the prefix is %s, and %s has %q, so that the one on the command line would have no effect; edit it, or add --renew to write it anew (the old one is kept)",
			path, filepath.Join(o.Dir, configFile), held)
	}
	return kernel.Prefix(held), nil // the users' servers go there
}

// subdomainHost is an address with a name of at least two labels, the last of which is no number, as an IP address has.
var subdomainHost = regexp.MustCompile(`^https?://([A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z][A-Za-z0-9-]*(:[0-9]{1,5})?$`)

// hostName is a name of a machine whose last label is no number, as an IP address has.
var hostName = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?\.?$`)

// isAddress reports whether a hub can listen on a text: an IP address without a zone, which no URL of the
// hub's has, or a name.
func isAddress(text string) bool {
	addr, err := netip.ParseAddr(text)
	return err == nil && addr.Zone() == "" || err != nil && hostName.MatchString(text)
}

// checkTLS returns an error for a certificate and a key that are missing or no pair.
func (o Options) checkTLS() error {
	if o.Cert == "" {
		return nil
	}
	if _, err := tls.LoadX509KeyPair(o.Cert, o.Key); err != nil {
		return fmt.Errorf("hub: certificate %s and key %s: %w; expected a certificate and its key in PEM files", o.Cert, o.Key, err)
	}
	return nil
}

// checkFiles returns an error for a file or folder of the options that can't be used, before the first step.
func (o Options) checkFiles() error {
	if err := o.checkTLS(); err != nil {
		return err
	}
	if _, err := o.roster(); err != nil {
		return err
	}
	if o.Lessons == "" {
		return nil
	}
	if _, err := os.ReadDir(o.Lessons); err != nil {
		return fmt.Errorf("hub: the lessons: %w; expected a folder of notebooks", err)
	}
	return nil
}

func (o Options) check() error {
	switch {
	case !slices.Contains(Auths, o.Auth):
		return fmt.Errorf("hub: unknown way to log in %q; known: %s", o.Auth, strings.Join(Auths, ", "))
	case !slices.Contains(Spawners, o.Spawner):
		return fmt.Errorf("hub: unknown spawner %q; known: %s", o.Spawner, strings.Join(Spawners, ", "))
	case !isAddress(o.IP):
		return fmt.Errorf("hub: %q is no address to listen on; expected one of this machine, such as 127.0.0.1 or ::1, its name, or 0.0.0.0 or :: for all", o.IP)
	case o.Port < 1 || o.Port > 65533:
		return fmt.Errorf("hub: port %d; expected 1 to 65533, since the two above it are used too", o.Port)
	case (o.Cert == "") != (o.Key == ""):
		return fmt.Errorf("hub: TLS needs both files, got certificate %q and key %q", o.Cert, o.Key)
	case o.SubdomainHost != "" && !subdomainHost.MatchString(o.SubdomainHost):
		return fmt.Errorf("hub: host of subdomains %q; expected an address with a name and without a path, such as https://hub.school.org", o.SubdomainHost)
	case o.Auth == AuthPassword && len(o.Admins) > 0:
		return fmt.Errorf("hub: %q can't be an administrator when all log in with one password; use --auth local", o.Admins[0])
	case !wholeSeconds(o.Idle) || !wholeSeconds(o.Age):
		return fmt.Errorf("hub: idle %v and age %v; expected whole seconds, at least one, or Never (on the command line 0)", o.Idle, o.Age)
	case o.Memory != 0 && o.Memory < 1<<29:
		return fmt.Errorf("hub: memory of %d bytes for each user; a training needs 512M or more", o.Memory)
	case !(o.Cores >= 0) || math.IsInf(o.Cores, 0): // NaN is not
		return fmt.Errorf("hub: %v cores; expected a positive number, or 0 for all", o.Cores)
	}
	return nil
}

// wholeSeconds reports whether a time can stand in the configuration.
func wholeSeconds(d time.Duration) bool {
	return d == Never || d >= time.Second && d%time.Second == 0
}

// ParseBytes reads a size such as "512M", "2G" or "1073741824"; K, M, G and T are powers of 1024.
func ParseBytes(text string) (int64, error) {
	digits, unit := text, int64(1)
	if at := strings.IndexAny(text, "KMGT"); at >= 0 && at == len(text)-1 {
		digits, unit = text[:at], int64(1)<<(10*(strings.IndexByte("KMGT", text[at])+1))
	}
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || !(n >= 0 && n*float64(unit) < 1<<62) {
		return 0, fmt.Errorf("hub: size %q; expected a number with K, M, G or T, such as 2G", text)
	}
	return int64(n * float64(unit)), nil
}

// defaultSpawner is systemd's where systemd runs.
func defaultSpawner() string {
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		return SpawnSystemd
	}
	return SpawnLocal
}
