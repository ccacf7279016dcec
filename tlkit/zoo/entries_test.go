package zoo_test

import "github.com/tlkit-go/tlkit-notebooks/tlkit/weights"

func writeEntries(path string, entries []weights.Entry) error {
	return weights.WriteSafetensors(path, entries, nil)
}
