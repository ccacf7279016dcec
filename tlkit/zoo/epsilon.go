package zoo

import (
	"strconv"
	"strings"
)

// tfEpsilon is added to the variance in the batch norms of networks made with TensorFlow.
const tfEpsilon = 1e-3

// epsilonMark stands, in a network's name, before the number that its normalisations add to the variance, if that is
// not the family's usual one: "vit_b_16_eps1e-12". The number is part of the name, so that runs, exported files and
// projects find the network again by its name alone.
const epsilonMark = "_eps"

// norms sets Build of a network whose normalisations usually add epsilon to the variance.
func (s Spec) norms(epsilon float64, build func(epsilon float64) Architecture) Spec {
	s.epsilon, s.normed = epsilon, build
	s.Build = func() Architecture { return build(epsilon) }
	return s
}

// withEpsilon is the network with another epsilon, under its own name and without published weights. It is s itself
// for the usual epsilon, for 0, and where the family knows one number only.
func (s Spec) withEpsilon(epsilon float64) Spec {
	if s.normed == nil || epsilon == 0 || epsilon == s.epsilon {
		return s
	}
	s.Name += epsilonMark + strconv.FormatFloat(epsilon, 'e', -1, 64)
	s.Weights = nil
	return s.norms(epsilon, s.normed)
}

// epsilonVariant finds a network by a name that withEpsilon made.
func epsilonVariant(all map[string]Spec, name string) (Spec, bool) {
	base, number, ok := strings.Cut(name, epsilonMark)
	s := all[base]
	epsilon, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || s.normed == nil || !validEpsilon(epsilon) {
		return Spec{}, false
	}
	return s.withEpsilon(epsilon), true
}

// validEpsilon reports whether a number may be added to a variance.
func validEpsilon(epsilon float64) bool { return epsilon > 0 && epsilon < 1 }
