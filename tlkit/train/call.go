package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/sealed"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// call has the arguments of one call of Compare, as run.json will have them.
type call struct {
	name, path string
	config     Config // with the call's strategies
	strategies []wanted
	plans      []Strategy // the same, to be trained
	data       *datasets.Dataset
	model      *zoo.Model // the pretrained one
	graph      []byte     // the network of a model that was imported from an .onnx file
	lacksBits  bool       // whether the run.json of the finished run is from before the bits were kept
}

// wanted is a strategy of a call in the form of run.json.
type wanted struct {
	stored
	strategy Strategy
	raw      json.RawMessage
	sets     []*datasets.Dataset
}

// newCall completes and checks the arguments of Compare.
func newCall(name string, ds *datasets.Dataset, m *zoo.Model, r Recipe, strategies []Strategy) (*call, error) {
	r, err := r.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := checkComparison(ds, m, strategies); err != nil {
		return nil, err
	}
	path, err := Folder(r.Dir, name)
	if err != nil {
		return nil, err
	}
	digest, err := digestOf(m)
	if err != nil {
		return nil, err
	}
	onTest := EvalSplit(ds) == ds.Test
	earlier := earlierLosses(name, path)
	ds = earlier.restore(ds)
	c := &call{name: name, path: path, data: ds, model: m, graph: m.Spec.Graph, config: Config{Format: runFormat, Recipe: r, Lost: earlier.of(ds),
		Data: DataConfig{Name: ds.Name, Fingerprint: ds.Fingerprint(), Classes: ds.Classes, Train: ds.Train.Len(), Val: EvalSplit(ds).Len(), Test: onTest,
			Bits: ds.Train.Decoding().Bits},
		Model: ModelConfig{Name: m.Spec.Name, Weights: m.Weights, Digest: digest, Preprocess: m.Preprocess},
	}}
	c.config.Data.setOrigin(ds, path)
	if c.graph != nil {
		sum := sha256.Sum256(c.graph)
		c.config.Model.Graph = hex.EncodeToString(sum[:])
	}
	for _, s := range strategies {
		s = WithData(s, earlier.restore)
		if err := checkName("strategy", s.Name()); err != nil {
			return nil, err
		}
		raw, err := strategyJSON(s, r, newOwnPlan(s, m, ds, r))
		if err != nil {
			return nil, err
		}
		w := wanted{strategy: s, raw: raw, sets: DataOf(s)}
		if err := json.Unmarshal(raw, &w.stored); err != nil {
			return nil, fmt.Errorf("tlkit: strategy %q: %w", s.Name(), err)
		}
		c.strategies, c.plans = append(c.strategies, w), append(c.plans, s)
		c.config.Strategies = append(c.config.Strategies, raw)
	}
	return c, nil
}

// begin opens the run for training, or makes it. The lock keeps a second notebook out until unlock is called; unlock is
// nil if everything in the call was done before.
func (c *call) begin() (run *Run, unlock func(), err error) {
	if run := c.finished(); run != nil {
		c.keepBits()
		return run, nil, nil
	}
	before, _ := openFolder(c.name, c.path) // open reports what is wrong with it
	if err := c.check(before); err != nil {
		return nil, nil, err
	}
	if err := MakeFolder(c.path, c.name); err != nil {
		return nil, nil, err
	}
	lock, err := lockRun(c.path, c.name)
	if err != nil {
		return nil, nil, err
	}
	if run, err = c.open(); err != nil {
		lock.Close()
		return nil, nil, err
	}
	if run.lock = lock; !lock.Exclusive() {
		text := "train it in one program at a time"
		if before := lock.Before(); before != "" {
			text = fmt.Sprintf(".lock names %s: if that trains the run still, it stops at its next epoch", before)
		}
		run.warn("the file system of %s has no locks, so that nothing keeps another program from training in it; %s", run.Dir, text)
	}
	return run, func() { lock.Close() }, nil
}

// differences lists how the images, the model and the recipe of a stored run differ from the call's.
func (c *call) differences(old Config) []string {
	var all []string
	differ := func(what string, was, now any) {
		if was != now {
			all = append(all, fmt.Sprintf("%s: %v, now %v", what, was, now))
		}
	}
	same, _ := c.data.Matches(old.Data.Fingerprint)
	switch {
	case c.renamed(old) != "":
	case old.Data.Name != c.config.Data.Name:
		differ("the data set", old.Data.Name, c.config.Data.Name)
		all = append(all, c.imagesChanged(old.Data)...)
	case !same:
		if all = c.imagesChanged(old.Data); len(all) == 0 {
			all = append(all, "the images of "+c.config.Data.Name+" (names, labels, contents or how files are decoded) have changed")
		}
	}
	differ("the model", old.Model.Name, c.config.Model.Name)
	differ("the weights", old.Model.Weights, c.config.Model.Weights)
	switch now := c.config.Model; {
	case len(all) > 0:
	case old.Model.Graph != "" && now.Graph != "" && old.Model.Graph != now.Graph:
		all = append(all, "the network of "+now.Name+" is read otherwise: its file has changed, or this version of TLKit takes other tensors of it for constants (see CHANGELOG.md)")
	case old.Model.Digest != now.Digest:
		all = append(all, "the values of the weights of "+now.Name+" have changed")
	}
	if len(all) == 0 {
		for _, d := range fieldDifferences(asJSON(old.Model.Preprocess), asJSON(c.config.Model.Preprocess)) {
			all = append(all, "the preprocessing of "+c.config.Model.Name+", "+d)
		}
	}
	return append(all, old.Recipe.plain().differences(c.config.Recipe.plain())...)
}

// imagesChanged says how the images of a data set of the same name differ from those of a stored run.
func (c *call) imagesChanged(old DataConfig) (all []string) {
	now := c.config.Data
	if !slices.Equal(written(old.Classes), written(now.Classes)) {
		all = append(all, fmt.Sprintf("the classes of %s: %s", now.Name, changedNames(written(old.Classes), written(now.Classes))))
	}
	if old.Train != now.Train || old.Val != now.Val {
		all = append(all, fmt.Sprintf("%s: %d training and %d %s images, now %d and %d", now.Name, old.Train, old.Val, now.compared(), now.Train, now.Val))
	}
	return all
}

// changedNames says how two lists of names differ.
func changedNames(was, now []string) string {
	without := func(all, some []string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(some, name) })
	}
	gone, added := without(was, now), without(now, was)
	switch {
	case len(gone)+len(added) == 0:
		return "they have another order"
	case len(added) == 0:
		return brief(gone) + " no longer"
	case len(gone) == 0:
		return brief(added) + " new"
	}
	return brief(gone) + " no longer, " + brief(added) + " new"
}

// renamed says that the data have another name than in a stored run, and are the same images: their folder was moved or
// renamed. It is "" if the name is the same, or if it cannot be known.
func (c *call) renamed(old Config) string {
	if same, note := c.data.Matches(old.Data.Fingerprint); !same || note != "" || old.Data.Name == c.config.Data.Name || !c.data.CoversContents() {
		return ""
	}
	return fmt.Sprintf("the images are those of %s, which the run was made with, under the name of %s now; its results are used", old.Data.Name, c.data.Name)
}

// same reports whether a stored strategy is that of the call.
func (w wanted) same(s stored) bool {
	sameData(s.Config, w.Config, w.sets)
	return s.same(w.stored)
}

// repaced returns the number of epochs with which a result was begun if a recipe's makes another training of it, else
// 0; see Paced.
func (w wanted) repaced(res *Result, r Recipe) int {
	p, ok := w.strategy.(Paced)
	if !ok {
		return 0
	}
	for _, one := range res.Seeds() {
		if was := one.begunWith(); was > 0 && p.Pace(was) != p.Pace(r.Epochs) {
			return was
		}
	}
	return 0
}

// index returns the index of a strategy in a run, -1 if there is none.
func (r *Run) index(strategy string) int {
	return slices.IndexFunc(r.Results, func(res *Result) bool { return res.Strategy == strategy })
}

// strategyAt returns the i-th strategy of a run as it is stored. It can't fail: openFolder has read the same bytes
// before.
func (r *Run) strategyAt(i int) (s stored) {
	if err := json.Unmarshal(r.Config.Strategies[i], &s); err != nil {
		panic(err)
	}
	return s
}

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
	old, before := run.Config, run.Config.Strategies
	run.Config = c.config
	if len(before) > 0 {
		run.Config.Data.keep(old.Data)
	}
	run.Config.Strategies, run.Config.Engines = before, old.Engines
	run.Results = nil
	for i := range before {
		run.Results = append(run.Results, run.readResult(run.strategyAt(i).Name))
	}
	for _, w := range c.strategies {
		if err := c.add(run, w, old.Recipe, &away); err != nil {
			return nil, err
		}
	}
	away.tell(run)
	if !c.graphWhole() {
		if len(before) > 0 {
			run.warn("%s is missing or damaged; it was written anew", graphFile)
		}
		if err := sealed.CheckPlace(filepath.Join(c.path, graphFile)); err != nil {
			return nil, fmt.Errorf("tlkit: run %q: %w", c.name, err)
		}
		if err := atomicfile.WriteBytes(filepath.Join(c.path, graphFile), c.graph); err != nil {
			return nil, fmt.Errorf("tlkit: run %q: %w", c.name, err)
		}
	}
	return run, writeJSON(filepath.Join(c.path, "run.json"), run.Config)
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

// check returns the error that is known before any work. The run is nil if there is none.
func (c *call) check(run *Run) error {
	if err := c.checkNewStrategies(run); err != nil {
		return err
	}
	if err := c.checkRecipe(run); err != nil {
		return err
	}
	return c.checkPlans(run)
}

// checkNewStrategies returns an error if a strategy that the run has not yet can't have a folder of its name. The run is
// nil if there is none.
func (c *call) checkNewStrategies(run *Run) error {
	var names []string
	if run != nil {
		for _, res := range run.Results {
			names = append(names, res.Strategy)
		}
	}
	for _, w := range c.strategies {
		if slices.Contains(names, w.Name) {
			continue
		}
		if err := checkNewName("strategy", w.Name); err != nil {
			return err
		}
		if other := otherCase(w.Name, names); other != "" {
			return fmt.Errorf("tlkit: strategies %q and %q would have the same folder on macOS and Windows; give one of them another Label", other, w.Name)
		}
		names = append(names, w.Name)
	}
	return nil
}

// checkRecipe returns an error for a field of the recipe without effect, unless the run, or an earlier version of it, was
// begun with a recipe that means the same. The run is nil if there is none.
func (c *call) checkRecipe(run *Run) error {
	err := checkFields(c.config.Recipe)
	if err == nil || run == nil && c.remains() {
		return nil // what was begun with a run.json that is lost is known by the text of its recipe
	}
	begun := []*Run{run}
	if run != nil {
		versions, _ := run.Versions()
		begun = append(begun, versions...)
	}
	for _, r := range begun {
		if r != nil && slices.ContainsFunc(r.Results, (*Result).anyStarted) && len(r.Config.Recipe.plain().differences(c.config.Recipe.plain())) == 0 {
			return nil
		}
	}
	return err
}

// checkPlans returns the errors of the strategies' plans: before anything is written, and before the strategies that
// come first are trained for hours. Strategies that the run has begun as they are were planned then. The run is nil if
// there is none.
func (c *call) checkPlans(run *Run) error {
	var fresh []Strategy
	var bad []error
	for i, w := range c.strategies {
		if run != nil {
			if k := run.index(w.Name); k >= 0 && w.same(run.strategyAt(k)) && run.Results[k].anyStarted() {
				continue
			}
		}
		fresh = append(fresh, c.plans[i])
		if s, ok := w.strategy.(Checked); ok {
			bad = append(bad, s.CheckFields())
		}
	}
	return errors.Join(append(bad, checkPlans(c.config.Recipe, c.data, c.model, fresh))...)
}

// tooShort is Recipe.tooShort, if a strategy of the call trains by steps, which follow the schedule.
func (c *call) tooShort() string {
	text := c.config.Recipe.tooShort()
	if text == "" {
		return ""
	}
	task := Task{Classes: c.data.Classes, Data: c.data, Seed: c.config.Recipe.Seed, Recipe: c.config.Recipe}
	for _, s := range c.plans {
		m, err := start(c.model)
		if err != nil {
			return text
		}
		if plan, err := s.Plan(m, task); err != nil || plan.Fit == nil {
			return text
		}
	}
	return ""
}

// checkPlans returns the errors of the plans of strategies for copies of a model.
func checkPlans(r Recipe, ds *datasets.Dataset, pretrained *zoo.Model, strategies []Strategy) error {
	task := Task{Classes: ds.Classes, Data: ds, Seed: r.Seed, Recipe: r}
	var bad []error
	for _, s := range strategies {
		m, err := start(pretrained)
		if err == nil {
			_, err = planned(s, m, task)
		}
		bad = append(bad, err)
	}
	return errors.Join(bad...)
}

// planned returns the plan of a strategy for a model, which it may change, if the plan can be trained.
func planned(s Strategy, m *zoo.Model, task Task) (Plan, error) {
	plan, err := s.Plan(m, task)
	if err == nil {
		err = plan.check(s.Name(), task)
	}
	return plan, err
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
