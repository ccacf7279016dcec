//go:build unix

package plots

import (
	"encoding/gob"
	"errors"
	"image"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/janpfeifer/gonb/gonbui"
	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// kernel plays GoNB's side of the two pipes: it passes display messages on and confirms each Sync while confirm is
// true.
type kernel struct {
	toKernel, fromKernel *os.File
	shown                chan *protocol.DisplayData
	mute                 chan struct{} // closed: confirm no more
}

func startKernel(t *testing.T) *kernel {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	for _, p := range []string{in, out} {
		if err := syscall.Mkfifo(p, 0o600); err != nil {
			t.Skipf("named pipes are not available here: %v", err)
		}
	}
	t.Setenv(protocol.GONB_PIPE_ENV, in)
	t.Setenv(protocol.GONB_PIPE_BACK_ENV, out)
	k := &kernel{shown: make(chan *protocol.DisplayData, 10), mute: make(chan struct{})}
	var err error
	// Open for reading and writing, so that neither side waits for the other.
	if k.toKernel, err = os.OpenFile(in, os.O_RDWR, 0); err != nil {
		t.Fatal(err)
	}
	if k.fromKernel, err = os.OpenFile(out, os.O_RDWR, 0); err != nil {
		t.Fatal(err)
	}
	go k.serve()
	return k
}

func (k *kernel) serve() {
	dec, enc := gob.NewDecoder(k.toKernel), gob.NewEncoder(k.fromKernel)
	for {
		msg := &protocol.DisplayData{}
		if err := dec.Decode(msg); err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed) {
				close(k.shown)
			}
			return
		}
		if v, ok := msg.Data[protocol.MIMECommValue].(protocol.CommValue); ok {
			select {
			case <-k.mute:
			default:
				if err := enc.Encode(&protocol.CommValue{Address: protocol.GonbuiSyncAckAddress, Value: v.Value}); err != nil {
					return
				}
			}
			continue
		}
		k.shown <- msg
	}
}

// gonbui opens its pipes once per program and never recovers from an error, so this one test goes through all of a
// connection's life.
func TestShowInNotebook(t *testing.T) {
	k := startKernel(t)
	wasNotebook, oldTimeout := gonbui.IsNotebook, syncTimeout
	gonbui.IsNotebook = true
	t.Cleanup(func() { gonbui.IsNotebook, syncTimeout = wasNotebook, oldTimeout })

	// Every kind of figure arrives as it was rendered, JSON as an object.
	live := NewLive()
	for name, f := range map[string]Figure{
		"curves":    Curves("t", Panel{Lines: []Line{series("a", "val", 1, 2)}}),
		"bars":      Bars("t", []Bar{{"a", 1, 0, 0}}, BarOptions{}),
		"confusion": Confusion([]string{"a", "b"}, [][]int{{1, 2}, {3, 4}}),
		"table":     Table([]string{"a"}, [][]string{{"1"}}, TableOptions{}),
		"images":    Images([]Captioned{{Image: image.NewGray(image.Rect(0, 0, 8, 8))}}, 1),
	} {
		want := checked(t, f)
		for _, show := range []func(Figure) error{Show, live.Update} {
			if err := show(f); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			msg := <-k.shown
			got := map[string]any{}
			for mime, v := range msg.Data {
				got[string(mime)] = v
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: the kernel got another bundle than was rendered", name)
			}
			if _, ok := got[MIMEVegaLite].(map[string]any); want[MIMEVegaLite] != nil && !ok {
				t.Errorf("%s: Vega-Lite arrived as %T, want an object", name, got[MIMEVegaLite])
			}
			if name == "images" {
				if size, _ := msg.Metadata[MIMEPNG].(map[string]any); size["width"] != 140 {
					t.Errorf("images: metadata %v, want a width of 140", msg.Metadata)
				}
			}
		}
	}
	for _, l := range []*Live{live, NewLive()} {
		if err := l.Update(Text("x")); err != nil {
			t.Fatal(err)
		}
		if id := (<-k.shown).DisplayID; id != l.id || (l == live) != (id == live.id) {
			t.Errorf("display id %q, want %q", id, l.id)
		}
	}
	if err := Show(Text("x")); err != nil {
		t.Fatal(err)
	}
	if id := (<-k.shown).DisplayID; id != "" {
		t.Errorf("Show sent display id %q, want none", id)
	}

	// A kernel that does not answer is an error, not a cell that hangs.
	close(k.mute)
	syncTimeout = 50 * time.Millisecond
	if err := Show(Text("x")); err == nil || !strings.Contains(err.Error(), "has not confirmed the figure within 50ms") {
		t.Errorf("mute kernel: %v", err)
	}
	<-k.shown

	// So is one that is gone.
	if err := k.toKernel.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Show(Text("x")); err == nil || !strings.Contains(err.Error(), "did not reach the notebook kernel, restart the kernel") {
		t.Errorf("kernel gone: %v", err)
	}
	if err := Show(Text("x")); err == nil || !strings.Contains(err.Error(), "restart the kernel") {
		t.Errorf("kernel still gone: %v", err)
	}
}
