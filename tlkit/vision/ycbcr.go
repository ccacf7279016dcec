package vision

import "image"

// A colorspace determines how luminance and chroma convert to red, green and blue.
type colorspace int

const (
	jfif   colorspace = iota // JPEG: full range, ITU-R BT.601
	studio                   // WebP: luminance 16 to 235, chroma 16 to 240
)

// The products of JPEG's colour conversion in fixed point with 16 fractional bits, rounded as libjpeg does
// (ISO/IEC 10918-5: R = Y + 1.402 Cr, G = Y - 0.34414 Cb - 0.71414 Cr, B = Y + 1.772 Cb).
var jfifRed, jfifBlue, jfifGreenCb, jfifGreenCr = func() (r, b, gb, gr [256]int32) {
	for i := range 256 {
		c := int32(i) - 128
		r[i] = (91881*c + 1<<15) >> 16
		b[i] = (116130*c + 1<<15) >> 16
		gb[i] = -22554*c + 1<<15
		gr[i] = -46802 * c
	}
	return
}()

func clip8(v int32) uint8 {
	if uint32(v) > 255 {
		return uint8(^(v >> 31))
	}
	return uint8(v)
}

// convertYCbCr fills out, which has m's size. Chroma that is stored at half resolution is interpolated with the
// triangle filter that libjpeg and libwebp use ("fancy upsampling"), not repeated as the standard library does: on a
// 32 x 32 JPEG that changes the classes of a network.
func convertYCbCr(out *Image, m *image.YCbCr, space colorspace) {
	w, h := out.Width, out.Height
	if w == 0 || h == 0 {
		return
	}
	c := newChroma(m, w, h, space)
	min := m.Rect.Min
	if min.X%c.fx != 0 || min.Y%c.fy != 0 {
		repeatChroma(out, m, space)
		return
	}
	cb, cr := make([]uint8, c.w*c.fx+4), make([]uint8, c.w*c.fx+4)
	for y := range h {
		yy := m.Y[m.YOffset(min.X, min.Y+y):][:w]
		b, r := c.row(cb, m.Cb, y)[:w], c.row(cr, m.Cr, y)[:w]
		dst := out.Pix[3*y*w : 3*(y+1)*w]
		if space == studio {
			for x, v := range yy {
				putRGB(dst[3*x:], v, b[x], r[x], space)
			}
			continue
		}
		for x, v := range yy {
			l, d := int32(v), dst[3*x:3*x+3:3*x+3]
			d[0] = clip8(l + jfifRed[r[x]])
			d[1] = clip8(l + (jfifGreenCb[b[x]]+jfifGreenCr[r[x]])>>16)
			d[2] = clip8(l + jfifBlue[b[x]])
		}
	}
}

// repeatChroma is convertYCbCr for a part of a larger image that does not begin at a chroma sample: no decoder makes
// such an image, so repeating the chroma is good enough.
func repeatChroma(out *Image, m *image.YCbCr, space colorspace) {
	min := m.Rect.Min
	for y := range out.Height {
		for x := range out.Width {
			c := m.COffset(min.X+x, min.Y+y)
			putRGB(out.Pix[3*(y*out.Width+x):], m.Y[m.YOffset(min.X+x, min.Y+y)], m.Cb[c], m.Cr[c], space)
		}
	}
}

// chroma upsamples the chroma of an image to full resolution, row by row.
type chroma struct {
	fx, fy         int // pixels per sample
	w, h           int // samples
	origin, stride int
	smoothX        bool // interpolated along the rows
	smoothY        bool // and the columns
	space          colorspace
	sum            []int32 // memory for one row
}

func newChroma(m *image.YCbCr, width, height int, space colorspace) *chroma {
	c := &chroma{fx: 1, fy: 1, origin: m.COffset(m.Rect.Min.X, m.Rect.Min.Y), stride: m.CStride, space: space}
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		c.fx = 2
	case image.YCbCrSubsampleRatio420:
		c.fx, c.fy = 2, 2
	case image.YCbCrSubsampleRatio440:
		c.fy = 2
	case image.YCbCrSubsampleRatio411:
		c.fx = 4
	case image.YCbCrSubsampleRatio410:
		c.fx, c.fy = 4, 2
	}
	c.w, c.h = (width+c.fx-1)/c.fx, (height+c.fy-1)/c.fy
	// As in libjpeg: the filter needs more than two samples in a row, and quarter resolution is repeated.
	c.smoothX = c.fx == 2 && (c.w > 2 || space == studio)
	c.smoothY = c.fy == 2 && (c.fx == 1 || c.smoothX)
	if c.smoothX && c.smoothY {
		c.sum = make([]int32, c.w)
	}
	return c
}

// samples returns row y of a plane, or the nearest row that exists.
func (c *chroma) samples(plane []uint8, y int) []uint8 {
	y = min(max(0, y), c.h-1)
	return plane[c.origin+y*c.stride:][:c.w]
}

// row returns the chroma at the pixels of row y: a part of plane if that has full resolution, else dst.
func (c *chroma) row(dst, plane []uint8, y int) []uint8 {
	near := c.samples(plane, y/c.fy)
	far := near
	if c.smoothY {
		far = c.samples(plane, y/c.fy-1+2*(y%2))
	}
	switch {
	case c.fx == 1 && c.fy == 1:
		return near
	case c.smoothX && c.smoothY && c.space == studio:
		return upsampleWebP(dst, near, far)
	case c.smoothX && c.smoothY:
		c.upsampleBoth(dst, near, far)
	case c.smoothX:
		upsampleRow(dst, near)
	case c.smoothY:
		bias := int32(1 + y%2)
		for i, v := range near {
			dst[i] = uint8((3*int32(v) + int32(far[i]) + bias) >> 2)
		}
	default:
		for x := range dst[:c.w*c.fx] {
			dst[x] = near[x/c.fx]
		}
	}
	return dst
}

// upsampleBoth is libjpeg's h2v2_fancy_upsample: the weights 9, 3, 3, 1 of the four nearest samples.
func (c *chroma) upsampleBoth(dst, near, far []uint8) {
	sum, n := c.sum, c.w
	for i, v := range near {
		sum[i] = 3*int32(v) + int32(far[i])
	}
	dst[0] = uint8((4*sum[0] + 8) >> 4)
	for i := 1; i < n; i++ {
		dst[2*i-1] = uint8((3*sum[i-1] + sum[i] + 7) >> 4)
		dst[2*i] = uint8((3*sum[i] + sum[i-1] + 8) >> 4)
	}
	dst[2*n-1] = uint8((4*sum[n-1] + 7) >> 4)
}

// upsampleRow is libjpeg's h2v1_fancy_upsample: the weights 3 and 1 of the two nearest samples.
func upsampleRow(dst, near []uint8) {
	n := len(near)
	dst[0] = near[0]
	for i := 1; i < n; i++ {
		a, b := int32(near[i-1]), int32(near[i])
		dst[2*i-1] = uint8((3*a + b + 2) >> 2)
		dst[2*i] = uint8((3*b + a + 1) >> 2)
	}
	dst[2*n-1] = near[n-1]
}

// upsampleWebP is libwebp's version of the triangle filter: the weights 9, 3, 3, 1 of the four nearest samples, rounded
// by way of the mean of the two diagonals.
func upsampleWebP(dst, near, far []uint8) []uint8 {
	n := len(near)
	dst[0] = uint8((3*int32(near[0]) + int32(far[0]) + 2) >> 2)
	for i := 1; i < n; i++ {
		tl, t, l, c := int32(near[i-1]), int32(near[i]), int32(far[i-1]), int32(far[i])
		avg := tl + t + l + c + 8
		diag12 := (avg + 2*(t+l)) >> 3
		diag03 := (avg + 2*(tl+c)) >> 3
		dst[2*i-1] = uint8((diag12 + tl) >> 1)
		dst[2*i] = uint8((diag03 + t) >> 1)
	}
	dst[2*n-1] = uint8((3*int32(near[n-1]) + int32(far[n-1]) + 2) >> 2)
	return dst
}

func putRGB(dst []uint8, y, cb, cr uint8, space colorspace) {
	if space == jfif {
		l := int32(y)
		dst[0] = clip8(l + jfifRed[cr])
		dst[1] = clip8(l + (jfifGreenCb[cb]+jfifGreenCr[cr])>>16)
		dst[2] = clip8(l + jfifBlue[cb])
		return
	}
	// libwebp's fixed point numbers (src/dsp/yuv.h): 14 fractional bits less 8, the 16 and 128 offsets folded in.
	hi := func(v uint8, c int32) int32 { return int32(v) * c >> 8 }
	clip := func(v int32) uint8 {
		if v < 0 {
			return 0
		}
		return uint8(min(v>>6, 255))
	}
	dst[0] = clip(hi(y, 19077) + hi(cr, 26149) - 14234)
	dst[1] = clip(hi(y, 19077) - hi(cb, 6419) - hi(cr, 13320) + 8708)
	dst[2] = clip(hi(y, 19077) + hi(cb, 33050) - 17685)
}
