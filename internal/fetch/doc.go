// Package fetch downloads files into the cache: resumed, verified, one process at a time, and never half-written under
// the final name. Data sets and weights both come through here.
package fetch
