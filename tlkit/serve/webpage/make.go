//go:build !js

package webpage

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/internal/gocommand"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/serve"
)

//go:embed requests.js
var requests string

//go:embed worker.js
var worker string

// policy lets the page run what it holds, show pictures that it has in memory, and reach nothing.
const policy = "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob:; worker-src blob:; style-src 'unsafe-inline'; img-src blob: data:; media-src blob:; form-action 'none'; base-uri 'none'; webrtc 'block'"

// Make compiles the program package pkg, such as "./page", for GOOS=js and writes the HTML file with it. It needs the
// go command, and no network if the module's packages are there.
func Make(ctx context.Context, pkg, file string) error {
	dir, err := os.MkdirTemp("", "tlkit-page")
	if err != nil {
		return fmt.Errorf("webpage: %w", err)
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "page.wasm")
	if _, err := gocommand.Output(ctx, "", []string{"GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0", "GOEXPERIMENT=simd"}, "build", "-trimpath", "-ldflags=-s -w", "-o", program, pkg); err != nil {
		return fmt.Errorf("webpage: %w", err)
	}
	root, err := gocommand.Output(ctx, "", nil, "env", "GOROOT")
	if err != nil {
		return fmt.Errorf("webpage: %w", err)
	}
	runtime, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return fmt.Errorf("webpage: Go's support file for WebAssembly: %w", err)
	}
	wasm, err := os.ReadFile(program)
	if err != nil {
		return fmt.Errorf("webpage: %w", err)
	}
	page, err := assemble(serve.Page, string(runtime), wasm)
	if err != nil {
		return err
	}
	if err := atomicfile.WriteBytes(file, page); err != nil {
		return fmt.Errorf("webpage: %w", err)
	}
	return nil
}

// assemble puts style, scripts and program into the page.
func assemble(read func(name string) string, runtime string, wasm []byte) ([]byte, error) {
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("webpage: %w", err)
	}
	if _, err := z.Write(wasm); err != nil {
		return nil, fmt.Errorf("webpage: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("webpage: %w", err)
	}
	page := read("index.html")
	for _, c := range []struct{ old, new string }{
		{`<meta charset="utf-8">`, `<meta charset="utf-8">` + "\n" + `<meta http-equiv="Content-Security-Policy" content="` + policy + `">`},
		{`<link rel="stylesheet" href="page.css">`, "<style>\n" + read("page.css") + "</style>"},
		{`<script src="page.js" type="module"></script>` + "\n", ""},
		{`Pictures are sent to this server and not kept. <a href="openapi.json">Interface</a> · <a href="info">Model</a> · <a href="metrics">Metrics</a>`,
			"Pictures are classified in this page. They are sent nowhere: the browser refuses the page all requests."},
		{` Without it: <code>curl -F image=@picture.jpg</code> to <code>/predict</code>.`, ""},
		{"</body>", inert("go-runtime", runtime) + inert("go-worker", worker) + inert("program", base64.StdEncoding.EncodeToString(packed.Bytes())) +
			"<script>\n" + requests + read("page.js") + "</script>\n</body>"},
	} {
		if strings.Count(page, c.old) != 1 {
			return nil, fmt.Errorf("webpage: the page of package serve has %d times %q, expected once", strings.Count(page, c.old), c.old)
		}
		page = strings.Replace(page, c.old, c.new, 1)
	}
	return []byte(page), nil
}

// inert is a text in the page that the browser does not run.
func inert(id, text string) string {
	return `<script id="` + id + `" type="text/plain">` + strings.ReplaceAll(text, "</script", `<\/script`) + "</script>\n"
}
