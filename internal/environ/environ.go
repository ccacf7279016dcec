// Package environ changes the environment of a program that is to be started: a list of variables, each of the form
// NAME=value.
package environ

import (
	"slices"
	"strings"
)

// Set returns env with these variables, each of the form NAME=value, in place of earlier ones of the same names: of two
// values of one name, a program that syscall.Exec starts, and Python, take the first.
func Set(env []string, vars ...string) []string {
	for _, kv := range vars {
		name, _, _ := strings.Cut(kv, "=")
		env = append(Without(env, name), kv)
	}
	return env
}

// Without returns env without the variables of these names.
func Without(env []string, names ...string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains(names, name)
	})
}
