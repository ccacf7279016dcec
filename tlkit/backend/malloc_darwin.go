//go:build cgo && darwin

package backend

func returnFreed() {}
