package hub

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"text/template"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/kernel"
)

// configFile is the hub's configuration, and spawnerFile the module with the spawner that it may name.
const (
	configFile  = "jupyterhub_config.py"
	spawnerFile = "tlkit_spawner.py"
)

//go:embed jupyterhub_config.py.tmpl
var configText string

//go:embed tlkit_spawner.py
var spawnerText []byte

// configTemplate makes the configuration from a configChoices.
var configTemplate = template.Must(template.New(configFile).Funcs(template.FuncMap{
	"py":      pythonText,
	"seconds": func(d time.Duration) int { return int(d / time.Second) },
	"add":     func(a, b int) int { return a + b },
}).Parse(configText))

// configChoices are what the template needs.
type configChoices struct {
	Options
	Prefix, TLKernel string
	Limits           string
}

// pythonText writes strings as Python does; a list of strings becomes a set.
func pythonText(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.QuoteToASCII(v)
	case []string:
		if len(v) == 0 {
			return "set()"
		}
		var b bytes.Buffer
		for i, s := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(strconv.QuoteToASCII(s))
		}
		return "{" + b.String() + "}"
	}
	return fmt.Sprint(v)
}

// writeConfig writes the configuration, unless there is one: it belongs to the teacher. Choices that would have no effect
// are an error.
func (o Options) writeConfig(p kernel.Prefix, tlkernel string, chosen bool) error {
	if err := atomicfile.WriteBytes(filepath.Join(o.Dir, spawnerFile), spawnerText); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	path := filepath.Join(o.Dir, configFile)
	if _, err := os.Stat(path); err == nil && !o.Renew {
		if chosen {
			return fmt.Errorf("hub: %s is there already, so that choices on the command line would have no effect; edit it, or add --renew to write it anew (the old one is kept)", path)
		}
		o.say("%s: used as it is", path)
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("hub: %w", err)
	} else if err == nil {
		if err := os.Rename(path, path+".old"); err != nil {
			return fmt.Errorf("hub: %w", err)
		}
	}
	limits, words := o.findLimits()
	var text bytes.Buffer
	if err := configTemplate.Execute(&text, configChoices{Options: o, Prefix: string(p), TLKernel: tlkernel, Limits: limits}); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	if err := writePrivate(path, text.Bytes()); err != nil {
		return err
	}
	o.say("%s: all choices, yours to edit", path)
	o.say("limits for each user: %s", words)
	return nil
}
