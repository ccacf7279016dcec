package hub

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The files of the hub's folder that hold names and passwords.
const (
	usersFile     = "users.txt"      // one name a line: who may log in
	passwordsFile = "passwords.txt"  // name and password of the accounts that were made
	classFile     = "class-password" // the one password of AuthPassword
)

// accountName is what Debian's useradd takes as a name.
var accountName = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)

// readRoster reads user names, one a line; empty lines and lines with # are left out. The error names the line that is
// no name of an account.
func readRoster(text []byte) (names []string, err error) {
	seen := map[string]bool{}
	number := 0
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // of an editor on Windows
	for line := range strings.Lines(string(text)) { // of any length: a longer one must not end the list
		number++
		name := strings.TrimSpace(line)
		switch {
		case name == "" || strings.HasPrefix(name, "#") || seen[name]:
			continue
		case !accountName.MatchString(name):
			return nil, fmt.Errorf("hub: line %d: %q is no name of an account; expected small letters, digits, - and _, beginning with a letter, at most 32", number, name[:min(len(name), 40)])
		case name == "root":
			return nil, fmt.Errorf("hub: line %d: root can't be a user of the hub", number)
		}
		seen[name] = true
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil, errors.New("hub: the file of user names has none; expected one name a line")
	}
	return names, nil
}

// roster returns the names of Options.Users, or those that the hub's folder has; none if every account can log in.
func (o Options) roster() ([]string, error) {
	from := cmp.Or(o.Users, filepath.Join(o.Dir, usersFile))
	text, err := os.ReadFile(from)
	switch {
	case o.Users == "" && errors.Is(err, fs.ErrNotExist) && o.Auth == AuthLocal:
		return nil, nil
	case o.Users == "" && errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("hub: %s is missing; --auth %s, and a way to log in of your own, need --users FILE, with one user name a line", from, o.Auth)
	case err != nil:
		return nil, fmt.Errorf("hub: the user names: %w", err)
	}
	names, err := readRoster(text)
	if err != nil {
		return nil, fmt.Errorf("%w (in %s)", err, from)
	}
	return names, nil
}

// prepareUsers puts the roster into the hub's folder and makes the accounts that are missing.
func (o Options) prepareUsers(ctx context.Context) error {
	if o.Auth == AuthPassword {
		if err := o.makeClassPassword(); err != nil {
			return err
		}
	}
	names, err := o.roster()
	if err != nil || names == nil {
		return err
	}
	kept := filepath.Join(o.Dir, usersFile)
	if o.Users != "" && o.Users != kept {
		if err := writePrivate(kept, []byte(strings.Join(names, "\n")+"\n")); err != nil {
			return err
		}
	}
	for _, admin := range o.Admins {
		if !slices.Contains(names, admin) {
			o.say("%s: an administrator who is not in %s: JupyterHub lets administrators in all the same, but no account is made; add the name to the list for one", admin, kept)
		}
	}
	return o.makeAccounts(ctx, names)
}

// sayOpenHome names the home folder of an account that was there before, if others can enter it. It stays as it is,
// since a machine may have a reason, such as pages of a web server.
func (o Options) sayOpenHome(account *user.User) {
	info, err := os.Stat(account.HomeDir)
	if err != nil || info.Mode().Perm()&0o007 == 0 {
		return
	}
	o.say("%s: other users can enter the home folder %s (mode %04o), which the hub did not make and leaves as it is; to close it: chmod o-rwx %[2]s", account.Username, account.HomeDir, info.Mode().Perm())
}

// makeAccounts makes the accounts that are missing, and for AuthLocal gives a password to those that never had one,
// such as accounts that an interrupted run has made.
func (o Options) makeAccounts(ctx context.Context, names []string) error {
	made := 0
	for _, name := range names {
		account, err := lookUp(name)
		if err == nil {
			o.sayOpenHome(account)
			var have string
			if o.Auth == AuthLocal {
				if have, err = passwordState(account); err != nil {
					return err
				}
			}
			switch have {
			case neverSet:
				o.say("%s: the account has no password yet; it gets one", name)
				if err := o.setPassword(ctx, name); err != nil {
					return err
				}
				made++
			case locked:
				o.say("%s: the account is locked, so that this user can't log in; to unlock it: passwd %s", name, name)
			}
			continue
		}
		if unknown := user.UnknownUserError(""); !errors.As(err, &unknown) {
			return fmt.Errorf("hub: looking for the account %q: %w", name, err)
		}
		if err := o.makeAccount(ctx, name); err != nil {
			return err
		}
		made++
	}
	if made > 0 {
		o.say("%d accounts made or completed", made)
		if o.Auth == AuthLocal {
			o.say("%s: their passwords", filepath.Join(o.Dir, passwordsFile))
		}
	}
	return nil
}

// makeAccount makes an account with a home folder that only its owner can enter. For AuthLocal it has a random
// password, which is written down before: whenever this is interrupted, the next run goes on with the same one.
func (o Options) makeAccount(ctx context.Context, name string) error {
	if o.Auth == AuthLocal {
		if _, err := o.notedPassword(name); err != nil {
			return err
		}
	}
	if out, err := exec.CommandContext(ctx, "useradd", "--create-home", "--key", "HOME_MODE=0700", "--shell", "/bin/bash", name).CombinedOutput(); err != nil {
		return fmt.Errorf("hub: making the account %q: %w: %s", name, err, bytes.TrimSpace(out))
	}
	if o.Auth != AuthLocal {
		return nil
	}
	return o.setPassword(ctx, name)
}

// setPassword gives an account the password that is noted for it.
func (o Options) setPassword(ctx context.Context, name string) error {
	password, err := o.notedPassword(name)
	if err != nil {
		return err
	}
	set := exec.CommandContext(ctx, "chpasswd")
	set.Stdin = strings.NewReader(name + ":" + password + "\n") // not an argument, which other users could read
	if out, err := set.CombinedOutput(); err != nil {
		return fmt.Errorf("hub: setting the password of %q: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return nil
}

// notedPassword returns the password that stands for a name in passwords.txt, where it writes a random
// one if none does.
func (o Options) notedPassword(name string) (string, error) {
	path := filepath.Join(o.Dir, passwordsFile)
	have, err := readPrivate(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	password := ""
	for line := range strings.Lines(string(have)) {
		if n, p, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok && n == name && p != "" {
			password = p // the last one holds
		}
	}
	if password != "" {
		return password, nil
	}
	password = strings.ToLower(rand.Text()[:12])
	if len(have) > 0 && have[len(have)-1] != '\n' {
		have = append(have, '\n')
	}
	return password, writePrivate(path, append(have, []byte(name+"\t"+password+"\n")...))
}

// The states of a password in /etc/shadow.
const (
	usable   = "usable"
	neverSet = "never set"
	locked   = "locked"
)

// lookUp finds an account, and shadowFile has the passwords; tests replace both.
var (
	lookUp     = user.Lookup
	shadowFile = "/etc/shadow"
)

// firstUser is the lowest number of a person's account; below are those of services.
const firstUser = 1000

// passwordState returns what /etc/shadow says of an account's password (shadow(5), the second field): useradd leaves
// "!", on Fedora "!!"; a password that was locked has its hash behind the "!". Accounts that are not there, as those of
// a directory service, have their passwords elsewhere. An account of a service is locked, since nobody logs in to it.
func passwordState(account *user.User) (string, error) {
	text, err := os.ReadFile(shadowFile)
	if errors.Is(err, fs.ErrNotExist) {
		return usable, nil
	} else if err != nil {
		return "", fmt.Errorf("hub: the passwords of this machine: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) < 2 || fields[0] != account.Username {
			continue
		}
		uid, err := strconv.Atoi(account.Uid)
		switch hash := fields[1]; {
		case (hash == "!" || hash == "!!") && err == nil && uid >= firstUser:
			return neverSet, nil
		case strings.HasPrefix(hash, "!") || strings.HasPrefix(hash, "*"):
			return locked, nil
		}
		return usable, nil
	}
	return usable, nil
}

// makeClassPassword writes the one password for all, unless there is one.
func (o Options) makeClassPassword() error {
	path := filepath.Join(o.Dir, classFile)
	text, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := writePrivate(path, []byte(strings.ToLower(rand.Text()[:16])+"\n")); err != nil {
			return err
		}
	} else if err != nil {
		return err
	} else if n := len(strings.TrimSpace(string(text))); n < 8 {
		return fmt.Errorf("hub: the password in %s has %d characters; JupyterHub wants 8 or more", path, n)
	}
	o.say("%s: the password of all users; whoever knows it can log in under any of their names", path)
	return nil
}
