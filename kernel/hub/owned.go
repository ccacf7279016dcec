package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tlkit-go/tlkit-notebooks/kernel"
)

// checkOwned returns nil if nobody but root can change what is at path: it and all folders on the way to it, also on
// the way through links, are root's (or this user's, which in Prepare is root) and others can't write them. Folders on
// the way may be writable by others if their sticky bit keeps these from renaming what is not theirs, as that of /tmp.
// Places that do not exist yet are left out. The error names the first place that is not so.
func checkOwned(what, path string) error {
	ways := []string{path}
	if real, err := filepath.EvalSymlinks(path); err == nil && real != path {
		ways = append(ways, real)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("hub: %s: %w", what, err)
	}
	for _, way := range ways {
		for at := way; ; at = filepath.Dir(at) {
			if err := checkPlace(what, at, at != way); err != nil {
				return err
			}
			if at == filepath.Dir(at) {
				break
			}
		}
	}
	return nil
}

// checkPlace is checkOwned for one file, folder or link. Parent means that it is on the way only.
func checkPlace(what, path string, parent bool) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("hub: %s: %w", what, err)
	}
	if owner := ownerOf(info); owner != 0 && owner != os.Geteuid() {
		return fmt.Errorf("hub: %s belongs to user %d, who could change %s for everyone; expected root: chown root %s, or choose another place", path, owner, what, path)
	}
	if info.Mode()&fs.ModeSymlink != 0 { // a link has no mode of its own
		return nil
	}
	if info.Mode().Perm()&0o022 != 0 && !(parent && info.Mode()&fs.ModeSticky != 0) {
		return fmt.Errorf("hub: users other than root can write to %s (mode %04o), and so change %s for everyone; run: chmod go-w %s, or choose another place", path, info.Mode().Perm(), what, path)
	}
	return nil
}

// checkPlaces is checkOwned for all places whose programs run as root or as the users.
func (o Options) checkPlaces(p kernel.Prefix, m *kernel.Manifest, tlkernel string) error {
	places := append(m.Places(p),
		kernel.Place{What: "the kernels' Python environment", Path: m.Venv},
		kernel.Place{What: "tlkernel", Path: tlkernel},
		kernel.Place{What: "the hub's folder", Path: o.Dir})
	if o.Dir != "" {
		places = append(places, kernel.Place{What: "the shared data", Path: filepath.Join(o.Dir, dataFolder)})
	}
	for _, place := range places {
		if place.Path == "" { // an installation without it
			continue
		}
		if err := checkOwned(place.What, place.Path); err != nil {
			return err
		}
	}
	return nil
}
