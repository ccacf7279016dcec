package read

import (
	"math"
	"slices"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// window is the geometry of a convolution or pooling over images: pairs are of height and width.
type window struct {
	kernel           [2]int
	stride, dilation [2]int
	low, high        [2]int // padding before and after the image
	// beyond is how far the last windows reach over the padding, with ceil_mode: such positions count nowhere.
	beyond [2]int
}

// geometry reads what convolution and pooling share; ok is false for a form that is left to onnx-gomlx, with other than
// two axes. shape is that of the images, [rows, channels, height, width].
func (v *node) geometry(shape, kernel []int) (w window, ok bool) {
	if len(shape) != 4 || !v.planar() || len(kernel) != 2 || slices.Min(kernel) < 1 || slices.Max(kernel) > maxNumber {
		return w, false
	}
	w = window{kernel: [2]int(kernel), stride: [2]int(v.ints("strides", 2, 1)), dilation: [2]int(v.ints("dilations", 2, 1))}
	pads := v.ints("pads", 4, 0)
	w.low, w.high = [2]int{pads[0], pads[1]}, [2]int{pads[2], pads[3]}
	for a := range 2 {
		length := shape[2+a]
		switch auto := v.str("auto_pad", "NOTSET"); auto {
		case "SAME_UPPER", "SAME_LOWER": // as many windows as strides begun
			out := (length + w.stride[a] - 1) / w.stride[a]
			total := max((out-1)*w.stride[a]+w.reach(a)-length, 0)
			w.low[a], w.high[a] = total/2, total-total/2
			if auto == "SAME_LOWER" {
				w.low[a], w.high[a] = w.high[a], w.low[a]
			}
		case "VALID":
			w.low[a], w.high[a] = 0, 0
		case "NOTSET":
		default:
			exceptions.Panicf("auto_pad is %.20q; expected NOTSET, SAME_UPPER, SAME_LOWER or VALID", auto)
		}
		if !w.fit(a, length, v.int("ceil_mode", 0) != 0) {
			exceptions.Panicf("windows of %dx%d over images of %dx%d with padding %v and %v", w.kernel[0], w.kernel[1], shape[2], shape[3], w.low, w.high)
		}
	}
	return w, true
}

// fit counts the windows on an axis of a length; with ceil, one that begins within the image and reaches over its end
// counts, too. It reports whether there is any.
func (w *window) fit(a, length int, ceil bool) bool {
	room := length + w.low[a] + w.high[a] - w.reach(a)
	over := room % w.stride[a]
	if over < 0 {
		over += w.stride[a]
	}
	n := (room-over)/w.stride[a] + 1
	if ceil && over != 0 && n*w.stride[a] < length+w.low[a] {
		n++
		w.beyond[a] = w.stride[a] - over
	}
	if n == 1 && w.beyond[a] > 0 && w.dilation[a] == 1 {
		// A window larger than the image, as transformers' EfficientNet has for the mean over all positions.
		w.kernel[a] -= w.beyond[a]
		w.beyond[a] = 0
	}
	return n > 0
}

// planar reports whether strides, dilations and padding are those of two axes, and within reason.
func (v *node) planar() bool {
	strides, dilations, pads := v.ints("strides", 2, 1), v.ints("dilations", 2, 1), v.ints("pads", 4, 0)
	if len(strides) != 2 || len(dilations) != 2 || len(pads) != 4 {
		return false
	}
	steps := slices.Concat(strides, dilations)
	return slices.Min(steps) > 0 && slices.Max(steps) <= maxNumber && slices.Min(pads) >= 0 && slices.Max(pads) <= maxNumber
}

// regular reports whether both axes have the same stride and dilation, which nn's convolution expects.
func (v *node) regular() bool {
	strides, dilations := v.ints("strides", 2, 1), v.ints("dilations", 2, 1)
	return v.planar() && strides[0] == strides[1] && dilations[0] == dilations[1]
}

// reach is the length that a window spans on an axis.
func (w window) reach(axis int) int { return (w.kernel[axis]-1)*w.dilation[axis] + 1 }

// tap returns the positions on an axis of padded images, of the given length, that are the i-th of each window.
func (w window) tap(axis, i, length int) SliceAxisSpec {
	from, last := i*w.dilation[axis], (length-w.reach(axis))/w.stride[axis]*w.stride[axis]
	return AxisRange(from, from+last+1).Stride(w.stride[axis])
}

// common returns the padding that both ends of each axis have, and what is left of the windows without it.
func (w window) common() (pad [2]int, rest window) {
	rest = w
	for a := range 2 {
		pad[a] = min(w.low[a], w.high[a]+w.beyond[a])
		rest.low[a] -= pad[a]
		rest.high[a] += w.beyond[a] - pad[a]
		rest.beyond[a] = 0
	}
	return pad, rest
}

// padded adds the padding of a window to images with their channels last.
func (w window) padded(x *Node, fill float64) *Node {
	for a := range 2 {
		x = surrounded(x, 1+a, w.low[a], w.high[a]+w.beyond[a], fill)
	}
	return x
}

// surrounded adds positions before and after an axis. It is written with Concatenate: GoMLX's Pad has no gradient.
func surrounded(x *Node, axis, low, high int, fill float64) *Node {
	if low+high == 0 {
		return x
	}
	strip := func(length int) []*Node {
		if length == 0 {
			return nil
		}
		d := slices.Clone(x.Shape().Dimensions)
		d[axis] = length
		return []*Node{BroadcastToDims(Scalar(x.Graph(), x.DType(), fill), d...)}
	}
	return Concatenate(slices.Concat(strip(low), []*Node{x}, strip(high)), axis)
}

func conv(r *run, v *node) (value, bool) {
	x, _ := r.input(v, 0)
	w := r.variable(v, 1)
	if kernel := r.constant(v, 1); w == nil && kernel != nil {
		return r.blur(v, x, kernel)
	}
	if !x.batched || w == nil || w.layout != nn.ConvKernel {
		return value{}, false
	}
	g, ok := v.geometry(x.dims(), w.shape[2:])
	if !ok || !v.regular() {
		return value{}, false
	}
	groups := v.int("group", 1)
	names, vars := map[string]string{"weight": w.key}, []*variable{w}
	b := r.variable(v, 2)
	var constantBias *tensors.Tensor
	if b != nil {
		names["bias"], vars = b.key, append(vars, b)
	} else if len(v.in) > 2 && v.in[2] != "" {
		if constantBias = r.constant(v, 2); constantBias == nil {
			return value{}, false
		}
	}
	s := r.take(vars...)
	images := r.channelsLast(x)
	pad, rest := g.common()
	c := nn.Conv2D(s.In(prefixOf(w.key)).Named(names), rest.padded(images.n, 0), w.shape[0], w.shape[2]).Kernel(w.shape[2], w.shape[3]).
		Stride(g.stride[0]).PadPerAxis(pad[0], pad[1]).Dilation(g.dilation[0]).Groups(groups)
	if b != nil {
		c = c.Bias()
	}
	y := c.Done()
	if constantBias != nil && !allZero(constantBias) { // exporters write zeros where there is no bias
		y = Add(y, Reshape(Const(r.g, constantBias), 1, 1, 1, -1))
	}
	return imagesLike(images, y), true
}

func allZero(c *tensors.Tensor) bool {
	zero := false
	err := tensors.ConstFlatData(c, func(flat []float32) {
		zero = !slices.ContainsFunc(flat, func(v float32) bool { return v != 0 })
	})
	return err == nil && zero
}

// square reports whether nn's pooling has windows of this form.
func (w window) square() bool {
	return w.kernel[0] == w.kernel[1] && w.stride[0] == w.stride[1] && w.dilation == [2]int{1, 1}
}

// lowest stands for minus infinity in padding, as in nn's maximum.
const lowest = -math.MaxFloat32

// maxTaps bounds the nodes of a pooling with windows of another form.
const maxTaps = 256

// pooling returns the input of a pooling and its windows, if such can be built.
func (r *run) pooling(v *node) (x value, g window, ok bool) {
	if x, ok = r.input(v, 0); !ok || !x.batched {
		return x, g, false
	}
	g, ok = v.geometry(x.dims(), v.ints("kernel_shape", 0, 0))
	return x, g, ok && (g.square() || max(g.kernel[0], g.kernel[1]) <= maxTaps)
}

// joined combines the positions of each window, first those of a column and then those of a row: for windows that are
// no squares, such as those of audio and of text.
func (w window) joined(x *Node, combine func(a, b *Node) *Node) *Node {
	for a := range 2 {
		var y *Node
		for i := range w.kernel[a] {
			one := SliceAxis(x, 1+a, w.tap(a, i, x.Shape().Dimensions[1+a]))
			if y == nil {
				y = one
			} else {
				y = combine(y, one)
			}
		}
		x = y
	}
	return x
}

func maxPool(r *run, v *node) (value, bool) {
	x, g, ok := r.pooling(v)
	if !ok || len(v.out) > 1 && v.out[1] != "" {
		return value{}, false
	}
	images := r.channelsLast(x)
	if !g.square() {
		return imagesLike(images, g.joined(g.padded(images.n, lowest), Max)), true
	}
	pad, rest := g.common()
	if pad[0] != pad[1] || 2*pad[0] > g.kernel[0] {
		pad, rest = [2]int{}, g
	}
	return imagesLike(images, nn.MaxPool2D(rest.padded(images.n, lowest), g.kernel[0]).Stride(g.stride[0]).Pad(pad[0]).Done()), true
}

func avgPool(r *run, v *node) (value, bool) {
	x, g, ok := r.pooling(v)
	if !ok || g.dilation != [2]int{1, 1} {
		return value{}, false
	}
	images := r.channelsLast(x)
	var y *Node
	if g.square() {
		pad, rest := g.common()
		if pad[0] != pad[1] {
			pad, rest = [2]int{}, g
		}
		y = nn.AvgPool2D(rest.padded(images.n, 0), g.kernel[0]).Stride(g.stride[0]).Pad(pad[0]).Done()
	} else {
		y = DivScalar(g.joined(g.padded(images.n, 0), Add), float64(g.kernel[0]*g.kernel[1]))
	}
	if share := g.shares(x.dims()[2:], v.int("count_include_pad", 0) != 0); share != nil {
		d := y.Shape().Dimensions
		y = Mul(y, Const(r.g, tensors.FromFlatDataAndDimensions(share, 1, d[1], d[2], 1)))
	}
	return imagesLike(images, y), true
}

// shares returns, by window, the number of positions of a whole window over the number that count in it: those of the
// image, and with padding those of the padding, but none beyond it. It is nil if all count in every window.
func (w window) shares(size []int, padding bool) []float32 {
	var counts [2][]int
	whole := true
	for a := range 2 {
		from, to := w.low[a], w.low[a]+size[a]
		if padding {
			from, to = 0, to+w.high[a]
		}
		end := w.low[a] + size[a] + w.high[a] + w.beyond[a]
		for at := 0; at+w.kernel[a] <= end; at += w.stride[a] {
			n := min(at+w.kernel[a], to) - max(at, from)
			counts[a] = append(counts[a], n)
			whole = whole && n == w.kernel[a]
		}
	}
	if whole {
		return nil
	}
	out := make([]float32, 0, len(counts[0])*len(counts[1]))
	for _, rows := range counts[0] {
		for _, columns := range counts[1] {
			out = append(out, float32(w.kernel[0]*w.kernel[1])/float32(max(rows*columns, 1)))
		}
	}
	return out
}
