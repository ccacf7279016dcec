package hub

import (
	"bufio"
	"bytes"
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
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
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
	for number, lines := 1, bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); number++ {
		name := strings.TrimSpace(lines.Text())
		switch {
		case name == "" || strings.HasPrefix(name, "#") || seen[name]:
			continue
		case !accountName.MatchString(name):
			return nil, fmt.Errorf("hub: line %d: %q is no name of an account; expected small letters, digits, - and _, beginning with a letter, at most 32", number, name)
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

// prepareUsers puts the roster into the hub's folder and makes the accounts that are missing.
func (o Options) prepareUsers(ctx context.Context) error {
	if o.Auth == AuthPassword {
		if err := o.makeClassPassword(); err != nil {
			return err
		}
	}
	kept := filepath.Join(o.Dir, usersFile)
	if o.Users == "" {
		if _, err := os.Stat(kept); errors.Is(err, fs.ErrNotExist) {
			if o.Auth == AuthLocal {
				return nil
			}
			return fmt.Errorf("hub: --auth %s needs --users FILE, with one user name a line", o.Auth)
		}
		o.Users = kept
	}
	text, err := os.ReadFile(o.Users)
	if err != nil {
		return fmt.Errorf("hub: the user names: %w", err)
	}
	names, err := readRoster(text)
	if err != nil {
		return fmt.Errorf("%w (in %s)", err, o.Users)
	}
	if o.Users != kept {
		if err := writePrivate(kept, []byte(strings.Join(names, "\n")+"\n")); err != nil {
			return err
		}
	}
	made := 0
	for _, name := range names {
		if _, err := user.Lookup(name); err == nil {
			continue
		}
		if err := o.makeAccount(ctx, name); err != nil {
			return err
		}
		made++
	}
	if made > 0 {
		o.say("%d accounts made", made)
		if o.Auth == AuthLocal {
			o.say("%s: their passwords; users change theirs with passwd in a terminal", filepath.Join(o.Dir, passwordsFile))
		}
	}
	return nil
}

// makeAccount makes an account with a home folder that only its owner can enter. For AuthLocal it has a random password.
func (o Options) makeAccount(ctx context.Context, name string) error {
	if out, err := exec.CommandContext(ctx, "useradd", "--create-home", "--key", "HOME_MODE=0700", "--shell", "/bin/bash", name).CombinedOutput(); err != nil {
		return fmt.Errorf("hub: making the account %q: %w: %s", name, err, bytes.TrimSpace(out))
	}
	if o.Auth != AuthLocal {
		return nil
	}
	line := name + ":" + strings.ToLower(rand.Text()[:12])
	set := exec.CommandContext(ctx, "chpasswd")
	set.Stdin = strings.NewReader(line + "\n") // not an argument, which other users could read
	if out, err := set.CombinedOutput(); err != nil {
		return fmt.Errorf("hub: setting the password of %q: %w: %s", name, err, bytes.TrimSpace(out))
	}
	path := filepath.Join(o.Dir, passwordsFile)
	have, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("hub: %w", err)
	}
	return writePrivate(path, append(have, []byte(strings.Replace(line, ":", "\t", 1)+"\n")...))
}

// makeClassPassword writes the one password for all, unless there is one.
func (o Options) makeClassPassword() error {
	path := filepath.Join(o.Dir, classFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := writePrivate(path, []byte(strings.ToLower(rand.Text()[:16])+"\n")); err != nil {
			return err
		}
	} else if err != nil {
		return fmt.Errorf("hub: %w", err)
	} else if n := len(strings.TrimSpace(string(text))); n < 8 {
		return fmt.Errorf("hub: the password in %s has %d characters; JupyterHub wants 8 or more", path, n)
	}
	o.say("%s: the password of all users; whoever knows it can log in under any of their names", path)
	return nil
}

// writePrivate writes a file that only its owner can read.
func writePrivate(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600) // atomicfile keeps the permissions of a file that exists
	if err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	return atomicfile.WriteBytes(path, data)
}
