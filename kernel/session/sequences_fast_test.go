//go:build linux && !slow

package session

// sequencesByDefault is how many of the sequences run without -tags slow.
const sequencesByDefault = 30
