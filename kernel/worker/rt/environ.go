//go:build linux

package rt

import (
	"os"
	"strings"
	"sync"
)

// surroundings are the folder and the environment of the process, as the kernel knows them. Changes of a cell are
// reported when the cell has ended, so that commands, magics and the next worker have it too.
var surroundings struct {
	sync.Mutex
	dir string
	env map[string]string
}

// noteSurroundings records the present state, and returns what is new since the last call: variables with another
// value, variables that are gone, and the folder, empty if it is the same.
func noteSurroundings() (set map[string]string, unset []string, dir string) {
	surroundings.Lock()
	defer surroundings.Unlock()
	now := map[string]string{}
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		now[name] = value
		if old, known := surroundings.env[name]; !known || old != value {
			if set == nil {
				set = map[string]string{}
			}
			set[name] = value
		}
	}
	for name := range surroundings.env {
		if _, there := now[name]; !there {
			unset = append(unset, name)
		}
	}
	surroundings.env = now
	if wd, err := os.Getwd(); err == nil && wd != surroundings.dir {
		surroundings.dir, dir = wd, wd
	}
	return set, unset, dir
}

// reportSurroundings sends the kernel what the cell changed.
func reportSurroundings() {
	keepLabels()
	followFolder()
	if set, unset, dir := noteSurroundings(); set != nil || unset != nil || dir != "" {
		send(Event{Op: "changed", Set: set, Unset: unset, Dir: dir})
	}
}

// followFolder gives GoNB's variable with the notebook's folder the folder that a cell has changed to, as %cd does.
func followFolder() {
	const variable = "GONB_DIR"
	surroundings.Lock()
	before := surroundings.dir
	surroundings.Unlock()
	if wd, err := os.Getwd(); err == nil && wd != before && os.Getenv(variable) == before {
		os.Setenv(variable, wd)
	}
}

// keepLabels turns the labels of goroutines on again, after a cell has set GODEBUG: they tell which goroutine is whose.
func keepLabels() {
	const labels = "tracebacklabels=1"
	if value := os.Getenv("GODEBUG"); !strings.Contains(value, labels) {
		if value != "" {
			value += ","
		}
		os.Setenv("GODEBUG", value+labels)
	}
}
