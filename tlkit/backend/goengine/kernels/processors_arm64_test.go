package kernels

// processors are the sets of instructions for which there are kernels.
func processors() map[string]func() (restore func()) {
	with := func(neon bool) func() func() {
		return func() func() {
			old := hasNEON
			hasNEON = neon
			return func() { hasNEON = old }
		}
	}
	return map[string]func() func(){"plain": with(false), "NEON": with(true)}
}
