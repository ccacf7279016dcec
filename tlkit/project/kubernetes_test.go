package project_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/project"
)

// TestKubernetes: the manifest is what Kubernetes reads, also for names that YAML takes for a boolean or for nothing,
// and its image is the one that the Containerfile's commands make.
func TestKubernetes(t *testing.T) {
	model := load(t, "resnet20.shapes")
	for _, name := range []string{"antbee", "on", "no", "y", "n", "true", "null"} {
		dir := filepath.Join(t.TempDir(), name)
		if _, err := project.Write(t.Context(), name, model, project.Options{Dir: dir, SkipBuild: true, Version: "1.10"}); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "deploy", "kubernetes.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		parts := bytes.SplitAfter(text, []byte("\n---\n"))
		if len(parts) != 2 {
			t.Fatalf("%s: %d documents, want a Deployment and a Service", name, len(parts))
		}
		var d appsv1.Deployment
		var s corev1.Service
		if err := yaml.UnmarshalStrict(bytes.TrimSuffix(parts[0], []byte("---\n")), &d); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := yaml.UnmarshalStrict(parts[1], &s); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		pod := d.Spec.Template
		image := pod.Spec.Containers[0].Image
		if d.Name != name || s.Name != name || d.Spec.Selector.MatchLabels["app"] != name || pod.Labels["app"] != name || s.Spec.Selector["app"] != name || image != name+":1.10" {
			t.Errorf("%s: deployment %q of %q, service %q of %v, image %q", name, d.Name, pod.Labels, s.Name, s.Spec.Selector, image)
		}
		recipe, err := os.ReadFile(filepath.Join(dir, "Containerfile"))
		if err != nil || !strings.Contains(string(recipe), "podman build -t "+image+" .") {
			t.Errorf("%s: the Containerfile does not make the image %s (%v):\n%s", name, image, err, recipe)
		}
	}
}
