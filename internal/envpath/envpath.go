// Package envpath reads paths from environment variables. A shell expands "~" in HOME=~/x, but neither in
// NAME="~/x" nor where Jupyter, Docker or systemd set the variable, so it is expanded here, for all variables alike.
package envpath

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Get returns the path in an environment variable, with a leading "~" expanded; "" if the variable is not set.
func Get(name string) (string, error) { return From(os.Getenv, name) }

// From is [Get] for the environment that getenv reads, as os.Getenv does.
func From(getenv func(string) string, name string) (string, error) {
	path, err := expand(getenv, getenv(name))
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return path, nil
}

// Expand replaces a leading "~" or "~/" by the user's home folder; other paths are returned unchanged.
func Expand(path string) (string, error) { return expand(os.Getenv, path) }

func expand(getenv func(string) string, path string) (string, error) {
	if path != "~" && !strings.HasPrefix(path, "~/") && !strings.HasPrefix(path, `~\`) {
		return path, nil
	}
	home, err := Home(getenv)
	if err != nil {
		return "", fmt.Errorf("expanding %q: %w", path, err)
	}
	return filepath.Join(home, path[1:]), nil
}

// Home returns the user's home folder, as os.UserHomeDir does, in the environment that getenv reads.
func Home(getenv func(string) string) (string, error) {
	name := "HOME"
	if runtime.GOOS == "windows" {
		name = "USERPROFILE"
	}
	if home := getenv(name); home != "" {
		return home, nil
	}
	return "", errors.New(name + " is not set")
}
