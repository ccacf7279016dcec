// Package browser opens pages in a real browser for tests.
package browser

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
)

// Open starts a headless Chromium whose window has a size in CSS pixels, with further flags, and returns the context of
// its page for chromedp. The browser reaches this machine only, so that what is drawn came from here, and ends with the
// test. The test is skipped without a browser.
func Open(t testing.TB, width, height int, flags ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(testutil.Browser(t)), chromedp.NoSandbox,
		chromedp.WindowSize(width, height), chromedp.Env("TMPDIR="+t.TempDir()), chromedp.WSURLReadTimeout(2*time.Minute),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.localhost"))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), append(opts, flags...)...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}
