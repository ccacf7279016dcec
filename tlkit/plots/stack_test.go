package plots

import (
	"image"
	"strings"
	"testing"
)

func TestStack(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 4, 4))
	b, err := Stack("all", Curves("c", Panel{Title: "Loss", Lines: []Line{{Name: "a", Points: []Point{{1, 2}, {2, 1}}}}}),
		Table([]string{"x"}, [][]string{{"<1>"}}, TableOptions{}), Images([]Captioned{{Image: m, Caption: "one"}}, 1), Text("a < b\nand c")).Bundle()
	if err != nil {
		t.Fatal(err)
	}
	page, plain := b[MIMEHTML].(string), b[MIMEText].(string)
	at := -1
	for _, want := range []string{`src="data:image/svg+xml;base64,`, "&lt;1&gt;", `src="data:image/png;base64,`, "a &lt; b<br>and c"} {
		i := strings.Index(page, want)
		if i <= at {
			t.Errorf("%q is missing from the page, or out of order", want)
		}
		at = i
	}
	for _, want := range []string{"Loss", "<1>", "[4 x 4] one", "a < b\nand c\n"} {
		if !strings.Contains(plain, want) {
			t.Errorf("the plain text lacks %q:\n%s", want, plain)
		}
	}
	if _, err := Stack("none").Bundle(); err == nil {
		t.Error("a stack of nothing passes")
	}
	if _, err := Stack("bad", Table([]string{"x"}, [][]string{{"1", "2"}}, TableOptions{})).Bundle(); err == nil {
		t.Error("a figure's error got lost")
	}
}
