package nn

// Fixed is an entry of a model's state dict that is no variable: whole numbers that follow from the architecture, such
// as the index table of relative positions. PyTorch files hold it, and PyTorch's strict loading asks for it, so that
// it is ignored when a file is read and written on export.
type Fixed struct {
	// Key is the state-dict key.
	Key string
	// Shape is the shape in a PyTorch file.
	Shape []int
	// Values in row-major order; 64-bit integers in a PyTorch file.
	Values []int64
}

// Fixed reports an entry of the state dict that the layer computes itself; see the type [Fixed].
func (s *Scope) Fixed(name string, values []int64, shape ...int) {
	if s.Pass.RecordFixed != nil {
		s.Pass.RecordFixed(Fixed{Key: s.join(name), Shape: shape, Values: values})
	}
}
