#include "textflag.h"

// The sums of depthwise convolutions, with vectors of 8 and of 16: each value's sum has the same order.

// func dotLinesAVX2(a, b *unsafe.Pointer, n, c int, dst *float32, pixels, step, dstep int)
// dst[i] += sum over t < n of a[t][i]*b[t][i], i < c, a multiple of 8, for each pixel: of the next, a[t] is step values
// further and dst dstep values. R12 and R13 are the places of the pixel.
TEXT ·dotLinesAVX2(SB), NOSPLIT, $0-64
	MOVQ a+0(FP), SI
	MOVQ b+8(FP), DI
	MOVQ n+16(FP), R8
	MOVQ c+24(FP), R9
	MOVQ dst+32(FP), DX
	SHLQ $2, R9
	XORQ R12, R12

pixel:
	XORQ CX, CX

block32:
	MOVQ R9, AX
	SUBQ CX, AX
	CMPQ AX, $128
	JLT block8
	LEAQ (R12)(CX*1), R13
	VMOVUPS (DX)(CX*1), Y0
	VMOVUPS 32(DX)(CX*1), Y1
	VMOVUPS 64(DX)(CX*1), Y2
	VMOVUPS 96(DX)(CX*1), Y3
	XORQ BX, BX

tap32:
	MOVQ (SI)(BX*8), R10
	MOVQ (DI)(BX*8), R11
	ADDQ R13, R10
	VMOVUPS (R10), Y4
	VMOVUPS 32(R10), Y5
	VMOVUPS 64(R10), Y6
	VMOVUPS 96(R10), Y7
	VFMADD231PS (R11)(CX*1), Y4, Y0
	VFMADD231PS 32(R11)(CX*1), Y5, Y1
	VFMADD231PS 64(R11)(CX*1), Y6, Y2
	VFMADD231PS 96(R11)(CX*1), Y7, Y3
	INCQ BX
	CMPQ BX, R8
	JLT tap32
	VMOVUPS Y0, (DX)(CX*1)
	VMOVUPS Y1, 32(DX)(CX*1)
	VMOVUPS Y2, 64(DX)(CX*1)
	VMOVUPS Y3, 96(DX)(CX*1)
	ADDQ $128, CX
	JMP block32

block8:
	CMPQ CX, R9
	JGE next
	LEAQ (R12)(CX*1), R13
	VMOVUPS (DX)(CX*1), Y0
	XORQ BX, BX

tap8:
	MOVQ (SI)(BX*8), R10
	MOVQ (DI)(BX*8), R11
	VMOVUPS (R10)(R13*1), Y4
	VFMADD231PS (R11)(CX*1), Y4, Y0
	INCQ BX
	CMPQ BX, R8
	JLT tap8
	VMOVUPS Y0, (DX)(CX*1)
	ADDQ $32, CX
	JMP block8

next:
	MOVQ step+48(FP), AX
	LEAQ (R12)(AX*4), R12
	MOVQ dstep+56(FP), AX
	LEAQ (DX)(AX*4), DX
	DECQ pixels+40(FP)
	JNZ pixel
	VZEROUPPER
	RET

// func dotStepsAVX2(a, b *float32, n, c int, dst *float32, astep, bstep int)
// dst[i] += sum over t < n of a[t*astep+i]*b[t*bstep+i], i < c, a multiple of 8; n must not be 0.
TEXT ·dotStepsAVX2(SB), NOSPLIT, $0-56
	MOVQ a+0(FP), SI
	MOVQ b+8(FP), DI
	MOVQ c+24(FP), R9
	MOVQ dst+32(FP), DX
	MOVQ astep+40(FP), R12
	MOVQ bstep+48(FP), R13
	SHLQ $2, R9
	SHLQ $2, R12
	SHLQ $2, R13
	XORQ CX, CX

block32:
	MOVQ R9, AX
	SUBQ CX, AX
	CMPQ AX, $128
	JLT block8
	LEAQ (SI)(CX*1), R10
	LEAQ (DI)(CX*1), R11
	MOVQ n+16(FP), BX
	VMOVUPS (DX)(CX*1), Y0
	VMOVUPS 32(DX)(CX*1), Y1
	VMOVUPS 64(DX)(CX*1), Y2
	VMOVUPS 96(DX)(CX*1), Y3

step32:
	VMOVUPS (R10), Y4
	VMOVUPS 32(R10), Y5
	VMOVUPS 64(R10), Y6
	VMOVUPS 96(R10), Y7
	VFMADD231PS (R11), Y4, Y0
	VFMADD231PS 32(R11), Y5, Y1
	VFMADD231PS 64(R11), Y6, Y2
	VFMADD231PS 96(R11), Y7, Y3
	ADDQ R12, R10
	ADDQ R13, R11
	DECQ BX
	JNZ step32
	VMOVUPS Y0, (DX)(CX*1)
	VMOVUPS Y1, 32(DX)(CX*1)
	VMOVUPS Y2, 64(DX)(CX*1)
	VMOVUPS Y3, 96(DX)(CX*1)
	ADDQ $128, CX
	JMP block32

block8:
	CMPQ CX, R9
	JGE end
	LEAQ (SI)(CX*1), R10
	LEAQ (DI)(CX*1), R11
	MOVQ n+16(FP), BX
	VMOVUPS (DX)(CX*1), Y0

step8:
	VMOVUPS (R10), Y4
	VFMADD231PS (R11), Y4, Y0
	ADDQ R12, R10
	ADDQ R13, R11
	DECQ BX
	JNZ step8
	VMOVUPS Y0, (DX)(CX*1)
	ADDQ $32, CX
	JMP block8

end:
	VZEROUPPER
	RET

// func dotLinesAVX512(a, b *unsafe.Pointer, n, c int, dst *float32, pixels, step, dstep int)
// dst[i] += sum over t < n of a[t][i]*b[t][i], i < c, a multiple of 16, for each pixel: of the next, a[t] is step
// values further and dst dstep values. R12 and R13 are the places of the pixel.
TEXT ·dotLinesAVX512(SB), NOSPLIT, $0-64
	MOVQ a+0(FP), SI
	MOVQ b+8(FP), DI
	MOVQ n+16(FP), R8
	MOVQ c+24(FP), R9
	MOVQ dst+32(FP), DX
	SHLQ $2, R9
	XORQ R12, R12

pixel:
	XORQ CX, CX

block64:
	MOVQ R9, AX
	SUBQ CX, AX
	CMPQ AX, $256
	JLT block16
	LEAQ (R12)(CX*1), R13
	VMOVUPS (DX)(CX*1), Z0
	VMOVUPS 64(DX)(CX*1), Z1
	VMOVUPS 128(DX)(CX*1), Z2
	VMOVUPS 192(DX)(CX*1), Z3
	XORQ BX, BX

tap64:
	MOVQ (SI)(BX*8), R10
	MOVQ (DI)(BX*8), R11
	ADDQ R13, R10
	VMOVUPS (R10), Z4
	VMOVUPS 64(R10), Z5
	VMOVUPS 128(R10), Z6
	VMOVUPS 192(R10), Z7
	VFMADD231PS (R11)(CX*1), Z4, Z0
	VFMADD231PS 64(R11)(CX*1), Z5, Z1
	VFMADD231PS 128(R11)(CX*1), Z6, Z2
	VFMADD231PS 192(R11)(CX*1), Z7, Z3
	INCQ BX
	CMPQ BX, R8
	JLT tap64
	VMOVUPS Z0, (DX)(CX*1)
	VMOVUPS Z1, 64(DX)(CX*1)
	VMOVUPS Z2, 128(DX)(CX*1)
	VMOVUPS Z3, 192(DX)(CX*1)
	ADDQ $256, CX
	JMP block64

block16:
	CMPQ CX, R9
	JGE next
	LEAQ (R12)(CX*1), R13
	VMOVUPS (DX)(CX*1), Z0
	XORQ BX, BX

tap16:
	MOVQ (SI)(BX*8), R10
	MOVQ (DI)(BX*8), R11
	VMOVUPS (R10)(R13*1), Z4
	VFMADD231PS (R11)(CX*1), Z4, Z0
	INCQ BX
	CMPQ BX, R8
	JLT tap16
	VMOVUPS Z0, (DX)(CX*1)
	ADDQ $64, CX
	JMP block16

next:
	MOVQ step+48(FP), AX
	LEAQ (R12)(AX*4), R12
	MOVQ dstep+56(FP), AX
	LEAQ (DX)(AX*4), DX
	DECQ pixels+40(FP)
	JNZ pixel
	VZEROUPPER
	RET

// func dotStepsAVX512(a, b *float32, n, c int, dst *float32, astep, bstep int)
// dst[i] += sum over t < n of a[t*astep+i]*b[t*bstep+i], i < c, a multiple of 16; n must not be 0.
TEXT ·dotStepsAVX512(SB), NOSPLIT, $0-56
	MOVQ a+0(FP), SI
	MOVQ b+8(FP), DI
	MOVQ c+24(FP), R9
	MOVQ dst+32(FP), DX
	MOVQ astep+40(FP), R12
	MOVQ bstep+48(FP), R13
	SHLQ $2, R9
	SHLQ $2, R12
	SHLQ $2, R13
	XORQ CX, CX

block64:
	MOVQ R9, AX
	SUBQ CX, AX
	CMPQ AX, $256
	JLT block16
	LEAQ (SI)(CX*1), R10
	LEAQ (DI)(CX*1), R11
	MOVQ n+16(FP), BX
	VMOVUPS (DX)(CX*1), Z0
	VMOVUPS 64(DX)(CX*1), Z1
	VMOVUPS 128(DX)(CX*1), Z2
	VMOVUPS 192(DX)(CX*1), Z3

step64:
	VMOVUPS (R10), Z4
	VMOVUPS 64(R10), Z5
	VMOVUPS 128(R10), Z6
	VMOVUPS 192(R10), Z7
	VFMADD231PS (R11), Z4, Z0
	VFMADD231PS 64(R11), Z5, Z1
	VFMADD231PS 128(R11), Z6, Z2
	VFMADD231PS 192(R11), Z7, Z3
	ADDQ R12, R10
	ADDQ R13, R11
	DECQ BX
	JNZ step64
	VMOVUPS Z0, (DX)(CX*1)
	VMOVUPS Z1, 64(DX)(CX*1)
	VMOVUPS Z2, 128(DX)(CX*1)
	VMOVUPS Z3, 192(DX)(CX*1)
	ADDQ $256, CX
	JMP block64

block16:
	CMPQ CX, R9
	JGE end
	LEAQ (SI)(CX*1), R10
	LEAQ (DI)(CX*1), R11
	MOVQ n+16(FP), BX
	VMOVUPS (DX)(CX*1), Z0

step16:
	VMOVUPS (R10), Z4
	VFMADD231PS (R11), Z4, Z0
	ADDQ R12, R10
	ADDQ R13, R11
	DECQ BX
	JNZ step16
	VMOVUPS Z0, (DX)(CX*1)
	ADDQ $64, CX
	JMP block16

end:
	VZEROUPPER
	RET
