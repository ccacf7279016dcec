package backend

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
)

// kept is the file of one probe in the cache folder.
type kept struct {
	// Key says of what the figures are: see cacheKey.
	Key     string   `json:"key"`
	Figures []Figure `json:"figures"`
}

// cacheKey names everything that the speed of engines on a network depends on: the network, the engines and their
// versions, how this program was built, and the processor.
func cacheKey(shape string, engines []*Engine) string {
	parts := []string{shape, processor(), fmt.Sprintf("%d threads", runtime.GOMAXPROCS(0)), runtime.Version(), fmt.Sprintf("simd %v", SIMD)}
	for _, e := range engines {
		parts = append(parts, e.Config+" "+e.Backend.Description())
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
			if strings.HasPrefix(m.Path, "github.com/tlkit-go/") || strings.HasPrefix(m.Path, "github.com/gomlx/") {
				parts = append(parts, m.Path+" "+m.Version)
			}
		}
	}
	return strings.Join(parts, "\n")
}

// processor returns the processor's name and instructions, as the system writes them.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOOS + "/" + runtime.GOARCH
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, 1<<16)) // the first processor's lines are enough
	var found []string
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(name) {
		case "model name", "flags", "Features":
			found = append(found, strings.TrimSpace(value))
		case "":
			return strings.Join(found, " ")
		}
	}
	return strings.Join(found, " ")
}

// figuresFile returns the file for a key.
func figuresFile(key string) (string, error) {
	sum := sha256.Sum256([]byte(key))
	return fetch.CacheDir("engines", hex.EncodeToString(sum[:8])+".json")
}

// cachedFigures returns the figures of an earlier probe, a row for each engine; nil if there are none, or the file is
// damaged.
func cachedFigures(key string, engines []*Engine) []Figure {
	path, err := figuresFile(key)
	if err != nil {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var k kept
	if json.Unmarshal(text, &k) != nil || k.Key != key || len(k.Figures) != len(engines) {
		return nil
	}
	for i, f := range k.Figures {
		if f.Engine != engines[i].Config || !(f.InferS > 0 && (f.StepS > 0 || inferenceOnly(f.Engine))) {
			return nil
		}
	}
	return k.Figures
}

// keepFigures writes the figures of a probe.
func keepFigures(key string, figures []Figure) error {
	path, err := figuresFile(key)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(kept{Key: key, Figures: figures}, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, append(text, '\n'))
}
