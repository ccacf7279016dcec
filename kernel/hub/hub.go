package hub

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/tlkit-go/tlkit-notebooks/kernel"
)

// Prepare fills the hub's folder: programs, lessons, accounts and configuration. It may be repeated, and then does what
// is left to do. It needs root, since JupyterHub starts each user's server as that user, and a Go program that knows
// the command "hub-session", which starts them: tlkernel.
func Prepare(ctx context.Context, opts Options) error {
	if os.Geteuid() != 0 {
		return errors.New("hub: only root can start servers as other users: run it with sudo; for yourself alone there is tlkernel lab")
	}
	chosen := opts.Choices.given()
	o, p, err := opts.complete()
	if err != nil {
		return err
	}
	opts.Dir = o.Dir
	if err := opts.checkEffect(); err != nil {
		return err
	}
	if err := kernel.CheckShared(p); err != nil {
		return o.ofHeld(p, err)
	}
	tlkernel, err := thisProgram()
	if err != nil {
		return err
	}
	m, err := kernel.ReadManifest(p)
	if err != nil {
		return err
	}
	if err := o.checkPlaces(p, m, tlkernel); err != nil {
		return o.ofHeld(p, err)
	}
	if err := o.checkFiles(); err != nil {
		return err
	}
	setUmask(0o022) // users read what is made here
	if err := o.makeFolder(); err != nil {
		return err
	}
	if err := o.prepareData(); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{o.prepareVenv, o.prepareProxy, o.prepareUsers} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := o.prepareLessons(p); err != nil {
		return err
	}
	if err := o.writeConfig(p, tlkernel); err != nil {
		return err
	}
	if ip := net.ParseIP(o.IP); chosen && o.Cert == "" && (ip == nil || !ip.IsLoopback()) {
		o.say("without a certificate (--cert, --key) passwords travel to %s unencrypted; put a proxy with TLS before the hub, or give one", o.IP)
	}
	return nil
}

// makeFolder makes the hub's folder, which all users can enter and only root can list.
func (o Options) makeFolder() error {
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	if err := checkOwned("the hub's folder", o.Dir); err != nil { // of what was made, and of what another made meanwhile
		return err
	}
	if closed := kernel.ClosedTo(o.Dir); closed != "" {
		return fmt.Errorf("hub: other users can't enter %s, on the way to the hub's folder; choose another --dir", closed)
	}
	if err := os.Chmod(o.Dir, 0o711); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	return nil
}

// thisProgram returns the path of tlkernel itself, which starts sessions. Users must be able to run it.
func thisProgram() (string, error) {
	path, err := os.Executable()
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", fmt.Errorf("hub: %w", err)
	}
	if closed := kernel.ClosedTo(filepath.Dir(path)); closed != "" {
		return "", fmt.Errorf("hub: other users can't enter %s, where %s is; start the installation's own tlkernel", closed, path)
	}
	return path, nil
}

// dataFolder is the folder in the hub's with data sets and weights for all users.
const dataFolder = "data"

// prepareData makes the folder of the shared data sets and weights. Files of the teacher stay there.
func (o Options) prepareData() error {
	dir := filepath.Join(o.Dir, dataFolder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	if closed := kernel.ClosedTo(dir); closed != "" {
		o.say("%s: users can't read the data sets and weights there; to open it: chmod go+rx %[1]s", closed)
	}
	return nil
}

// prepareLessons copies the lessons to a folder that users can read. Files of the teacher stay there.
func (o Options) prepareLessons(p kernel.Prefix) error {
	from, rule := o.Lessons, anyLesson
	if from == "" {
		m, err := kernel.ReadManifest(p)
		if err != nil {
			return err
		}
		from, rule = filepath.Join(m.Source, "notebooks"), ownLesson
	}
	to := filepath.Join(o.Dir, "lessons")
	made, leftOut, err := copyLessons(from, to, rule)
	if err != nil {
		if o.Lessons != "" {
			return err
		}
		if err := os.MkdirAll(to, 0o755); err != nil {
			return fmt.Errorf("hub: %w", err)
		}
		o.say("no lessons (%v); put notebooks into %s, or give a folder with --lessons", err, to)
		return nil
	}
	o.say("%s: %d new files; each user gets a copy of what is there", to, made)
	if o.Lessons != "" && leftOut != "" {
		o.say("not copied from %s: %s", from, leftOut)
	}
	return nil
}
