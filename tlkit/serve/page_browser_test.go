package serve

import (
	"context"
	"encoding/base64"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil/browser"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

var shots = flag.String("shots", "", "folder for screenshots of the page, to look at")

// webPage is a page open in a browser.
type webPage struct {
	t   *testing.T
	ctx context.Context
}

// openPage opens a page in Chromium, which reaches this machine only, and has a camera that shows a test picture.
func openPage(t *testing.T, url string) webPage {
	t.Helper()
	ctx := browser.Open(t, 1100, 900, chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true))
	p := webPage{t, ctx}
	p.do(chromedp.Navigate(url))
	return p
}

func (p webPage) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// wait waits until an expression holds.
func (p webPage) wait(expression string) {
	p.t.Helper()
	if _, err := chromedp.Run(p.ctx, chromedp.Poll[bool]("!!("+expression+")", chromedp.WithPollingTimeout(2*time.Minute))); err != nil {
		p.t.Fatalf("waiting for %s: %v; the page says %q", expression, err, p.text("document.body.innerText"))
	}
}

// text evaluates an expression as text.
func (p webPage) text(expression string) string {
	p.t.Helper()
	text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}

// drop drops a file on the page. content is an expression for its bytes.
func (p webPage) drop(content, name string) {
	p.t.Helper()
	p.text(fmt.Sprintf(`(() => {
		const files = new DataTransfer();
		files.items.add(new File([%s], %q));
		document.getElementById("drop").dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: files }));
	})()`, content, name))
}

// shoot stores a screenshot of the whole page where -shots says.
func (p webPage) shoot(name string) {
	p.t.Helper()
	if *shots == "" {
		return
	}
	picture, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(*shots, name+".png"), picture, 0o644)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// explain presses the button that shows what speaks for the class of a card, and looks at what lies over the picture:
// the same colours as in a map of the model, in the picture's place.
func (p webPage) explain(card, class string) {
	p.t.Helper()
	p.wait(card + `.querySelector(".why")`)
	p.do(chromedp.Click(".why")) // the first card's
	p.wait(card + `.querySelector(".explained canvas")`)
	if name := p.text(card + `.querySelector("canvas").ariaLabel`); !strings.Contains(name, class) || name != p.text(`document.getElementById("status").textContent`) {
		p.t.Errorf("the map says %q, and the page %q", name, p.text(`document.getElementById("status").textContent`))
	}
	pixels := p.text(card + `.querySelector("canvas").getContext("2d").getImageData(0, 0, 8, 8).data`)
	if !strings.Contains(pixels, "255,240,130") && !strings.Contains(pixels, "255,240,129") { // where the value is 1; the browser rounds
		p.t.Errorf("no place has the highest colour: %s", pixels)
	}
	apart := p.text(`Math.max(...(({left, top, right, bottom}, b) => [left - b.left, top - b.top, right - b.right, bottom - b.bottom].map(Math.abs))(` +
		card + `.querySelector("canvas").getBoundingClientRect(), ` + card + `.querySelector("img").getBoundingClientRect()))`)
	if far, err := strconv.ParseFloat(apart, 64); err != nil || far > 1 { // these pictures are seen whole
		p.t.Errorf("the map lies %s pixels beside the picture (%v)", apart, err)
	}
	p.do(chromedp.Click(".why"))
	p.wait(`!` + card + `.querySelector(".explained")`)
	p.do(chromedp.Click(".why"))
	p.wait(card + `.querySelector(".explained") && ` + card + `.querySelector(".why[aria-pressed=true]")`)
}

// ppm is an image as text.
func ppm(t *testing.T, m *vision.Image) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "P3 %d %d 255\n", m.Width, m.Height)
	for _, v := range m.Pix {
		fmt.Fprintln(&b, v)
	}
	return b.String()
}

// TestPage drops a picture on the page in a real browser, sees its class, sends a file that is no picture, and takes a
// picture with the camera.
func TestPage(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	h := newTestHandler(t, Options{}, HandlerOptions{Name: "shapes"})
	address, _ := startServer(t, &Server{Handler: h})
	images := shapes(t, 2)
	model := loadModel(t)
	p := openPage(t, "http://"+address+"/")
	p.wait(`document.getElementById("name").textContent === "shapes"`)
	const first = `document.querySelector("#results .card")`
	var shown zoo.Prediction // of the last picture
	for i, m := range images {
		want, err := model.Predict(m, 1)
		if err != nil {
			t.Fatal(err)
		}
		shown = want[0]
		file := fmt.Sprintf("<b>picture</b> %d.png", i)
		p.drop(fmt.Sprintf(`Uint8Array.from(atob(%q), (c) => c.charCodeAt(0))`, base64.StdEncoding.EncodeToString(pngOf(t, m))), file)
		p.wait(fmt.Sprintf(`document.querySelectorAll("#results .card").length === %d && /\d %%$/.test(document.getElementById("status").textContent)`, i+1))
		class, name, status := p.text(first+`.querySelector("h3").textContent`), p.text(first+`.querySelector(".file").textContent`), p.text(`document.getElementById("status").textContent`)
		if class != want[0].Class || name != file || !strings.Contains(status, want[0].Class) {
			t.Errorf("the page shows class %q, file %q and says %q; want class %q", class, name, status, want[0].Class)
		}
	}
	p.explain(first, shown.Class)
	p.shoot("light")
	p.text(`document.documentElement.style.colorScheme = "dark"`) // as if the reader's system were dark
	p.shoot("dark")

	// What the browser can't show has a sentence in its place.
	p.drop(fmt.Sprintf("new TextEncoder().encode(%q)", ppm(t, images[0])), "drawing.ppm")
	p.wait(first + `.querySelector(".unshown p")`)
	if got := p.text(first + `.querySelector(".unshown").innerHTML + ` + first + `.querySelector("h3").textContent`); !strings.Contains(got, "can't show the file; the network has seen its picture.") || strings.Contains(got, "<img") {
		t.Errorf("a PPM file: %s", got)
	}
	p.shoot("unshown")
	p.text(`document.querySelector("#results .card").remove()`)

	p.drop(`"no picture"`, "letter.txt")
	p.wait(`document.querySelector("#results .error")`)
	if text := p.text(`document.querySelector("#results .error").textContent`); !strings.Contains(text, "not a JPEG") {
		t.Errorf("a text file: the page says %q", text)
	}

	p.do(chromedp.Click("#camera"))
	p.wait(`document.getElementById("video").videoWidth > 0`)
	p.do(chromedp.Click("#shoot"))
	p.wait(`document.querySelectorAll("#results .card").length === 4`)
	if text := p.text(first + `.querySelector(".file").textContent`); !strings.HasPrefix(text, "camera") {
		t.Errorf("the picture of the camera has the name %q", text)
	}
	p.do(chromedp.EmulateViewport(360, 740))
	if p.text(`document.documentElement.scrollWidth > innerWidth`) == "true" {
		t.Error("on a phone the page is wider than the screen")
	}
	p.shoot("phone")
	unnamed := p.text(`[...document.querySelectorAll("button, input, img, a")].filter((e) => !(e.textContent.trim() || e.alt || e.ariaLabel || e.labels?.length)).map((e) => e.outerHTML)`)
	if unnamed != "" {
		t.Errorf("elements without a name for those who can't see: %s", unnamed)
	}
}
