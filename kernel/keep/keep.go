package keep

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
)

//go:embed tlkit_outputs.py
var serverPart []byte

//go:embed keep.js
var pagePart []byte

// files are the files of the extension, by their place below a folder of Jupyter's data. "config" is for
// JUPYTER_CONFIG_PATH, and Jupyter finds "labextensions" by JUPYTER_PATH.
func files() map[string][]byte {
	return map[string][]byte{
		"config/tlkit_outputs.py": serverPart,
		"config/jupyter_server_config.py": []byte(`# The folder of this file has an extension of Jupyter's server.
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
`),
		"config/jupyter_server_config.d/tlkit_outputs.json": []byte(`{"ServerApp": {"jpserver_extensions": {"tlkit_outputs": true}}}
`),
		"labextensions/@tlkit/keep-outputs/static/keep.js": pagePart,
		"labextensions/@tlkit/keep-outputs/package.json": []byte(`{
  "name": "@tlkit/keep-outputs",
  "version": "0.1.0",
  "description": "Outputs of cells that run while no page is open",
  "jupyterlab": {"extension": true, "_build": {"load": "static/keep.js", "extension": "./extension"}}
}
`),
	}
}

// Write writes the extension into a folder of Jupyter's data, such as one that JUPYTER_PATH names.
func Write(dir string) error {
	for name, data := range files() {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("kernel: the extension of Jupyter that keeps outputs: %w", err)
		}
		if err := atomicfile.WriteBytes(path, data); err != nil {
			return fmt.Errorf("kernel: the extension of Jupyter that keeps outputs: %w", err)
		}
	}
	return nil
}

// Config returns the folder for JUPYTER_CONFIG_PATH of an extension that Write wrote into dir.
func Config(dir string) string { return filepath.Join(dir, "config") }
