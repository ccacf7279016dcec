package serve

import (
	"context"
	"encoding/base64"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

var shots = flag.String("shots", "", "folder for screenshots of the page, to look at")

// openPage opens a page in Chromium, which reaches this machine only, and has a camera that shows a test picture.
func openPage(t *testing.T, url string) context.Context {
	t.Helper()
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			browser = p
			break
		}
	}
	if browser == "" {
		t.Skip("no Chromium or Chrome on PATH (on Debian: apt install chromium)")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.NoSandbox, chromedp.WindowSize(1100, 900),
		chromedp.Env("TMPDIR="+t.TempDir()), chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"), chromedp.WSURLReadTimeout(2*time.Minute))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	do(t, ctx, chromedp.Navigate(url))
	return ctx
}

func do(t *testing.T, ctx context.Context, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// shoot stores a screenshot of the whole page where -shots says.
func shoot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	if *shots == "" {
		return
	}
	var picture []byte
	do(t, ctx, chromedp.FullScreenshot(&picture, 90))
	if err := os.WriteFile(filepath.Join(*shots, name+".jpg"), picture, 0o644); err != nil {
		t.Fatal(err)
	}
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
	ctx := openPage(t, "http://"+address+"/")
	do(t, ctx, chromedp.Poll(`document.getElementById("name").textContent === "shapes"`, nil))
	for i, m := range images {
		want, err := model.Predict(m, 1)
		if err != nil {
			t.Fatal(err)
		}
		drop := fmt.Sprintf(`(() => {
			const bytes = Uint8Array.from(atob(%q), (c) => c.charCodeAt(0));
			const files = new DataTransfer();
			files.items.add(new File([bytes], "<b>picture</b> %d.png", { type: "image/png" }));
			document.getElementById("drop").dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: files }));
		})()`, base64.StdEncoding.EncodeToString(pngOf(t, m)), i)
		var class, name, status string
		do(t, ctx, chromedp.Evaluate(drop, nil),
			chromedp.Poll(fmt.Sprintf(`document.querySelectorAll("#results .card").length === %d && /\d %%$/.test(document.getElementById("status").textContent)`, i+1), nil),
			chromedp.Text("#results .card:first-child h3", &class), chromedp.Text("#results .card:first-child .file", &name),
			chromedp.Text("#status", &status))
		if class != want[0].Class || name != fmt.Sprintf("<b>picture</b> %d.png", i) || !strings.Contains(status, want[0].Class) {
			t.Errorf("the page shows class %q, file %q and says %q; want class %q", class, name, status, want[0].Class)
		}
	}
	shoot(t, ctx, "light")
	do(t, ctx, chromedp.Evaluate(`document.documentElement.style.colorScheme = "dark"`, nil)) // as if the reader's system were dark
	shoot(t, ctx, "dark")

	var text string
	do(t, ctx, chromedp.Evaluate(`(() => {
			const files = new DataTransfer();
			files.items.add(new File(["no picture"], "letter.txt"));
			document.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: files }));
		})()`, nil), chromedp.Poll(`document.querySelector("#results .error") !== null`, nil), chromedp.Text("#results .error", &text))
	if !strings.Contains(text, "not a JPEG") {
		t.Errorf("a text file: the page says %q", text)
	}

	do(t, ctx, chromedp.Click("#camera"), chromedp.Poll(`document.getElementById("video").videoWidth > 0`, nil), chromedp.Click("#shoot"),
		chromedp.Poll(`document.querySelectorAll("#results .card").length === 4`, nil), chromedp.Text("#results .card:first-child .file", &text))
	if !strings.HasPrefix(text, "camera") {
		t.Errorf("the picture of the camera has the name %q", text)
	}
	var wide bool
	do(t, ctx, chromedp.EmulateViewport(360, 740), chromedp.Evaluate(`document.documentElement.scrollWidth > innerWidth`, &wide))
	if wide {
		t.Error("on a phone the page is wider than the screen")
	}
	shoot(t, ctx, "phone")
	var unnamed []string
	do(t, ctx, chromedp.Evaluate(`[...document.querySelectorAll("button, input, img, a")].filter((e) => !(e.textContent.trim() || e.alt || e.ariaLabel || e.labels?.length)).map((e) => e.outerHTML)`, &unnamed))
	if len(unnamed) > 0 {
		t.Errorf("elements without a name for those who can't see: %q", unnamed)
	}
}
