//go:build linux

#include "textflag.h"

// func stackUsed() uintptr
TEXT ·stackUsed(SB),NOSPLIT,$0-8
	MOVQ	(TLS), AX
	MOVQ	8(AX), AX // g.stack.hi
	LEAQ	ret+0(FP), CX
	SUBQ	CX, AX
	MOVQ	AX, ret+0(FP)
	RET
