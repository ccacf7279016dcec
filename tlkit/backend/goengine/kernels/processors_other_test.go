//go:build !amd64 && !arm64

package kernels

func processors() map[string]func() (restore func()) {
	return map[string]func() func(){"plain": func() func() { return func() {} }}
}
