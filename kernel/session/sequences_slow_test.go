//go:build slow

package session

const sequencesByDefault = 1 << 20
