//go:build linux && slow

package container

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// The tests of this folder build an image with buildah, on a base that mmdebstrap makes of Debian's packages, so that
// no registry of images is needed, and start it in namespaces of their own. They need root, both programs, the package
// indexes of Debian, Go and Python, and 15 GB below /var/tmp:
//
//	apt install buildah mmdebstrap && go test -tags slow -timeout 90m -v ./deploy/container
//
// TLKIT_IMAGES=DIR keeps what was built there, and a later run takes it from there.

// builder runs buildah with a storage of the test's own.
type builder struct {
	t    *testing.T
	work string
}

// newBuilder skips the test where no image can be built. The storage ends with the test, unless TLKIT_IMAGES names one.
func newBuilder(t *testing.T) builder {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root: buildah's chroot isolation needs it")
	}
	for _, program := range []string{"buildah", "mmdebstrap", "unshare", "ip"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%v (on Debian: apt install buildah mmdebstrap util-linux iproute2)", err)
		}
	}
	work, kept := os.Getenv("TLKIT_IMAGES"), true
	if work == "" {
		var err error
		if work, err = os.MkdirTemp("/var/tmp", "tlkit-image-"); err != nil {
			t.Fatal(err)
		}
		kept = false
	}
	b := builder{t, work}
	t.Cleanup(func() {
		exec.Command("buildah", b.flags("umount", "--all")...).Run()
		exec.Command("buildah", b.flags("rm", "--all")...).Run()
		if kept {
			return
		}
		exec.Command("chmod", "-R", "u+w", work).Run() // Go's module cache is read-only
		if err := os.RemoveAll(work); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b builder) flags(args ...string) []string {
	return append([]string{"--root", filepath.Join(b.work, "storage"), "--runroot", filepath.Join(b.work, "run"), "--storage-driver", "vfs"}, args...)
}

// do runs a program and returns what it printed on standard output, without spaces around it.
func (b builder) do(name string, args ...string) string {
	b.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+b.work)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		b.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, tail(out.String()+log.String(), 6000))
	}
	return strings.TrimSpace(out.String())
}

func (b builder) buildah(args ...string) string {
	b.t.Helper()
	return b.do("buildah", b.flags(args...)...)
}

// has reports whether an image is in the storage.
func (b builder) has(image string) bool {
	return exec.Command("buildah", b.flags("inspect", "--type", "image", image)...).Run() == nil
}

// base makes an image of Debian's release trixie with more packages.
func (b builder) base(image string, packages ...string) {
	b.t.Helper()
	if b.has(image) {
		return
	}
	tar := filepath.Join(b.work, "base.tar")
	args := []string{"--variant=minbase", "--quiet"}
	if len(packages) > 0 {
		args = append(args, "--include="+strings.Join(packages, ","))
	}
	b.do("mmdebstrap", append(args, "trixie", tar)...)
	b.buildah("from", "--name", "base", "scratch")
	b.buildah("add", "--quiet", "base", tar, "/")
	b.buildah("commit", "--quiet", "base", image)
	b.buildah("rm", "base")
	if err := os.Remove(tar); err != nil {
		b.t.Fatal(err)
	}
}

// image builds the Containerfile's image on a base.
func (b builder) image(image, base string, args ...string) {
	b.t.Helper()
	if b.has(image) {
		return
	}
	build := []string{"build", "--isolation", "chroot", "--pull-never", "--build-arg", "BASE=" + base, "-f", "Containerfile", "-t", image}
	b.buildah(append(append(append(build, args...), network()...), root)...)
}

// inside is where a proxy's certificate is shown to a build and to a container.
const inside = "/run/ca.pem"

// network returns the flags with which a build reaches the package indexes as this process does: behind a proxy with a
// certificate of its own too, and without leaving it in the image.
func network() []string {
	certificates := os.Getenv("SSL_CERT_FILE")
	if certificates == "" {
		return nil
	}
	return []string{"--volume", certificates + ":" + inside + ":ro", "--build-arg", "SSL_CERT_FILE=" + inside, "--build-arg", "PIP_CERT=" + inside}
}

// goOnline gives the container what network gives a build, and this machine's name servers.
func (c *container) goOnline() {
	c.online = true
	c.mounts += "touch etc/resolv.conf\nmount --bind /etc/resolv.conf etc/resolv.conf\n"
	if certificates := os.Getenv("SSL_CERT_FILE"); certificates != "" {
		c.mounts += "touch ." + inside + "\nmount --bind " + certificates + " ." + inside + "\n"
		c.Env = append(c.Env, "SSL_CERT_FILE="+inside, "PIP_CERT="+inside)
	}
}

// config is an image's configuration: https://github.com/opencontainers/image-spec/blob/main/config.md
type config struct {
	User       string
	Env        []string
	Entrypoint []string
	Cmd        []string
	WorkingDir string
}

func (b builder) config(image string) (c config) {
	b.t.Helper()
	var all struct{ OCIv1 struct{ Config config } }
	if err := json.Unmarshal([]byte(b.buildah("inspect", "--type", "image", image)), &all); err != nil {
		b.t.Fatal(err)
	}
	return all.OCIv1.Config
}

// container is an image's files, and how it is started.
type container struct {
	t    *testing.T
	root string
	config
	// user is UID:GID in place of the image's.
	user string
	// mounts is a script that runs in the root folder before the start.
	mounts string
	// readOnly makes all other files read-only.
	readOnly bool
	// online gives it the network of this process.
	online bool
}

// container makes a container of an image.
func (b builder) container(image string) container {
	b.t.Helper()
	name := b.buildah("from", "--pull-never", image)
	return container{t: b.t, root: b.buildah("mount", name), config: b.config(image)}
}

// enter returns the arguments that run a command in the container's root folder, with the image's environment and
// folder, as the user alone: without further groups.
func (c container) enter(command ...string) []string {
	user := c.user
	if user == "" {
		user = c.User
	}
	_, group, _ := strings.Cut(user, ":")
	args := []string{"chroot", "--userspec=" + user, "--groups=" + group, c.root, "/usr/bin/env", "-i", "-C", c.WorkingDir}
	return append(append(args, c.Env...), command...)
}

// start returns the command that starts the container's processes in namespaces of their own, without a network unless
// it is online. It does what podman does for mounts, user, environment and entry point.
func (c container) start(command ...string) *exec.Cmd {
	if len(command) == 0 {
		command = c.Cmd
	}
	script := `mount --make-rprivate /
mount --bind "$0" "$0"
cd "$0"
mount -t proc proc proc
mount -t tmpfs -o mode=755 none dev
mkdir dev/shm dev/pts
mount -t tmpfs -o mode=1777 none dev/shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620 none dev/pts
ln -s pts/ptmx dev/ptmx
for device in null zero full random urandom; do touch dev/$device; mount --bind /dev/$device dev/$device; done
ln -s /proc/self/fd dev/fd
` + c.mounts
	namespaces := []string{"--mount", "--pid"}
	if !c.online {
		namespaces = append(namespaces, "--net")
		script += "ip link set lo up\n"
	}
	if c.readOnly {
		script += "mount -o remount,ro,bind \"$0\" \"$0\"\n"
	}
	script += `exec "$@"`
	args := append(namespaces, "--fork", "--kill-child", "bash", "-ec", script, c.root)
	return exec.Command("unshare", append(args, c.enter(append(c.Entrypoint, command...)...)...)...)
}

// first is the process id of a started container's first process, as this process sees it.
func first(started *exec.Cmd) (int, error) {
	child, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", started.Process.Pid))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(child)))
}

// stop ends all processes of a started container. The kernel ends them with the first one; unshare's --kill-child does
// nothing after the change of user.
func (c container) stop(started *exec.Cmd) {
	if pid, err := first(started); err == nil {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	started.Process.Kill()
	started.Wait()
}

// beside runs a command in a container that has been started, and returns all that it printed.
func (c container) beside(started *exec.Cmd, command ...string) (string, error) {
	pid, err := first(started)
	if err != nil {
		return "", err
	}
	args := []string{"--target", strconv.Itoa(pid), "--mount", "--pid", "--net"}
	out, err := exec.Command("nsenter", append(args, c.enter(command...)...)...).CombinedOutput()
	return string(out), err
}
