package nn

import (
	. "github.com/gomlx/gomlx/core/graph"
)

// channels is the order in which an engine computes best with x [..., channels]: as it is, or, for images, with the
// channels first.
type channels struct {
	x     *Node
	first bool
}

func channelsOf(x *Node) channels {
	return channels{x, x.Rank() == 4 && traitsOf(x).ChannelsFirst}
}

// in brings a node of x's shape into that order, and out takes it back.
func (l channels) in(x *Node) *Node {
	if l.first {
		return channelsFirst(x)
	}
	return x
}

func (l channels) out(x *Node) *Node {
	if l.first {
		return channelsLast(x)
	}
	return x
}

// sum adds up all values of each channel of what in returns: [channels].
func (l channels) sum(x *Node) *Node {
	if l.first {
		return ReduceSum(x, 0, 2, 3)
	}
	axes := make([]int, x.Rank()-1)
	for i := range axes {
		axes[i] = i
	}
	return ReduceSum(x, axes...)
}

// spread reshapes values [channels] so that they spread over what in returns.
func (l channels) spread(values *Node) *Node {
	if l.first {
		return Reshape(values, 1, values.Shape().Size(), 1, 1)
	}
	return perChannel(values, l.x)
}
