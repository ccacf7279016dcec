//go:build !linux

package freemem

func resourceLimits() []int64 { return nil }
