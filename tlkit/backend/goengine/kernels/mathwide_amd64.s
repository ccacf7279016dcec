//go:build amd64 && goexperiment.simd

#include "textflag.h"

// exp, the sigmoid and erf of 16 values at a time: the operations of math_amd64.go in their order, so that the results
// are equal to the bit. The compiler keeps too few of the constants in registers.

#define CONSTANT(name, value) \
	DATA name<>+0(SB)/4, value \
	GLOBL name<>(SB), RODATA|NOPTR, $4

CONSTANT(most, $0x42b20000)   // 89
CONSTANT(least, $0xc2d00000)  // -104
CONSTANT(log2e, $0x3fb8aa3b)  // 1.44269504088896341
CONSTANT(ln2hi, $0xbf318000)  // -0.693359375
CONSTANT(ln2lo, $0x395e8083)  // 2.12194440e-4
CONSTANT(exp0, $0x39506967)   // 1.9875691500e-4
CONSTANT(exp1, $0x3ab743ce)   // 1.3981999507e-3
CONSTANT(exp2, $0x3c088908)   // 8.3334519073e-3
CONSTANT(exp3, $0x3d2aa9c1)   // 4.1665795894e-2
CONSTANT(exp4, $0x3e2aaaaa)   // 1.6666665459e-1
CONSTANT(exp5, $0x3f000000)   // 5.0000001201e-1
CONSTANT(one, $0x3f800000)    // 1
CONSTANT(border, $0x3f6c0000) // 0.921875
CONSTANT(size, $0x7fffffff)   // without its sign
CONSTANT(near0, $0xba1c7000)  // -5.96761703e-4
CONSTANT(near1, $0x3ba38d2c)  // 4.99119423e-3
CONSTANT(near2, $0xbcdb48d9)  // -2.67681349e-2
CONSTANT(near3, $0x3de70e22)  // 1.12819925e-1
CONSTANT(near4, $0xbec09380)  // -3.76125336e-1
CONSTANT(near5, $0x3e0375d4)  // 1.28379166e-1
CONSTANT(far0, $0xb7910000)   // -1.72853470e-5
CONSTANT(far1, $0x39c8e7d9)   // 3.83197126e-4
CONSTANT(far2, $0xbb7e8a1c)   // -3.88396438e-3
CONSTANT(far3, $0x3cc6b1a1)   // 2.42546219e-2
CONSTANT(far4, $0xbddaae5c)   // -1.06777877e-1
CONSTANT(far5, $0xbf228550)   // -6.34846687e-1
CONSTANT(far6, $0xbe03ce86)   // -1.28717512e-1

// ARGUMENTS reads the arguments: DI is the result, SI the values, CX the number of vectors.
#define ARGUMENTS \
	MOVQ d+0(FP), DI \
	MOVQ a+8(FP), SI \
	MOVQ n+16(FP), CX \
	VPXORD Z28, Z28, Z28

// EXPONENTIAL has the constants of EXP in Z16 to Z27; the last is 1.
#define EXPONENTIAL \
	VBROADCASTSS most<>(SB), Z16 \
	VBROADCASTSS least<>(SB), Z17 \
	VBROADCASTSS log2e<>(SB), Z18 \
	VBROADCASTSS ln2hi<>(SB), Z19 \
	VBROADCASTSS ln2lo<>(SB), Z20 \
	VBROADCASTSS exp0<>(SB), Z21 \
	VBROADCASTSS exp1<>(SB), Z22 \
	VBROADCASTSS exp2<>(SB), Z23 \
	VBROADCASTSS exp3<>(SB), Z24 \
	VBROADCASTSS exp4<>(SB), Z25 \
	VBROADCASTSS exp5<>(SB), Z26 \
	VBROADCASTSS one<>(SB), Z27

// EXP writes exp(x) to p; n, r and t are changed. NaN stays NaN.
#define EXP(x, n, r, t, p) \
	VMINPS Z16, x, r \
	VMAXPS Z17, r, r \
	VMULPS Z18, r, n \
	VRNDSCALEPS $0, n, n \
	VFMADD231PS Z19, n, r \
	VFMADD231PS Z20, n, r \
	VMOVAPS Z21, p \
	VFMADD213PS Z22, r, p \
	VFMADD213PS Z23, r, p \
	VFMADD213PS Z24, r, p \
	VFMADD213PS Z25, r, p \
	VFMADD213PS Z26, r, p \
	VMULPS r, r, t \
	VFMADD213PS r, t, p \
	VADDPS Z27, p, p \
	VSCALEFPS n, p, p \
	VCMPPS $3, x, x, K1 \
	VMOVAPS x, K1, p

// RESULT writes a vector and goes on to the next one; the zero flag is set after the last one.
#define RESULT(y) \
	VMOVUPS y, (DI) \
	ADDQ $64, SI \
	ADDQ $64, DI \
	DECQ CX

// func expAVX512(d, a *float32, n int)
TEXT ·expAVX512(SB), NOSPLIT, $0-24
	ARGUMENTS
	EXPONENTIAL

next:
	VMOVUPS (SI), Z0
	EXP(Z0, Z1, Z2, Z3, Z4)
	RESULT(Z4)
	JNZ next
	VZEROUPPER
	RET

// func sigmoidAVX512(d, a *float32, n int)
TEXT ·sigmoidAVX512(SB), NOSPLIT, $0-24
	ARGUMENTS
	EXPONENTIAL

next:
	VSUBPS (SI), Z28, Z0
	EXP(Z0, Z1, Z2, Z3, Z4)
	VADDPS Z27, Z4, Z4
	VDIVPS Z4, Z27, Z4
	RESULT(Z4)
	JNZ next
	VZEROUPPER
	RET

// func erfAVX512(d, a *float32, n int)
// Z5 is x, Z6 its square, Z7 its size, Z8 the result near 0, Z4 the other one.
TEXT ·erfAVX512(SB), NOSPLIT, $0-24
	ARGUMENTS
	EXPONENTIAL
	VBROADCASTSS border<>(SB), Z29
	VBROADCASTSS size<>(SB), Z30
	VBROADCASTSS near0<>(SB), Z31
	VBROADCASTSS near1<>(SB), Z15
	VBROADCASTSS near2<>(SB), Z14
	VBROADCASTSS far0<>(SB), Z13
	VBROADCASTSS far1<>(SB), Z12
	VBROADCASTSS far2<>(SB), Z11

next:
	VMOVUPS (SI), Z5
	VMULPS Z5, Z5, Z6
	VMOVAPS Z31, Z8
	VFMADD213PS Z15, Z6, Z8
	VFMADD213PS Z14, Z6, Z8
	VFMADD213PS.BCST near3<>(SB), Z6, Z8
	VFMADD213PS.BCST near4<>(SB), Z6, Z8
	VFMADD213PS.BCST near5<>(SB), Z6, Z8
	VFMADD213PS Z5, Z5, Z8
	VPANDD Z30, Z5, Z7
	VMOVAPS Z13, Z9
	VFMADD213PS Z12, Z7, Z9
	VMOVAPS Z11, Z10
	VFMADD213PS.BCST far3<>(SB), Z7, Z10
	VFMADD213PS Z10, Z6, Z9
	VFMADD213PS.BCST far4<>(SB), Z7, Z9
	VFMADD213PS.BCST far5<>(SB), Z7, Z9
	VFMADD213PS.BCST far6<>(SB), Z7, Z9
	VSUBPS Z7, Z28, Z10
	VFMADD213PS Z10, Z7, Z9
	EXP(Z9, Z1, Z2, Z3, Z4)
	VSUBPS Z4, Z27, Z4
	VCMPPS $1, Z28, Z5, K1
	VSUBPS Z4, Z28, K1, Z4
	VCMPPS $14, Z29, Z7, K1
	VMOVAPS Z4, K1, Z8
	RESULT(Z8)
	JNZ next
	VZEROUPPER
	RET
