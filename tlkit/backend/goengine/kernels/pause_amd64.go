package kernels

// pause tells the processor that the loop around it waits.
func pause()
