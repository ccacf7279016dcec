//go:build slow

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil/browser"
)

// TestPagesInBrowser opens every HTML page in a browser without a network, light and dark: pictures are drawn, the
// stylesheet is read, and text and page have the colours of the theme. With TLKIT_SCREENSHOTS=DIR a picture of
// each page is kept there.
func TestPagesInBrowser(t *testing.T) {
	for _, theme := range []struct{ name, scheme, page string }{
		{"light", "1", "rgb(255, 255, 255)"},
		{"dark", "0", "rgb(17, 17, 17)"},
	} {
		t.Run(theme.name, func(t *testing.T) {
			ctx := browser.Open(t, 1040, 1600, chromedp.Flag("blink-settings", "preferredColorScheme="+theme.scheme))
			for _, name := range lessonNames(t) {
				path, err := filepath.Abs(filepath.Join("../..", folder, name+".html"))
				if err != nil {
					t.Fatal(err)
				}
				if err := chromedp.Do(ctx, chromedp.Navigate("file://"+path)); err != nil {
					t.Fatal(err)
				}
				found, err := chromedp.Run(ctx, chromedp.Evaluate[string](`[...document.images].filter(e => !e.complete || e.naturalWidth === 0)
					.map(e => "not drawn: " + e.src.slice(0, 80)).concat(getComputedStyle(document.body).backgroundColor).join("\n")`))
				if err != nil {
					t.Fatal(err)
				}
				if found != theme.page {
					t.Errorf("%s: %s, want every picture drawn and a page of the colour %s", name, found, theme.page)
				}
				if keep := os.Getenv("TLKIT_SCREENSHOTS"); keep != "" {
					shot, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
					if err != nil {
						t.Fatal(err)
					}
					file := fmt.Sprintf("page-%s-%s.png", strings.ReplaceAll(name, "/", "-"), theme.name)
					if err := os.WriteFile(filepath.Join(keep, file), shot, 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}
