package serve

import (
	"errors"
)

// errCompute marks faults of the model or the engine, as opposed to those of an image.
var errCompute = errors.New("the network could not be computed")

// errMemory means that the requests being read hold all the memory that they may.
var errMemory = errors.New("the requests that are being read take all memory set aside for them; try again later")

// ErrUnexplained is wrapped by the errors of [Predictor.ExplainBytes] for a network that has no maps: its stages have
// no places, or a layer has no gradient.
var ErrUnexplained = errors.New("the network's decisions can't be explained")

// errTimeout is the cause of contexts that HandlerOptions.Timeout has ended.
var errTimeout = errors.New("the image was not classified in time; try again later")

// ErrBusy is wrapped by the errors about images that exceed the queue; try again later.
var ErrBusy = errors.New("too many images are waiting")

// ErrClosed is the error of predictions after [Predictor.Close].
var ErrClosed = errors.New("serve: the predictor is closed")
