package hub

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
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
	"seconds": func(d time.Duration) int { return int(max(d, 0) / time.Second) }, // of Never, 0
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

// stateFile holds how the hub was made, for later starts, which have no choices on the command line.
const stateFile = "state.json"

// state is what stateFile holds.
type state struct {
	// Auth is one of Auths.
	Auth string `json:"auth"`
}

// authLine is the line of the configuration that says how users log in, and authClasses are the values we write.
var (
	authLine    = regexp.MustCompile(`(?m)^[ \t]*c\.JupyterHub\.authenticator_class[ \t]*=[ \t]*(.*?)[ \t\r]*(?:#.*)?$`)
	authClasses = map[string]string{"pam": AuthLocal, "shared-password": AuthPassword, "generic-oauth": AuthOAuth}
)

// configured reports whether there is a configuration.
func (o Options) configured() (bool, error) {
	if _, err := os.Lstat(filepath.Join(o.Dir, configFile)); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("hub: %w", err)
	}
	return true, nil
}

// configuration returns the text of an existing hub's configuration; nil for a new hub.
func (o Options) configuration() ([]byte, error) {
	there, err := o.configured()
	if err != nil || !there {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(o.Dir, configFile))
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	return text, nil
}

// checkEffect returns an error, before any step, if choices would have no effect, since the configuration
// stands already.
func (o Options) checkEffect() error {
	there, err := o.configured()
	if err != nil || !there || o.Renew || !o.Choices.given() {
		return err
	}
	return fmt.Errorf("hub: %s is there already, so that choices on the command line would have no effect; edit it, or add --renew to write it anew (the old one is kept)", filepath.Join(o.Dir, configFile))
}

// prefixLine is the line of the configuration with the installation whose kernels users get. Its group is empty if the
// value is no text in quotes, but an expression.
var prefixLine = regexp.MustCompile(`(?m)^prefix[ \t]*=[ \t]*(?:("[^"\n]*"|'[^'\n]*')[ \t\r]*(?:#.*)?|.*)$`)

// heldPrefix returns the installation of an existing hub, as its configuration says. It is empty for a new hub, and
// where only Python could compute it.
func (o Options) heldPrefix() (string, error) {
	text, err := o.configuration()
	if err != nil || text == nil {
		return "", err
	}
	lines := prefixLine.FindAllSubmatch(text, -1)
	if len(lines) == 0 {
		return "", nil
	}
	quoted := string(lines[len(lines)-1][1]) // the last one holds in Python
	prefix, err := strconv.Unquote(quoted)
	if err != nil { // an edited one, in Python's other quotes
		prefix = strings.Trim(quoted, `"'`)
	}
	return prefix, nil
}

// ofHeld adds to an error about installation p, if the configuration names it, how the hub gets another one.
func (o Options) ofHeld(p kernel.Prefix, err error) error {
	held, heldErr := o.heldPrefix()
	if o.Renew || heldErr != nil || held != string(p) {
		return err
	}
	return fmt.Errorf("%w; %s has the installation %s: to take another one, add --renew --prefix DIR",
		err, filepath.Join(o.Dir, configFile), p)
}

// heldAuth returns how users of an existing hub log in: as its configuration says, which the teacher may have edited,
// or else as the hub was made. A way to log in that is not ours counts as AuthOAuth: the service has the passwords. It
// is empty for a new hub.
func (o Options) heldAuth() (string, error) {
	text, err := o.configuration()
	if err != nil || text == nil {
		return "", err
	}
	if lines := authLine.FindAllSubmatch(text, -1); len(lines) > 0 {
		class := strings.Trim(string(lines[len(lines)-1][1]), `"'`) // the last one holds in Python
		return cmp.Or(authClasses[class], AuthOAuth), nil
	}
	path := filepath.Join(o.Dir, stateFile)
	have, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		return AuthOAuth, nil // nothing says that accounts need passwords
	} else if err != nil {
		return "", err
	}
	var was state
	if err := json.Unmarshal(have, &was); err != nil || !slices.Contains(Auths, was.Auth) {
		return "", fmt.Errorf("hub: %s has %q; expected {\"auth\": ...} with one of %s: mend it, or add --renew with --auth", path, bytes.TrimSpace(have), strings.Join(Auths, ", "))
	}
	return was.Auth, nil
}

// keepOld renames a file to the first of .old, .old.2, .old.3 ... that is free.
func keepOld(path string) (kept string, err error) {
	for n := 1; ; n++ {
		kept = path + ".old"
		if n > 1 {
			kept += "." + strconv.Itoa(n)
		}
		if _, err := os.Lstat(kept); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return "", fmt.Errorf("hub: %w", err)
		}
	}
	if err := os.Rename(path, kept); err != nil {
		return "", fmt.Errorf("hub: %w", err)
	}
	return kept, nil
}

// writeConfig writes the configuration, unless there is one: it belongs to the teacher.
func (o Options) writeConfig(p kernel.Prefix, tlkernel string) error {
	if err := atomicfile.WriteBytes(filepath.Join(o.Dir, spawnerFile), spawnerText); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	path := filepath.Join(o.Dir, configFile)
	there, err := o.configured()
	if err != nil {
		return err
	}
	if there && !o.Renew {
		o.say("%s: used as it is", path)
		return nil
	}
	if there {
		kept, err := keepOld(path)
		if err != nil {
			return err
		}
		o.say("%s: the configuration before", kept)
	}
	made, err := json.Marshal(state{Auth: o.Auth})
	if err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	if err := writePrivate(filepath.Join(o.Dir, stateFile), append(made, '\n')); err != nil {
		return err
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
