package nn

import (
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// channels is the order of axes in which an engine computes fastest with x [..., channels]: unchanged, or, for images
// on some engines, with the channels first.
type channels struct {
	x     *Node
	first bool
}

func channelsOf(x *Node) channels {
	return channels{x, x.Rank() == 4 && traitsOf(x).ChannelsFirst}
}

// in converts a node of x's shape to that order, and out converts it back.
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

// sum adds up all values of each channel of a node in the order of in: [channels].
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

// spread reshapes values [channels] so that they broadcast over a node in the order of in.
func (l channels) spread(values *Node) *Node {
	if l.first {
		return Reshape(values, 1, values.Shape().Size(), 1, 1)
	}
	return perChannel(values, l.x)
}

// ChannelShuffle reorders the channels of x [batch, height, width, channels], so that each group then has channels of
// all groups: channel j of group i becomes channel j*groups+i (Zhang et al. 2017, ShuffleNet, arXiv 1707.01083, section
// 3.1). The number of groups must divide the channels.
func ChannelShuffle(x *Node, groups int) *Node {
	x.AssertRank(4)
	d := x.Shape().Dimensions
	if groups < 1 || d[3]%groups != 0 {
		exceptions.Panicf("nn: channel shuffle of %d channels in %d groups; the groups must divide the channels", d[3], groups)
	}
	x = Reshape(x, d[0], d[1], d[2], groups, d[3]/groups)
	return Reshape(Transpose(x, 3, 4), d[0], d[1], d[2], d[3])
}

// SplitChannels cuts x [batch, height, width, channels] into parts of equal width along the channels.
func SplitChannels(x *Node, parts int) []*Node {
	x.AssertRank(4)
	c := x.Shape().Dimensions[3]
	if parts < 1 || c%parts != 0 {
		exceptions.Panicf("nn: %d channels can't be split into %d equal parts", c, parts)
	}
	out := make([]*Node, parts)
	for i := range out {
		out[i] = sliceChannels(x, i*c/parts, c/parts)
	}
	return out
}
