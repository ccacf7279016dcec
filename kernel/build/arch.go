package build

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"maps"
	"slices"
)

// arch holds what plugins against the shared library must know about a processor.
type arch struct {
	machine elf.Machine
	// addModuleData is the assembly of runtime.addmoduledata, with the offset of moduledata.next to fill in: the same
	// instructions as in runtime/asm_GOARCH.s.
	addModuleData string
	// trap is an instruction that ends the program.
	trap string
	// nextOffset finds the offset of moduledata.next in the code of the runtime's own addmoduledata.
	nextOffset func(code []byte) (offset uint32, ok bool)
	// direct are the loads from the global offset table that can be corrected, by the type of their relocation.
	direct map[uint32]direct
}

// arches are the processors, by GOARCH, that can have live cells.
var arches = map[string]arch{
	"amd64": {machine: elf.EM_X86_64, addModuleData: amdSourceAMD64, trap: "INT\t$3", nextOffset: nextOffsetAMD64, direct: directAMD64},
	"arm64": {machine: elf.EM_AARCH64, addModuleData: amdSourceARM64, trap: "BRK", nextOffset: nextOffsetARM64, direct: directARM64},
}

func archNames() []string { return slices.Sorted(maps.Keys(arches)) }

const amdSourceAMD64 = `#include "textflag.h"

TEXT runtime·addmoduledata(SB),NOSPLIT|NOFRAME,$0-0
	PUSHQ	R15
	MOVQ	runtime·lastmoduledatap(SB), AX
	MOVQ	DI, %d(AX)
	MOVQ	DI, runtime·lastmoduledatap(SB)
	POPQ	R15
	RET
`

// nextOffsetAMD64 searches for mov %rdi, OFFSET(%rax).
func nextOffsetAMD64(code []byte) (uint32, bool) {
	mov := []byte{0x48, 0x89, 0xb8}
	i := bytes.Index(code, mov)
	if i < 0 || i+7 > len(code) {
		return 0, false
	}
	return binary.LittleEndian.Uint32(code[i+3:]), true
}

const amdSourceARM64 = `#include "textflag.h"

TEXT runtime·addmoduledata(SB),NOSPLIT,$0-0
	SUB	$0x10, RSP
	MOVD	R27, 8(RSP)
	MOVD	runtime·lastmoduledatap(SB), R1
	MOVD	R0, %d(R1)
	MOVD	R0, runtime·lastmoduledatap(SB)
	MOVD	8(RSP), R27
	ADD	$0x10, RSP
	RET
`

// nextOffsetARM64 searches for str x0, [x1, #OFFSET], whose bits 10 to 21 are the offset in words of eight bytes.
func nextOffsetARM64(code []byte) (uint32, bool) {
	for i := 0; i+4 <= len(code); i += 4 {
		if word := binary.LittleEndian.Uint32(code[i:]); word&0xffc003ff == 0xf9000020 {
			return word >> 10 & 0xfff * 8, true
		}
	}
	return 0, false
}
