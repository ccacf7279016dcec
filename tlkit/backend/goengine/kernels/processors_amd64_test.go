package kernels

// processors are the sets of instructions for which there are kernels, as far as this processor has them.
func processors() map[string]func() (restore func()) {
	with := func(avx2, avx512 bool) func() func() {
		return func() func() {
			old2, old512 := hasAVX2, hasAVX512
			hasAVX2, hasAVX512 = avx2, avx512
			return func() { hasAVX2, hasAVX512 = old2, old512 }
		}
	}
	all := map[string]func() func(){"plain": with(false, false)}
	if hasAVX2 {
		all["AVX2"] = with(true, false)
	}
	if hasAVX512 {
		all["AVX-512"] = with(true, true)
	}
	return all
}
