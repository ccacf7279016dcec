package datasets

import (
	"fmt"
	"strings"
	"testing"
)

// TestOtherEncoding: folders named in Latin-1 or Shift-JIS are classes with a warning that names them, unless two would
// be one in a model's files.
func TestOtherEncoding(t *testing.T) {
	for _, c := range []struct {
		classes []string
		warning string
		fails   string
	}{
		{[]string{"été", "hiver"}, "", ""},
		{[]string{"\xe9t\xe9", "hiver"}, `"\xe9t\xe9" as "�t�"`, ""},
		{[]string{"\x94L", "\x8c\xa2"}, "2 classes", ""},
		{[]string{"\xe9t\xe9", "\xe8t\xe8"}, "", "both become"},
	} {
		images := files{}
		for i, class := range c.classes {
			for k := range 3 {
				images[fmt.Sprintf("%s/%d.png", class, k)] = picture(t, "png", 700+10*i+k)
			}
		}
		ds, err := ImageFolder(images.dir(t), Options{})
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%q: %v, want %q", c.classes, err, c.fails)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.classes, err)
			continue
		}
		warnings := strings.Join(ds.Warnings, "\n")
		if !strings.Contains(warnings, c.warning) || c.warning == "" && strings.Contains(warnings, "UTF-8") {
			t.Errorf("%q: warnings %s, want %q", c.classes, warnings, c.warning)
		}
	}
}
