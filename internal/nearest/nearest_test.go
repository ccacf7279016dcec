package nearest

import "testing"

func TestClose(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"tmie", "time", true}, {"vet", "del", false}, {"debug", "del", false}, {"pdb", "cd", false}, {"writefle", "writefile", true}, {"ENV", "env", true}, {"envv", "env", true}, {"killbgscripts", "javascript", false}} {
		if got := Close(c.a, c.b); got != c.want {
			t.Errorf("Close(%q, %q) = %v", c.a, c.b, got)
		}
	}
}

func TestName(t *testing.T) {
	names := []string{"alexnet", "resnet18", "resnet50", "resnext50_32x4d", "vgg16"}
	for _, c := range []struct{ name, want string }{
		{"resnet81", "resnet18"},
		{"ResNet-50", "resnet50"},
		{"resnext50", "resnext50_32x4d"},
		{"alexnett", "alexnet"},
		{"completely-else", ""},
		{"", ""},
	} {
		if got := Name(c.name, names); got != c.want {
			t.Errorf("Name(%q) = %q, want %q", c.name, got, c.want)
		}
	}
}
