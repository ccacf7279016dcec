//go:build linux

#include "textflag.h"

// func record() unsafe.Pointer
TEXT ·record(SB),NOSPLIT,$0-8
	MOVQ	(TLS), AX
	MOVQ	AX, ret+0(FP)
	RET

// func framePointer() uintptr
TEXT ·framePointer(SB),NOSPLIT,$0-8
	MOVQ	BP, ret+0(FP)
	RET
