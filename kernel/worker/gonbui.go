//go:build linux

package worker

import (
	"encoding/gob"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// SendComm delivers a value from the front end to gonbui/comms. It may be of any type that gonb's protocol registers;
// other numbers and []any are converted.
func (p *Process) SendComm(address string, value any) error {
	return p.gonb.send(protocol.CommValue{Address: address, Value: forGonbui(value)})
}

// forGonbui converts a value as encoding/json decodes it to the type that gonbui expects.
func forGonbui(v any) any {
	switch x := v.(type) {
	case bool:
		if x {
			return 1
		}
		return 0
	case []any:
		var numbers []float64
		var texts []string
		for _, e := range x {
			switch e := e.(type) {
			case float64:
				numbers = append(numbers, e)
			case string:
				texts = append(texts, e)
			}
		}
		if len(texts) > 0 {
			return texts
		}
		return numbers
	case map[string]any:
		numbers, texts := map[string]float64{}, map[string]string{}
		for k, e := range x {
			switch e := e.(type) {
			case float64:
				numbers[k] = e
			case string:
				texts[k] = e
			}
		}
		if len(texts) > 0 {
			return texts
		}
		return numbers
	}
	return v
}

// gonbPipes are the two FIFOs of gonbui. The kernel opens both for reading and writing, so that neither side ever waits
// for the other to open or sees an end of file.
type gonbPipes struct {
	out, back *os.File
	mu        sync.Mutex
	enc       *gob.Encoder
	frames    frameReader
}

func openGonbPipes(dir string) (*gonbPipes, error) {
	g := &gonbPipes{}
	for name, f := range map[string]**os.File{"gonb": &g.out, "gonb_back": &g.back} {
		path := filepath.Join(dir, name)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			return nil, err
		}
		var err error
		if *f, err = os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0); err != nil {
			return nil, err
		}
	}
	g.enc = gob.NewEncoder(g.back)
	return g, nil
}

func (g *gonbPipes) send(v protocol.CommValue) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.back.SetWriteDeadline(time.Now().Add(2 * time.Second))
	if err := g.enc.Encode(&v); err != nil {
		return fmt.Errorf("worker: the value for %s is not read by any cell: %w", v.Address, err)
	}
	return nil
}
