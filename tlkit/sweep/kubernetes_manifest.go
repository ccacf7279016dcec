package sweep

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
)

//go:embed kubernetes.yaml.tmpl
var kubernetesText string

// kubernetesTemplate makes the manifest of a kubernetesJob; YAML has Go's escapes in quoted strings. It is a text, as
// Slurm's script is, and not made with k8s.io/api: notebooks compile this package, and k8s.io/api adds 10 MB to each
// program. The tests decode the text strictly into the types of k8s.io/api.
var kubernetesTemplate = template.Must(template.New("job.yaml").Funcs(template.FuncMap{"text": strconv.QuoteToASCII, "literal": kubernetesLiteral}).Parse(kubernetesText))

// kubernetesJob is what the manifest needs.
type kubernetesJob struct {
	Kubernetes
	// Name is the job's, Sweep the sweep's folder, Script the shell script that each pod runs.
	Name, Sweep, Script string
	Tasks, Seconds      int
	MiB                 int64
	User, Group         int
	Env                 []variable
}

// variable is a variable of the environment.
type variable struct{ Name, Value string }

// kubernetesLiteral quotes a string in which Kubernetes would replace $(NAME) by the value of a variable.
func kubernetesLiteral(s string) string {
	return strconv.QuoteToASCII(strings.ReplaceAll(s, "$", "$$"))
}

// check implements checker.
func (k Kubernetes) check() error {
	switch {
	case k.Image == "":
		return errors.New("Kubernetes.Image is empty; set it to a container image with the installation (deploy/container)")
	case k.Claim == "":
		return errors.New("Kubernetes.Claim is empty; set it to the PersistentVolumeClaim of the volume that has the sweep's folder")
	}
	for _, own := range [][2]string{{"cpu", "CPUs"}, {"memory", "Memory"}} {
		if amount, ok := k.Limits[own[0]]; ok {
			return fmt.Errorf("Kubernetes.Limits has %q: %q, which is that of the field %s; set Kubernetes.%s instead, and leave it out of Limits", own[0], amount, own[1], own[1])
		}
	}
	return share{"Kubernetes", k.CPUs, k.AtOnce, k.Memory, k.Time, time.Second, k.Poll}.check()
}

// complete returns the choices with defaults in place. The error names the first one that can't be.
func (k Kubernetes) complete(tasks int, folders ...string) (Kubernetes, error) {
	var err error
	if k.Path == "" {
		if k.Path, err = os.UserHomeDir(); err != nil {
			return k, fmt.Errorf("Kubernetes.Path is empty, and there is no home folder: %w", err)
		}
	}
	k.Home, k.CPUs, k.AtOnce = cmp.Or(k.Home, "/opt/tlkit"), cmp.Or(k.CPUs, 1), cmp.Or(k.AtOnce, tasks)
	if err := k.check(); err != nil {
		return k, err
	}
	if !filepath.IsAbs(k.Path) || strings.Contains(k.Path, ":") {
		return k, fmt.Errorf("Kubernetes.Path is %q; expected an absolute path without a colon", k.Path)
	}
	for _, dir := range folders {
		if rel, err := filepath.Rel(k.Path, dir); err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
			return k, fmt.Errorf("the folder %s is not below %s, where pods have the volume %q: set Sweep.Dir to a folder of that volume and work in one, or set Kubernetes.Path to where it is mounted", dir, k.Path, k.Claim)
		}
	}
	return k, nil
}

// write writes the job's manifest, its script and the list of its folders, and returns the job's name and the
// manifest's path. The name depends on all three, so that the same tasks make the same job.
func (k Kubernetes) write(tasks []*Task, env []string, work string) (name, manifest string, err error) {
	list, err := folderList(tasks)
	if err != nil {
		return "", "", err
	}
	cwd, err := os.Getwd()
	if err != nil {
		return "", "", err
	}
	if k, err = k.complete(len(tasks), work, cwd); err != nil {
		return "", "", err
	}
	j := kubernetesJob{Kubernetes: k, Sweep: filepath.Dir(work), Tasks: len(tasks), Seconds: int(k.Time / time.Second), MiB: k.Memory >> 20,
		User: os.Getuid(), Group: os.Getgid()}
	for _, v := range append([]string{"TLKIT_HOME=" + k.Home, fmt.Sprint("GOMAXPROCS=", k.CPUs)}, append(env, k.Env...)...) {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return "", "", fmt.Errorf("Kubernetes.Env has %q; expected NAME=VALUE", v)
		}
		j.Env = slices.DeleteFunc(j.Env, func(v variable) bool { return v.Name == name }) // the last one counts
		j.Env = append(j.Env, variable{name, value})
	}
	files := func(name string) (yaml, script []byte, err error) {
		path := filepath.Join(work, name)
		j.Name, j.Script = name, path+".sh"
		var text bytes.Buffer
		err = kubernetesTemplate.Execute(&text, j)
		return text.Bytes(), []byte(taskScript("JOB_COMPLETION_INDEX", path+".txt", cwd, []string{filepath.Join(k.Home, "bin", "tlkernel"), "train"})), err
	}
	yaml, script, err := files("")
	if err != nil {
		return "", "", err
	}
	sum := sha256.Sum256(bytes.Join([][]byte{yaml, script, list}, nil))
	name = dnsLabel("tlkit-"+filepath.Base(j.Sweep)) + "-" + hex.EncodeToString(sum[:4])
	if yaml, script, err = files(name); err != nil {
		return "", "", err
	}
	path := filepath.Join(work, name)
	for end, text := range map[string][]byte{".yaml": yaml, ".sh": script, ".txt": list} {
		if err := atomicfile.WriteBytes(path+end, text); err != nil {
			return "", "", err
		}
	}
	return name, path + ".yaml", nil
}

// notInLabels are the characters that a DNS label (RFC 1123) does not have.
var notInLabels = regexp.MustCompile(`[^a-z0-9]+`)

// dnsLabel makes the beginning of a job's name. A pod's host name is the job's name, a hyphen and the index, together
// at most 63 characters: 40 leave room for a digest and the index.
func dnsLabel(s string) string {
	s = notInLabels.ReplaceAllString(strings.ToLower(s), "-")
	return strings.Trim(s[:min(len(s), 40)], "-")
}
