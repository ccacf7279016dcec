//go:build slow

package project_test

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/testutil/browser"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/project"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

var pageShots = flag.String("shots", "", "folder for screenshots of the page, to look at")

// TestPageAlone opens a project's HTML file from the disk, without any network, drops 30 pictures on it, and sees the
// classes that the model gives here.
func TestPageAlone(t *testing.T) {
	for _, precision := range []zoo.Precision{zoo.Float32, zoo.Int8} {
		t.Run(string(precision), func(t *testing.T) { testPage(t, precision) })
	}
}

func testPage(t *testing.T, precision zoo.Precision) {
	shapes := datasets.MustLoad("shapes")
	model := load(t, "resnet20.shapes")
	dir := filepath.Join(t.TempDir(), "project")
	p, err := project.Write(t.Context(), "shapebox", model, project.Options{Dir: dir, Data: shapes, SkipBuild: true, Page: true, Precision: precision})
	if err != nil {
		t.Fatal(err)
	}
	tolerance := 0.051         // points; the page shows one decimal
	if precision == zoo.Int8 { // with its rounding, which a last digit can turn
		tolerance = 5
		if model, err = zoo.LoadExported(filepath.Join(dir, "classifier", "model.onnx")); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, p.Page))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s has %.1f MB", p.Page, float64(info.Size())/1e6)
	ctx := browser.Open(t, 1100, 900, chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"))
	text := func(expression string) string {
		t.Helper()
		s, err := chromedp.Run(ctx, chromedp.Evaluate[string]("String("+expression+")"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	wait := func(expression string) {
		t.Helper()
		if _, err := chromedp.Run(ctx, chromedp.Poll[bool]("!!("+expression+")", chromedp.WithPollingTimeout(4*time.Minute))); err != nil {
			t.Fatalf("waiting for %s: %v; the page says %q", expression, err, text("document.body.innerText"))
		}
	}
	shoot := func(name string) {
		if *pageShots == "" {
			return
		}
		picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err == nil {
			err = os.WriteFile(filepath.Join(*pageShots, name+".png"), picture, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := chromedp.Do(ctx, chromedp.Navigate("file://"+filepath.Join(dir, p.Page))); err != nil {
		t.Fatal(err)
	}
	wait(`document.getElementById("name").textContent === "shapebox"`)
	const first = `document.querySelector("#results .card")`
	for i := range 30 {
		image, err := shapes.Val.Image(i * shapes.Val.Len() / 30)
		if err != nil {
			t.Fatal(err)
		}
		want, err := model.Predict(image, 1)
		if err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := png.Encode(&file, image.ToImage()); err != nil {
			t.Fatal(err)
		}
		text(fmt.Sprintf(`(() => {
			const files = new DataTransfer();
			files.items.add(new File([Uint8Array.from(atob(%q), (c) => c.charCodeAt(0))], "picture %d.png"));
			document.getElementById("drop").dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: files }));
		})()`, base64.StdEncoding.EncodeToString(file.Bytes()), i))
		wait(fmt.Sprintf(`document.querySelectorAll("#results .card").length === %d && /\d %%$/.test(document.getElementById("status").textContent)`, i+1))
		var share float64
		class, shown := text(first+`.querySelector("h3").textContent`), text(first+`.querySelector("dd").textContent`)
		if _, err := fmt.Sscanf(shown, "%f %%", &share); err != nil || class != want[0].Class || math.Abs(share-100*want[0].Probability) > tolerance {
			t.Errorf("picture %d is %q, %s in the page, %v here", i, class, shown, want[0])
		}
		if i == 2 {
			shoot("light")
			text(`document.documentElement.style.colorScheme = "dark"`)
			shoot("dark")
		}
	}
	// Nothing can be sent: the page's own policy forbids it.
	text(`navigator.sendBeacon = navigator.sendBeacon, (globalThis.blocked = "", document.addEventListener("securitypolicyviolation", (e) => { blocked = e.effectiveDirective }), new Image().src = "http://127.0.0.1:1/x.png")`)
	wait(`blocked === "img-src"`)
}
