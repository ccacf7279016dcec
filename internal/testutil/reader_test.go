package testutil

import (
	"encoding/base64"
	"slices"
	"testing"
)

// TestEnglish: the words are found wherever a reader meets them, and nowhere else.
func TestEnglish(t *testing.T) {
	drawing := base64.StdEncoding.EncodeToString([]byte(`<svg aria-label="curves"><style>fill</style><text font-family="Sans">損失</text></svg>`))
	for _, c := range []struct {
		mime  string
		value any
		want  []string
	}{
		{"text/plain", "an ants' 損失", []string{"an"}},
		{"text/html", `<p style="color:red" title="note">損失 <b>ants</b> low</p>`, []string{"low", "note"}},
		{"text/html", `<img alt="figure" src="data:image/svg+xml;base64,` + drawing + `">`, []string{"curves", "figure"}},
		{"text/html", `<code>data.Without(x)</code> F1 12 ms`, nil},
		{"image/svg+xml", `<svg><text>a 3 of</text><title>whole</title></svg>`, []string{"of", "whole"}},
		{"application/vnd.vegalite.v5+json", map[string]any{"mark": "line", "title": map[string]any{"text": "Loss"},
			"tooltip": []any{map[string]any{"field": "low"}, map[string]any{"field": "name", "title": "title"}, map[string]any{"field": "n", "title": "名前"}},
			"axis":    map[string]any{"labelExpr": `["ants","other"][datum.value]`}}, []string{"Loss", "low", "other"}},
	} {
		if got := English(map[string]any{c.mime: c.value}, "ants"); !slices.Equal(got, c.want) {
			t.Errorf("%s %v: %q, want %q", c.mime, c.value, got, c.want)
		}
	}
}
