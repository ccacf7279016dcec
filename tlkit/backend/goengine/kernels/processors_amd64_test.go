package kernels

func assembly() []bool {
	if hasAVX2 {
		return []bool{true, false}
	}
	return []bool{false}
}

func setAssembly(on bool) (old bool) {
	old, hasAVX2 = hasAVX2, on
	return old
}
