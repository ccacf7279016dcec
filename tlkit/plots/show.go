package plots

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"

	"github.com/tlkit-go/tlkit-notebooks/internal/envpath"
)

// DirEnv names the environment variable with the folder that Show writes to outside a notebook. Default: .tlkit/plots
// in the working folder.
const DirEnv = "TLKIT_PLOTS"

// syncTimeout is the longest time that Show waits for the kernel to acknowledge the output. The kernel replies within
// milliseconds; a kernel that has stopped reading would otherwise block the cell for ever. Tests shorten it.
var syncTimeout = 10 * time.Second

// terminal receives Show's output outside a notebook; tests replace it.
var terminal io.Writer = os.Stdout

func init() {
	// GoNB's pipe carries gob. The kernel registers these two types; a cell's program must register them itself.
	// Otherwise no JSON object can be sent.
	gob.Register(map[string]any{})
	gob.Register([]any{})
}

// Show displays f.
//
// In a notebook it sends the whole bundle to the kernel and waits until the kernel has it, so that nothing is lost when
// the cell's program ends; an error means that the notebook did not receive the figure. Elsewhere it prints the plain
// text of tables and prose, writes everything else to a file (SVG, PNG or HTML, whichever is the first the figure has)
// in the folder named by TLKIT_PLOTS or else .tlkit/plots, and prints the path. A program that shows several figures of
// one name gets several files; running it again replaces them.
func Show(f Figure) error {
	bundle, err := render(f)
	if err != nil {
		return err
	}
	if gonbui.IsNotebook {
		return send(f, bundle, "")
	}
	path, err := showFile(f, bundle, reserve)
	if err != nil {
		return err
	}
	if path != "" {
		_, err = fmt.Fprintf(terminal, "plots: wrote %s\n", path)
	}
	return err
}

// Live is one output that is replaced by each Update: a chart that grows while training runs. Make it with NewLive.
type Live struct {
	mu   sync.Mutex
	id   string // display id in a notebook
	path string // file outside a notebook, once known
}

// NewLive returns a Live with no output yet; the first Update makes it.
func NewLive() *Live {
	return &Live{id: "tlkit_" + gonbui.UniqueId()}
}

// Update puts f in the place of the figure shown before. The caller decides how often: once per epoch or second is a
// good pace, as the whole figure is sent each time. Outside a notebook it rewrites one file and prints its path the
// first time only. It may be called from several goroutines.
func (l *Live) Update(f Figure) error {
	bundle, err := render(f)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if gonbui.IsNotebook {
		return send(f, bundle, l.id)
	}
	first := l.path == ""
	path, err := showFile(f, bundle, func(base, ext string) (string, error) {
		if first {
			return reserve("live-"+base, ext)
		}
		return l.path, nil
	})
	if err != nil || path == "" {
		return err
	}
	l.path = path
	if first {
		_, err = fmt.Fprintf(terminal, "plots: wrote %s, kept up to date\n", path)
	}
	return err
}

func render(f Figure) (map[string]any, error) {
	if f == nil {
		return nil, errors.New("plots: the figure is nil; make one with Curves, Table, Images, Bars or Confusion")
	}
	bundle, err := f.Bundle()
	if err != nil {
		return nil, err
	}
	return normalise(bundle)
}

// send hands a bundle to the kernel and waits for its acknowledgement.
func send(f Figure, bundle map[string]any, displayID string) error {
	msg := &protocol.DisplayData{Data: map[protocol.MIMEType]any{}, DisplayID: displayID}
	for mime, v := range bundle {
		msg.Data[protocol.MIMEType(mime)] = v
	}
	if s, ok := f.(sized); ok {
		if w, h := s.size(); w > 0 && h > 0 {
			msg.Metadata = map[string]any{MIMEPNG: map[string]any{"width": w, "height": h}}
		}
	}
	// A failed encoding would close the pipe for the rest of the program, and GoNB would only log it; so first encode
	// to nowhere.
	if err := gob.NewEncoder(io.Discard).Encode(msg); err != nil {
		return fmt.Errorf("plots: the figure can't be sent to the notebook: %w", err)
	}
	if err := gonbui.Open(); err != nil {
		return fmt.Errorf("plots: no connection to the notebook kernel, restart the kernel: %w", err)
	}
	gonbui.SendData(msg)
	if err := gonbui.Error(); err != nil {
		return fmt.Errorf("plots: the figure did not reach the notebook kernel, restart the kernel: %w", err)
	}
	done := make(chan struct{})
	go func() { gonbui.Sync(); close(done) }()
	select {
	case <-done:
		return nil
	case <-time.After(syncTimeout):
		return fmt.Errorf("plots: the notebook kernel has not confirmed the figure within %v, restart the kernel", syncTimeout)
	}
}

// clickable is a figure whose page shows more than its picture.
type clickable interface{ clickable() }

// showFile is Show and Update outside a notebook. It returns the path written, "" for figures that are text only.
func showFile(f Figure, bundle map[string]any, choose func(base, ext string) (string, error)) (string, error) {
	_, isSVG := bundle[MIMESVG]
	_, isPNG := bundle[MIMEPNG]
	_, isHTML := bundle[MIMEHTML]
	if text, ok := bundle[MIMEText].(string); ok && !isSVG && !isPNG {
		if _, err := fmt.Fprintln(terminal, strings.TrimRight(text, "\n")); err != nil {
			return "", err
		}
	}
	var ext string
	_, clicked := f.(clickable)
	switch {
	case clicked && isHTML:
		ext = ".html"
	case isSVG:
		ext = ".svg"
	case isPNG:
		ext = ".png"
	case isHTML:
		ext = ".html"
	default:
		return "", nil
	}
	path, err := choose(fileName(f), ext)
	if err != nil {
		return "", err
	}
	return path, Save(f, path)
}

var (
	reservedMu sync.Mutex
	reserved   = map[string]bool{}
)

// reserve returns a path for a new figure that this program has not used yet, and makes its folder.
func reserve(base, ext string) (string, error) {
	dir, err := envpath.Get(DirEnv)
	if err != nil {
		return "", fmt.Errorf("plots: folder for figures: %w", err)
	}
	if dir == "" {
		dir = filepath.Join(".tlkit", "plots")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("plots: folder for figures: %w; set %s to another folder", err, DirEnv)
	}
	reservedMu.Lock()
	defer reservedMu.Unlock()
	path := filepath.Join(dir, base+ext)
	for i := 2; reserved[path]; i++ {
		path = filepath.Join(dir, fmt.Sprintf("%s-%d%s", base, i, ext))
	}
	reserved[path] = true
	return path, nil
}

// fileName makes a file name without extension from a figure's title: letters and digits, the rest as single hyphens.
func fileName(f Figure) string {
	label := ""
	if t, ok := f.(titled); ok {
		label = t.name()
	}
	var b strings.Builder
	for _, r := range strings.ToLower(label) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= 60 {
			break
		}
	}
	if s := strings.Trim(b.String(), "-"); s != "" {
		return s
	}
	return "figure"
}
