package plots

import (
	"strings"
	"testing"
)

func TestPerClass(t *testing.T) {
	// Of 10 a, 8 are found; of 5 b, 3; c has none and is predicted once; d has 2 and is never predicted.
	b, err := PerClass([]string{"a", "b", "c", "d"}, [][]int{{8, 2, 0, 0}, {1, 3, 1, 0}, {0, 0, 0, 0}, {2, 0, 0, 0}}).Bundle()
	if err != nil {
		t.Fatal(err)
	}
	text, _ := b[MIMEText].(string)
	var rows []string
	for _, line := range strings.Split(text, "\n") {
		rows = append(rows, strings.Join(strings.Fields(line), " "))
	}
	for _, want := range []string{
		"a 10 72.7% 80.0% 76.2%",
		"b 5 60.0% 60.0% 60.0%",
		"c 0 0.0% – 0.0%",
		"d 2 – 0.0% 0.0%",
		"mean of the classes 17 33.2% 46.7% 34.0%",
	} {
		found := false
		for _, r := range rows {
			found = found || r == want
		}
		if !found {
			t.Errorf("no row %q in\n%s", want, text)
		}
	}
	if html, _ := b[MIMEHTML].(string); !strings.Contains(html, "<td style=\"text-align: right\">72.7%</td>") {
		t.Errorf("HTML: %s", b[MIMEHTML])
	}
	for _, matrix := range [][][]int{{{1}}, {{1, 2}, {3, -1}}} {
		if _, err := PerClass([]string{"a", "b"}, matrix).Bundle(); err == nil {
			t.Errorf("matrix %v gives no error", matrix)
		}
	}
	if _, err := PerClass(nil, nil).Bundle(); err != nil {
		t.Errorf("no classes: %v", err)
	}
}
