package onednn

import "github.com/tlkit-go/tlkit-notebooks/tlkit/backend/goengine/kernels"

// precision is the type of the operands of a convolution or product; the numbers are oneDNN's. Sums and results are
// float32.
type precision int

const (
	inBfloat16 precision = 2
	inFloat32  precision = 3
)

// kind is which tensor of a convolution is computed from the two others, or products of matrices y = x w; the numbers
// are those of kind_t.
type kind int

const (
	forward kind = iota
	inputGradient
	kernelGradient
	products
)

// layout is a tensor: its dimensions in oneDNN's order, and for each the distance of two values in memory.
type layout struct{ dims, strides []int }

// convolution is one as oneDNN knows it: images x, kernel w and result y; index 0 of the pairs is height. dilate is the
// number of values between two taps. low and high are the zeros before and after the images.
type convolution struct {
	kind                      kind
	operands                  precision
	x, w, y                   layout
	stride, dilate, low, high [2]int
}

// product is a product of matrices: c, [m, n], from a, [m, k] or transposed, and b, [k, n] or transposed.
type product struct {
	transposedA, transposedB bool
	m, n, k                  int
}

// matrices is the layout of matrices in rows, or of their transposes.
func matrices(batch, rows, columns int, transposed bool) layout {
	l := layout{dims: []int{batch, rows, columns}, strides: []int{rows * columns, columns, 1}}
	if transposed {
		l.strides[1], l.strides[2] = 1, rows
	}
	return l
}

// times returns a number of products, in bfloat16, as one operation y = x w.
func (p product) times(batch int) convolution {
	return convolution{kind: products, operands: inBfloat16, x: matrices(batch, p.m, p.k, p.transposedA),
		w: matrices(batch, p.k, p.n, p.transposedB), y: matrices(batch, p.m, p.n, false)}
}

// images is the layout of images [batch, height, width, channels].
func images(batch int, size [2]int, channels int) layout {
	h, w := size[0], size[1]
	return layout{dims: []int{batch, channels, h, w}, strides: []int{h * w * channels, 1, w * channels, channels}}
}

// taps is the layout of the kernel of g, whose channels are oneDNN's [out, in], or [groups, out, in]. With gradient, g
// is the convolution that computes an input gradient: its output channels are the images' of the convolution.
func taps(g kernels.Geometry, l kernels.KernelLayout, gradient bool) layout {
	groups := max(1, g.Groups)
	in, out := g.InC/groups, g.OutC/groups
	inStride, outStride := g.OutC, 1
	if l.OutIn {
		inStride, outStride = 1, in
	}
	group, tap := out*outStride, in*g.OutC
	if gradient {
		in, out, inStride, outStride = out, in, outStride, inStride
	}
	t := layout{dims: []int{out, in, g.Kernel[0], g.Kernel[1]}, strides: []int{outStride, inStride, g.Kernel[1] * tap, tap}}
	if groups > 1 {
		t.dims = append([]int{groups}, t.dims...)
		t.strides = append([]int{group}, t.strides...)
	}
	return t
}

// sizes are the numbers of values of images, kernel and result.
func sizes(g kernels.Geometry) (x, w, y int) {
	x, y = g.Batch*g.In[0]*g.In[1]*g.InC, g.Batch*g.Out[0]*g.Out[1]*g.OutC
	return x, g.Kernel[0] * g.Kernel[1] * g.InC / g.Groups * g.OutC, y
}

// reach is the number of values between the first and the last tap.
func reach(g kernels.Geometry, axis int) int { return (g.Kernel[axis] - 1) * g.KernelDilation[axis] }

// forConv returns the convolution that computes what kernels.Conv does. A convolution over dilated images
// with a flipped kernel is the input gradient of another one, whose strides are the dilations. ok is false
// if it is none of both.
func forConv(g kernels.Geometry, l kernels.KernelLayout) (c convolution, ok bool) {
	dense := [2]int{1, 1}
	flipped := l.Flipped || g.Kernel == dense // one tap is its own reverse
	switch {
	case g.InDilation == dense && (!l.Flipped || g.Kernel == dense):
		return undilated(forward, g, taps(g, l, false)), true
	case g.Stride == dense && flipped:
		return undilated(inputGradient, transposed(g), taps(g, l, true)), true
	}
	return c, false
}

// gradientOf returns the convolution that computes the input gradient of g, as package nn builds it.
func gradientOf(g kernels.Geometry) (kernels.Geometry, kernels.KernelLayout) {
	return transposed(g), kernels.KernelLayout{Flipped: true, OutIn: g.Groups == 1}
}

// transposed returns the convolution that computes the input gradient of g, and of an input gradient the
// convolution whose gradient it is: images and result are exchanged, and so are strides and dilation of the
// images, of which one is 1.
func transposed(g kernels.Geometry) kernels.Geometry {
	t := g
	t.In, t.Out, t.InC, t.OutC = g.Out, g.In, g.OutC, g.InC
	t.Stride, t.InDilation = g.InDilation, g.Stride
	for a := range 2 {
		t.Pad[a] = reach(g, a) - g.Pad[a]
	}
	return t
}

// forKernelGradient returns the convolution that computes what kernels.KernelGradient does.
func forKernelGradient(g kernels.Geometry) (c convolution, ok bool) {
	if g.InDilation != [2]int{1, 1} {
		return c, false
	}
	return undilated(kernelGradient, g, taps(g, kernels.KernelLayout{}, false)), true
}

// undilated is the convolution g without dilated images, with a kernel of the given layout.
func undilated(k kind, g kernels.Geometry, w layout) convolution {
	c := convolution{kind: k, operands: inFloat32, x: images(g.Batch, g.In, g.InC), w: w, y: images(g.Batch, g.Out, g.OutC),
		stride: g.Stride, low: g.Pad}
	for a := range 2 {
		c.dilate[a] = g.KernelDilation[a] - 1
		c.high[a] = (g.Out[a]-1)*g.Stride[a] + reach(g, a) + 1 - g.In[a] - g.Pad[a]
	}
	return c
}

// forProduct returns the product of matrices that g is, of pixels with a kernel; ok is false if it is
// another convolution.
func forProduct(g kernels.Geometry, l kernels.KernelLayout) (p product, ok bool) {
	dense := [2]int{1, 1}
	if g.Kernel != dense || g.Stride != dense || g.InDilation != dense || g.Pad != [2]int{} || g.Groups > 1 || g.In != g.Out {
		return p, false
	}
	return product{transposedB: l.OutIn, m: g.Batch * g.In[0] * g.In[1], n: g.OutC, k: g.InC}, true
}

// forGradientProduct returns the product of matrices that is the kernel gradient of g, if g is a product.
func forGradientProduct(g kernels.Geometry) (p product, ok bool) {
	p, ok = forProduct(g, kernels.KernelLayout{})
	return product{transposedA: true, m: g.InC, n: g.OutC, k: p.m}, ok
}
