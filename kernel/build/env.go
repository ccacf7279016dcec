package build

import (
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/environ"
)

// foreignSettings are variables of the go command that people export for other work. Each would make it build cells for
// another system, with another Go, or with other flags than the installation, whose compiled packages would not fit.
var foreignSettings = []string{"GOROOT", "GOTOOLDIR", "GOOS", "GOARCH", "GOAMD64", "GOARM64", "GOTMPDIR", "GOFLAGS", "GO111MODULE",
	"GOWORK", "CGO_ENABLED", "CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS", "CGO_FFLAGS", "CGO_LDFLAGS", "GOFIPS140"}

// cFlags are the values of cgo's flags where nobody sets them.
var cFlags = []string{"CGO_CFLAGS=-O2 -g", "CGO_CPPFLAGS=", "CGO_CXXFLAGS=-O2 -g", "CGO_FFLAGS=-O2 -g", "CGO_LDFLAGS=-O2 -g"}

// CleanEnv returns env without settings of the go command that do not fit cells, and with the values that cells need.
// It sets a value even where none was exported, because go env -w may have stored another. Temporary files of Go go to
// tmp.
func CleanEnv(env []string, tmp string) []string {
	env = append(CommandEnv(env), cFlags...)
	return append(env, "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH, "GOAMD64=v1", "GOARM64=v8.0", "GOTMPDIR="+tmp,
		"GOFLAGS=-buildvcs=false", "GO111MODULE=on", "GOWORK=off")
}

// CommandEnv returns env without the settings that CleanEnv replaces: for the commands of cells, such as go run in a
// module of the user's own, which has its own settings.
func CommandEnv(env []string) []string {
	return slices.DeleteFunc(environ.Without(env, foreignSettings...), isRelativeGoPath)
}

// isRelativeGoPath reports whether a variable is a GOPATH with a relative folder, which the go command refuses.
func isRelativeGoPath(kv string) bool {
	dirs, ok := strings.CutPrefix(kv, "GOPATH=")
	return ok && slices.ContainsFunc(filepath.SplitList(dirs), func(dir string) bool { return dir != "" && !filepath.IsAbs(dir) })
}

// ForeignSettings returns the names of the variables in env that CleanEnv replaces.
func ForeignSettings(env []string) []string {
	var names []string
	for _, kv := range env {
		if name, value, _ := strings.Cut(kv, "="); value != "" && slices.Contains(foreignSettings, name) || isRelativeGoPath(kv) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
