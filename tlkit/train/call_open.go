package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/sealed"
)

// finished returns the run if everything in the call was done before and all files are good, else nil. It writes
// nothing, so that it works in a read-only folder.
func (c *call) finished() *Run {
	run, err := openFolder(c.name, c.path)
	if err == nil {
		c.config.Recipe = c.config.Recipe.spelled(run.Config.Recipe)
	}
	if err != nil || len(run.Warnings) > 0 || len(c.differences(run.Config)) > 0 || !c.graphWhole() {
		return nil
	}
	if note := c.renamed(run.Config); note != "" {
		run.warn("%s", note)
	}
	c.lacksBits = run.Config.Data.Bits != c.config.Data.Bits
	run.Config.Recipe, run.Config.Data.Bits = c.config.Recipe, c.config.Data.Bits
	for i, old := range run.Results {
		run.Results[i] = run.readResult(old.Strategy)
	}
	for _, w := range c.strategies {
		i := run.index(w.Name)
		if i < 0 || !w.same(run.strategyAt(i)) {
			return nil
		}
		for _, one := range run.Results[i].Seeds() {
			one.findLastPhase(c.config.Recipe, w.strategy, c.model, c.data)
			faults, err := one.check(c.config.Recipe, one.survey())
			if err != nil || len(faults) > 0 || !one.complete(c.config.Recipe) || one.strange() {
				return nil
			}
		}
	}
	return run
}

// keepBits writes the bits of the images into the run.json of a finished run that was made before they were kept. It is
// no fault if the folder is read-only, or if another program trains in it: the next call of Compare knows them, too.
func (c *call) keepBits() {
	if !c.lacksBits {
		return
	}
	lock, err := lockRun(c.path, c.name)
	if err != nil {
		return
	}
	defer lock.Close()
	run, err := openFolder(c.name, c.path)
	if err != nil || !lock.Exclusive() || len(c.differences(run.Config)) > 0 {
		return
	}
	run.Config.Data.Bits = c.config.Data.Bits
	_ = writeJSON(filepath.Join(c.path, "run.json"), run.Config)
}

// graphWhole reports whether the run's folder has the network of an imported model, or needs none.
func (c *call) graphWhole() bool {
	if c.graph == nil {
		return true
	}
	data, err := sealed.ReadFile(filepath.Join(c.path, graphFile))
	return err == nil && bytes.Equal(data, c.graph)
}

// open reads the run's folder, or makes it, and readies it for training: results of another configuration are moved to
// the earlier versions, and an earlier version that fits the call is moved back. Call it under the lock.
func (c *call) open() (*Run, error) {
	run, err := c.storedRun()
	if err != nil {
		return nil, err
	}
	changed := c.differences(run.Config)
	if !slices.ContainsFunc(run.Results, (*Result).anyStarted) {
		changed, run.Results, run.Config.Strategies = nil, nil, nil // it failed before its first step: nothing to continue
	}
	var away archived
	if len(changed) > 0 {
		if away, err = c.keepFitting(run, changed); err != nil {
			return nil, err
		}
	}
	if _, note := c.data.Matches(run.Config.Data.Fingerprint); note != "" {
		run.warn("%s", note)
	}
	if note := c.renamed(run.Config); note != "" {
		run.warn("%s", note)
	}
	old := c.configure(run)
	for _, w := range c.strategies {
		if err := c.add(run, w, old.Recipe, &away); err != nil {
			return nil, err
		}
	}
	away.tell(run)
	if !run.anyStarted() {
		run.Config.Engines = nil // nothing that they computed is left
	}
	if err := c.writeGraph(run, len(old.Strategies) > 0); err != nil {
		return nil, fmt.Errorf("tlkit: run %q: %w", c.name, err)
	}
	return run, writeJSON(filepath.Join(c.path, "run.json"), run.Config)
}

// storedRun returns the run in the folder, or a new one without results. Where run.json is lost, the new
// one warns of it.
func (c *call) storedRun() (*Run, error) {
	removeLeftOver(c.path)
	run, err := openFolder(c.name, c.path)
	if errors.Is(err, errNewer) {
		return nil, fmt.Errorf("tlkit: run %q: %w", c.name, err)
	}
	if next := Unreadable(err); next != "" {
		return nil, fmt.Errorf("tlkit: run %q: %w; %s", c.name, err, next)
	}
	lost := err != nil && (!errors.Is(err, fs.ErrNotExist) || c.remains())
	if err != nil {
		run = &Run{Name: c.name, Dir: c.path, Config: c.config}
		run.Config.Strategies = nil
	}
	c.config.Recipe = c.config.Recipe.spelled(run.Config.Recipe) // a result is known by the text of its recipe
	if lost {
		run.warn("run.json is missing or damaged; it was written anew, with the results that fit")
	}
	return run, nil
}

// configure gives a stored run the call's configuration, with the strategies and engines that it has, and reads the
// results of these. It returns the stored configuration.
func (c *call) configure(run *Run) (old Config) {
	old = run.Config
	run.Config = c.config
	if len(old.Strategies) > 0 {
		run.Config.Data.keep(old.Data)
	}
	run.Config.Strategies, run.Config.Engines = old.Strategies, old.Engines
	run.Results = nil
	for i := range old.Strategies {
		run.Results = append(run.Results, run.readResult(run.strategyAt(i).Name))
	}
	return old
}

// writeGraph writes the network of an imported model into the run's folder if it is not there. A run that
// was begun before had it.
func (c *call) writeGraph(run *Run, begun bool) error {
	if c.graphWhole() {
		return nil
	}
	path := filepath.Join(c.path, graphFile)
	if begun {
		run.warn("%s is missing or damaged; it was written anew", graphFile)
	}
	if err := sealed.CheckPlace(path); err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, c.graph)
}

// keepFitting moves the results of a run whose configuration differs from the call's to the earlier versions, except
// those that fit the call nevertheless: of a strategy that was trained before the others got more epochs, or where
// run.json is that of another run. Strategies of which nothing was trained leave run.json.
func (c *call) keepFitting(run *Run, changed []string) (archived, error) {
	var stay, gone []json.RawMessage
	away := archived{why: strings.Join(changed, "; ")}
	for i, raw := range run.Config.Strategies {
		switch {
		case c.fits(run, run.strategyAt(i), raw):
			stay = append(stay, raw)
		case run.Results[i].anyStarted():
			gone = append(gone, raw)
			away.moved = append(away.moved, run.Results[i].Strategy)
		}
	}
	if len(gone) == 0 {
		run.warn("%s; all results in the folder fit this call, and run.json was written anew", away.why)
	} else {
		n, err := run.archive(run.Config.Recipe, gone, changed)
		if err != nil {
			return away, err
		}
		away.version = n
	}
	run.Config.Strategies = stay
	return away, nil
}

// archived is what a call moves to an earlier version of the run, and what it puts in its place.
type archived struct {
	why     string   // the changed fields
	version int      // 0 if nothing was moved
	moved   []string // the strategies that were
	anew    []string // those of them that are trained anew
	back    []string // texts on those that another version has
}

// tell adds to the run's warnings what was moved, and what becomes of the strategies of the call.
func (a archived) tell(run *Run) {
	var parts []string
	if a.version > 0 {
		there := fmt.Sprintf("what was there before is version %d (run.Versions())", a.version)
		if len(a.anew) > 0 && len(a.back) == 0 {
			there = "trained anew, " + there
		}
		parts = append(parts, a.why, there)
	}
	parts = append(parts, a.back...)
	if len(a.anew) > 0 && len(a.back) > 0 {
		parts = append(parts, "trained anew: "+strings.Join(a.anew, ", "))
	}
	if len(parts) > 0 {
		run.warn("%s", strings.Join(parts, "; "))
	}
}

// fits reports whether the results of a strategy in a stored run, with all seeds that were started, are what the call
// would train. raw is the strategy as run.json has it.
func (c *call) fits(run *Run, s stored, raw json.RawMessage) bool {
	if run.Config.Data.Name != c.config.Data.Name && c.renamed(run.Config) == "" { // the name is not in an identity
		return false
	}
	as := &Run{Name: run.Name, Dir: run.Dir, Config: c.config} // reads the files of the call's seeds
	as.Config.Strategies = []json.RawMessage{raw}
	as.Config.Recipe.Seeds = max(c.config.Recipe.Seeds, run.Config.Recipe.Seeds)
	started := false
	for _, one := range as.readResult(s.Name).Seeds() {
		if !one.started() {
			continue
		}
		ids := c.config.identities(s, s, one.Seed)
		if one.unread != nil || len(one.History) > c.config.Recipe.Epochs || !slices.Contains(ids, one.Made) {
			return false
		}
		started = true
	}
	return started
}

// remains reports whether the folder has files of some of the call's strategies.
func (c *call) remains() bool {
	return slices.ContainsFunc(c.strategies, func(w wanted) bool {
		_, err := os.Stat(filepath.Join(c.path, w.Name))
		return err == nil
	})
}

// add enters a strategy of the call into the run. Results of a different strategy of that name are moved to the
// versions, with the recipe that the run had before the call. away is what the whole call moves.
func (c *call) add(run *Run, w wanted, recipe Recipe, away *archived) error {
	i := run.index(w.Name)
	var changed []string
	switch {
	case i >= 0 && w.same(run.strategyAt(i)):
		switch {
		case run.Results[i].anyStrange():
			changed = []string{w.Name + ": its files were made with another configuration"}
		case run.Results[i].anyStarted():
			was := w.repaced(run.Results[i], c.config.Recipe)
			if was == 0 {
				return nil
			}
			changed = []string{fmt.Sprintf("%s epochs: %d, now %d, and its training depends on their number from the start", w.Name, was, c.config.Recipe.Epochs)}
			recipe.Epochs = was
		}
	case i >= 0 && c.fits(run, w.stored, w.raw):
		// A program brought them back from a version, and ended before it could write run.json.
		run.Config.Strategies[i] = w.raw
		run.Results[i] = run.readResult(w.Name)
		return nil
	case i >= 0:
		changed = run.strategyAt(i).differences(w.stored)
	default:
		run.Config.Strategies = append(run.Config.Strategies, w.raw)
		run.Results = append(run.Results, run.readResult(w.Name))
		i = len(run.Results) - 1
		if err := run.Results[i].unread; err != nil {
			return run.Results[i].refuse(err)
		}
		if run.Results[i].Made == run.Config.identity(w.stored, run.Results[i].Seed) {
			return nil // run.json was lost, the result is that of this strategy
		}
		changed = []string{w.Name + ": what it was made with is not known"}
	}
	own := away
	if run.Results[i].anyStarted() {
		n, err := run.archive(recipe, run.Config.Strategies[i:i+1], changed)
		if err != nil {
			return err
		}
		own = &archived{why: strings.Join(changed, "; "), version: n, moved: []string{w.Name}}
	}
	run.Config.Strategies[i] = w.raw
	from, err := c.restoreVersion(run, i, w)
	if err != nil {
		return err
	}
	switch {
	case from > 0:
		own.back = append(own.back, fmt.Sprintf("strategy %q was trained like this before and comes back from version %d", w.Name, from))
	case slices.Contains(own.moved, w.Name):
		own.anew = append(own.anew, w.Name)
	}
	if own != away {
		own.tell(run)
	}
	run.Results[i] = run.readResult(w.Name)
	return nil
}
