package backend

import "fmt"

// Open opens and tests one engine, named as in GOMLX_BACKEND ("go", "onnx:cpu", "xla:cuda"), in addition to the one
// that [Default] has chosen. It falls back to no other. It is for comparing engines; graphs and tensors belong to the
// engine that they were made on.
func Open(config string) (*Engine, error) {
	c := candidate{config: config, why: "the program asks for it"}
	b, err := open(c)
	if err != nil {
		return nil, fmt.Errorf("tlkit: engine %q can't be used: %w", config, err)
	}
	return &Engine{Backend: b, Config: config, Why: c.why}, nil
}
