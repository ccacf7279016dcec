package build

import (
	"context"
	"os"
	"os/exec"
	"strings"
)

// CCompiler returns the command of the C compiler: CC, which may have several words ("ccache gcc"), or gcc.
func CCompiler() []string {
	if words := strings.Fields(os.Getenv("CC")); len(words) > 0 {
		return words
	}
	return []string{"gcc"}
}

// compilerText returns the command of the C compiler as the linker's flag -extld takes it.
func compilerText() string { return strings.Join(CCompiler(), " ") }

// compilerInShell returns the command of the C compiler as a shell script calls it.
func compilerInShell() string {
	var words []string
	for _, word := range CCompiler() {
		words = append(words, ShellQuote(word))
	}
	return strings.Join(words, " ")
}

// CompilerCommand returns a call of the C compiler.
func CompilerCommand(ctx context.Context, args ...string) *exec.Cmd {
	words := append(CCompiler(), args...)
	return exec.CommandContext(ctx, words[0], words[1:]...)
}

// compiler runs the C compiler.
func (b *Builder) compiler(ctx context.Context, dir string, args ...string) ([]byte, error) {
	words := append(CCompiler(), args...)
	return b.run(ctx, dir, nil, words[0], words[1:]...)
}
