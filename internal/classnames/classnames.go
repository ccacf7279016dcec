// Package classnames tells apart classes of the same name, as torchvision's list of ImageNet has some, and names
// that are not in UTF-8.
package classnames

import "fmt"

// Distinct returns a different name for each class: a name that several classes have gets the class's index, as in
// "crane (134)".
func Distinct(names []string) []string {
	count := make(map[string]int, len(names))
	for _, name := range names {
		count[name]++
	}
	out := make([]string, len(names))
	for i, name := range names {
		if out[i] = name; count[name] > 1 {
			out[i] = fmt.Sprintf("%s (%d)", name, i)
		}
	}
	return out
}

// Find returns the indices of the classes that a name means: a name of [Distinct] means one, a name that several
// classes have means all of these.
func Find(names []string, name string) (indices []int) {
	for i, distinct := range Distinct(names) {
		if distinct == name {
			return []int{i}
		}
		if names[i] == name {
			indices = append(indices, i)
		}
	}
	return indices
}

// InUTF8 returns a name as JSON has it, and so every file of a model: what is no UTF-8 is U+FFFD.
func InUTF8(name string) string { return string([]rune(name)) }

// OneInUTF8 returns two different names that [InUTF8] makes one; ok is false if there are none.
func OneInUTF8(names []string) (a, b string, ok bool) {
	first := map[string]string{}
	for _, name := range names {
		if other, ok := first[InUTF8(name)]; ok && other != name {
			return other, name, true
		}
		first[InUTF8(name)] = name
	}
	return "", "", false
}
