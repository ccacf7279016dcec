package kernel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
)

// widgetScriptFile is the path of GoNB's script for the page in its module.
const widgetScriptFile = "internal/websocket/websocket.js"

func (p Prefix) widgetScript() string { return filepath.Join(p.shareDir(), "gonb_comm.js") }

// installWidgetScript puts GoNB's own script, of the pinned version, into the prefix: the live kernel sends the
// same one to the page.
func installWidgetScript(ctx context.Context, gt goTool, root string, p Prefix) error {
	out, err := gt.output(ctx, root, nil, "list", "-m", "-f", "{{.Dir}}", "github.com/janpfeifer/gonb")
	if err != nil {
		return fmt.Errorf("kernel: finding GoNB's module: %w", err)
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), filepath.FromSlash(widgetScriptFile)))
	if err != nil {
		return fmt.Errorf("kernel: GoNB's widget script: %w", err)
	}
	if err := os.MkdirAll(p.shareDir(), 0o755); err != nil {
		return fmt.Errorf("kernel: %w", err)
	}
	return atomicfile.WriteBytes(p.widgetScript(), data)
}

// widgetScript returns the script for the page of one kernel; empty without a Jupyter server or an installed script.
func widgetScript(p Prefix, kernelID string) string {
	data, err := os.ReadFile(p.widgetScript())
	if kernelID == "" || errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	// GoNB's script gives up, and with it all widgets, when the kernel does not reply within half a second; on a busy
	// machine a reply may take longer.
	data = bytes.Replace(data, []byte("500, // milliseconds"), []byte("15000, // milliseconds"), 1)
	// It also takes the server for one without encryption at the root of its host.
	data = bytes.Replace(data, []byte(`"ws://" + document.location.host + "/api/`), []byte(`document.location.protocol.replace("http", "ws") + "//" + document.location.host +
            (JSON.parse(document.getElementById("jupyter-config-data")?.textContent || "{}").baseUrl || "/") + "api/`), 1)
	t, err := template.New("").Parse(string(data))
	if err != nil {
		return ""
	}
	var script bytes.Buffer
	if t.Execute(&script, map[string]any{"KernelId": kernelID, "Verbose": false}) != nil {
		return ""
	}
	return script.String()
}
