package hub

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"github.com/tlkit-go/tlkit-notebooks/kernel"
)

// documented are the keys of the chart that our values use, as its schema has them
// (jupyterhub/values.schema.yaml of github.com/jupyterhub/zero-to-jupyterhub-k8s at 48ea50e, 4.4.0), those of
// profiles and of an override, and the setting of the spawner, as KubeSpawner has them (kubespawner/spawner.py
// of jupyterhub-kubespawner 7.0). Helm refuses others.
var documented = []string{
	"hub.config.KubeSpawner.delete_grace_period",
	"cull.enabled", "cull.timeout", "cull.maxAge", "cull.every", "cull.users",
	"singleuser.image.name", "singleuser.image.tag", "singleuser.cmd", "singleuser.defaultUrl", "singleuser.startTimeout", "singleuser.uid", "singleuser.fsGid",
	"singleuser.allowPrivilegeEscalation", "singleuser.extraEnv.*", "singleuser.storage.type", "singleuser.storage.capacity", "singleuser.storage.homeMountPath",
	"singleuser.storage.dynamic.storageAccessModes", "singleuser.cpu.limit", "singleuser.cpu.guarantee", "singleuser.memory.limit", "singleuser.memory.guarantee",
	"singleuser.profileList.display_name", "singleuser.profileList.slug", "singleuser.profileList.description", "singleuser.profileList.default",
}

// override is what a profile changes of KubeSpawner.
type override struct {
	Image               string              `json:"image"`
	CPULimit            float64             `json:"cpu_limit"`
	CPUGuarantee        float64             `json:"cpu_guarantee"`
	MemLimit            string              `json:"mem_limit"`
	MemGuarantee        string              `json:"mem_guarantee"`
	ExtraResourceLimits corev1.ResourceList `json:"extra_resource_limits"`
	Tolerations         []corev1.Toleration `json:"tolerations"`
}

// chart are the values that the test reads.
type chart struct {
	Hub struct {
		Config struct {
			KubeSpawner struct {
				Grace int `json:"delete_grace_period"`
			}
		}
	}
	Cull struct {
		Enabled                bool
		Timeout, MaxAge, Every int
	}
	Singleuser struct {
		Image       struct{ Name, Tag string }
		Cmd         []string
		UID, FsGid  int
		Storage     struct{ HomeMountPath string }
		CPU         struct{ Limit, Guarantee float64 }
		Memory      struct{ Limit, Guarantee string }
		ProfileList []struct {
			Slug     string
			Default  bool
			Override map[string]any `json:"kubespawner_override"`
		}
	}
}

// keys lists the paths of the values in a tree. Entries of a list have no number.
func keys(at string, v any) (all []string) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			all = append(all, keys(strings.TrimPrefix(at+"."+key, "."), value)...)
		}
		return all
	case []any:
		for _, one := range v {
			all = append(all, keys(at, one)...)
		}
		return all
	}
	return []string{at}
}

// spawnerArgs are the arguments of users' servers in the configuration of "tlkernel hub", with the default idle time.
func spawnerArgs(t *testing.T) (all []string) {
	t.Helper()
	_, list, ok := strings.Cut(configText, "c.Spawner.args = [")
	list, _, closed := strings.Cut(list, "\n]")
	for _, m := range regexp.MustCompile(`(?m)^ *f?"(--[^"]+)"`).FindAllStringSubmatch(list, -1) {
		arg := strings.NewReplacer("{idle}", "5400", "{max(5, min(300, idle // 10))}", "300").Replace(m[1])
		if strings.Contains(arg, "{") {
			t.Fatalf("an argument that the test can't read: %s", arg)
		}
		all = append(all, arg)
	}
	if !ok || !closed || len(all) < 8 {
		t.Fatalf("arguments of the template: %q", all)
	}
	return all
}

// TestChartValues: the values for Zero to JupyterHub are ones that the chart knows, and say what "tlkernel hub" says.
func TestChartValues(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "jupyterhub", "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	var c chart
	if err := yaml.UnmarshalStrict(text, &tree); err != nil { // no key twice
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	for _, key := range keys("", tree) {
		family := key[:strings.LastIndex(key, ".")+1] + "*"
		if !slices.Contains(documented, key) && !slices.Contains(documented, family) && !strings.HasPrefix(key, "singleuser.profileList.kubespawner_override.") {
			t.Errorf("the chart has no %s", key)
		}
	}
	o, _, err := Options{Dir: t.TempDir()}.complete()
	if err != nil {
		t.Fatal(err)
	}
	if age := int(o.Age / time.Second); !c.Cull.Enabled || c.Cull.Timeout != age || c.Cull.MaxAge != age || c.Cull.Every != 600 {
		t.Errorf("culler %+v; want an age of %d, and no shorter time without requests", c.Cull, age)
	}
	if o.Idle != 5400*time.Second {
		t.Fatalf("the hub's idle time is %v", o.Idle)
	}
	if want := append([]string{"start-notebook"}, spawnerArgs(t)...); !reflect.DeepEqual(c.Singleuser.Cmd, want) {
		t.Errorf("command\n%q\nwant\n%q", c.Singleuser.Cmd, want)
	}
	if c.Hub.Config.KubeSpawner.Grace < 30 {
		t.Errorf("%d seconds to stop; kernels have 20 to save", c.Hub.Config.KubeSpawner.Grace)
	}
	s := c.Singleuser
	if s.UID != 1000 || s.FsGid != 100 || s.Storage.HomeMountPath != "/home/jovyan" || s.Image.Tag != kernel.Version {
		t.Errorf("user %d:%d, home %s, image %+v; want those of the Jupyter Docker Stacks and version %s", s.UID, s.FsGid, s.Storage.HomeMountPath, s.Image, kernel.Version)
	}
	below(t, "users", s.CPU.Guarantee, s.CPU.Limit, s.Memory.Guarantee, s.Memory.Limit)
	if len(s.ProfileList) != 2 || !s.ProfileList[0].Default || s.ProfileList[0].Override != nil || s.ProfileList[1].Slug != "gpu" {
		t.Fatalf("profiles %+v", s.ProfileList)
	}
	one, err := yaml.Marshal(s.ProfileList[1].Override)
	if err != nil {
		t.Fatal(err)
	}
	var gpu override
	if err := yaml.UnmarshalStrict(one, &gpu); err != nil {
		t.Fatal(err)
	}
	if gpu.Image != s.Image.Name+"-cuda:"+s.Image.Tag {
		t.Errorf("image %q beside %+v", gpu.Image, s.Image)
	}
	if n := gpu.ExtraResourceLimits["nvidia.com/gpu"]; n.Value() != 1 || len(gpu.Tolerations) != 1 {
		t.Errorf("%+v", gpu)
	}
	below(t, "the profile gpu", gpu.CPUGuarantee, gpu.CPULimit, gpu.MemGuarantee, gpu.MemLimit)
}

// TestOwnValues: with the own.yaml of docs/hosting.md, no image is of another registry, and all else is as it was. Helm
// merges objects, and replaces lists.
func TestOwnValues(t *testing.T) {
	read := func(elem ...string) string {
		text, err := os.ReadFile(filepath.Join(elem...))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	values := read("..", "..", "deploy", "jupyterhub", "values.yaml")
	_, own, _ := strings.Cut(read("..", "..", "docs", "hosting.md"), "`own.yaml` has what only you know")
	_, own, _ = strings.Cut(own, "```yaml\n")
	own, _, _ = strings.Cut(own, "```")
	if !strings.Contains(own, "registry.school.example/tlkit\n") {
		t.Fatalf("no own.yaml in docs/hosting.md: %s", own)
	}
	var merged, want map[string]any
	var over map[string]any
	for text, into := range map[string]*map[string]any{values: &merged, own: &over, strings.ReplaceAll(values, "registry.example.org", "registry.school.example"): &want} {
		if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	merge(merged, over)
	if !reflect.DeepEqual(merged, want) {
		got, _ := yaml.Marshal(merged)
		t.Errorf("values.yaml with own.yaml is\n%s", got)
	}
}

// merge lays values over others, as Helm does.
func merge(values, over map[string]any) {
	for key, v := range over {
		below, ok := v.(map[string]any)
		if old, isMap := values[key].(map[string]any); ok && isMap {
			merge(old, below)
			continue
		}
		values[key] = v
	}
}

// below holds that guarantees are no larger than limits.
func below(t *testing.T, what string, cpu, cpuLimit float64, memory, memoryLimit string) {
	t.Helper()
	m, err := resource.ParseQuantity(memory)
	limit, limitErr := resource.ParseQuantity(memoryLimit)
	if err != nil || limitErr != nil || m.Cmp(limit) > 0 || cpu > cpuLimit || cpu <= 0 || m.Sign() <= 0 {
		t.Error(fmt.Errorf("%s: cores %v to %v, memory %q to %q", what, cpu, cpuLimit, memory, memoryLimit), err, limitErr)
	}
}
