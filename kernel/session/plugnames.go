//go:build linux

package session

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"strings"
)

// The package of a cell's run has a path and a name of its own for compiler and linker. A program sees neither: in the
// plugin's descriptions of types and functions both are replaced by main before the worker opens it. The new names are as
// long as the old ones or end earlier, so that nothing moves. The linker's symbols keep the path, which tells the types
// of one run from those of another.

// nameMain gives the types and functions of a compiled plugin the package main.
func nameMain(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	plugin, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("session: %s: %w", file, err)
	}
	for _, s := range plugin.Sections {
		if s.Type == elf.SHT_PROGBITS && s.Flags&elf.SHF_EXECINSTR == 0 && s.Flags&elf.SHF_ALLOC != 0 {
			nameMainIn(data[s.Offset:][:s.FileSize])
		}
	}
	return os.WriteFile(file, bytes.ReplaceAll(data, []byte(packageName+"."), []byte("main.")), 0o755)
}

// nameMainIn replaces the paths of runs in a section.
func nameMainIn(data []byte) {
	const width = len("main")
	for at := 2; ; at++ {
		i := bytes.IndexByte(data[at:], '~')
		if i < 0 || at+i+width >= len(data) {
			return
		}
		at += i
		if !isRunPath(data[at : at+width]) {
			continue
		}
		switch before, isDot := data[at-1], data[at+width] == '.'; {
		case isDot && strings.IndexByte("[,*]( {", before) >= 0, // main.list[~003.point]
			!isDot && before == byte(width) && data[at-2] == 0: // the name of the path itself: flags, length, text
			copy(data[at:], "main")
		case isDot && before == 0:
			copy(data[at:], "main")
			shorten(data[at:])
		}
	}
}

// isRunPath reports whether text is the path of a run.
func isRunPath(text []byte) bool {
	for i, c := range text {
		if i == 0 && c != '~' || i > 0 && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// shorten removes the marks from a function's name, which ends with a zero. The names of the generator itself, with two
// marks, stay: tracebacks know them.
func shorten(data []byte) {
	name, _, _ := bytes.Cut(data, []byte{0})
	text := bytes.ReplaceAll(name, []byte(own), []byte{1})
	text = bytes.ReplaceAll(bytes.ReplaceAll(text, []byte(mark), nil), []byte{1}, []byte(own))
	clear(name[copy(name, text):])
}
