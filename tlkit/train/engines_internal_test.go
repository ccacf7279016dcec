package train

import (
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/backend"
)

// UseEngines makes trainings of a test compute steps on one engine and the network on another.
func UseEngines(t testing.TB, steps, forward string) {
	t.Helper()
	var opened []*backend.Engine
	for _, config := range []string{steps, forward} {
		e, err := backend.Open(config)
		if err != nil {
			t.Fatal(err)
		}
		opened = append(opened, e)
	}
	before := defaultEngines
	t.Cleanup(func() { defaultEngines = before })
	defaultEngines = func() (enginePair, error) { return enginePair{opened[0].Backend, opened[1].Backend}, nil }
}
