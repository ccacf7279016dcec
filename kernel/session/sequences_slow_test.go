//go:build linux && slow

package session

const sequencesByDefault = 1 << 20
