//go:build linux

package rt

import "slices"

// Here returns the run in progress, for the body of a cell.
func Here() *current { return running.Load() }

// Set records that variables of the cell have their values: they stay even if the cell fails later.
func (c *current) Set(names ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set = append(c.set, names...)
}

// MayReturn records that the cell's body has statements that may end it before its end: return, or a deferred function
// that recovers from a panic.
func (c *current) MayReturn() { c.setEarly(true) }

// Whole records that such a body has come to its end.
func (c *current) Whole() { c.setEarly(false) }

func (c *current) setEarly(early bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.early = early
}

// returned returns the result of a body that has returned: nil if it came to its end.
func (c *current) returned() *Failure {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.early {
		return &Failure{Kind: "returned"}
	}
	return nil
}

func (c *current) whatIsSet() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.set)
}
