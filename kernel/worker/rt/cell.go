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

func (c *current) whatIsSet() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.set)
}
