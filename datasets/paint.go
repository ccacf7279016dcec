package datasets

import (
	"math/rand/v2"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// rgb is a colour, 0 to 255 per channel; sums may leave that range until they are stored.
type rgb [3]int

func (c rgb) luma() int { return (299*c[0] + 587*c[1] + 114*c[2]) / 1000 }

func mixRGB(a, b rgb, t int) rgb { // t of 256 parts b
	return rgb{a[0] + (b[0]-a[0])*t/256, a[1] + (b[1]-a[1])*t/256, a[2] + (b[2]-a[2])*t/256}
}

// hsv returns the colour of hue h (0 to 1535, six stretches of 256), saturation s and value v (0 to 255).
func hsv(h, s, v int) rgb {
	part, f := h/256%6, h%256
	p, q, t := v*(255-s)/255, v*(255*256-s*f)/(255*256), v*(255*256-s*(256-f))/(255*256)
	switch part {
	case 0:
		return rgb{v, t, p}
	case 1:
		return rgb{q, v, p}
	case 2:
		return rgb{p, v, t}
	case 3:
		return rgb{p, q, v}
	case 4:
		return rgb{t, p, v}
	}
	return rgb{v, p, q}
}

// between returns a random whole number from lo to hi, both included.
func between(r *rand.Rand, lo, hi int) int { return lo + r.IntN(hi-lo+1) }

// percent is true in p of 100 cases.
func percent(r *rand.Rand, p int) bool { return r.IntN(100) < p }

func randomColor(r *rand.Rand) rgb {
	return hsv(r.IntN(1536), between(r, 30, 255), between(r, 40, 255))
}

// contrasting returns a random colour whose brightness differs from that of c by at least gap.
func contrasting(r *rand.Rand, c rgb, gap int) rgb {
	var out rgb
	for range 20 {
		out = randomColor(r)
		if d := out.luma() - c.luma(); d >= gap || d <= -gap {
			return out
		}
	}
	if c.luma() > 127 {
		return rgb{20, 20, 30}
	}
	return rgb{240, 240, 230}
}

// A paint gives the colour at each pixel.
type paint func(x, y int) rgb

func flat(c rgb) paint { return func(int, int) rgb { return c } }

// gradient runs from a to b along angle.
func gradient(a, b rgb, angle int) paint {
	c, s := cos(angle), sin(angle)
	return func(x, y int) rgb {
		t := 128 + ((2*x-side)*c+(2*y-side)*s)*128/(side<<trigs)
		return mixRGB(a, b, min(max(t, 0), 256))
	}
}

// stripes alternate between a and b, each width subpixels wide.
func stripes(a, b rgb, angle, width int) paint {
	c, s := cos(angle), sin(angle)
	return func(x, y int) rgb {
		d := ((x*sub*c + y*sub*s) >> trigs) + 64*width
		// One pixel of transition, so that the stripes do not flicker along slanted edges.
		t := d % (2 * width)
		if t > width {
			t = 2*width - t
		}
		return mixRGB(a, b, min(max((t-width/2)*256/sub+128, 0), 256))
	}
}

// checker alternates squares of a and b, width pixels wide.
func checker(a, b rgb, width int) paint {
	return func(x, y int) rgb {
		if (x/width+y/width)%2 == 0 {
			return a
		}
		return b
	}
}

// clouds is value noise between a and b: random values on a grid of cells x cells, interpolated.
func clouds(r *rand.Rand, a, b rgb, cells int) paint {
	grid := make([]int, (cells+1)*(cells+1))
	for i := range grid {
		grid[i] = r.IntN(257)
	}
	return func(x, y int) rgb {
		u, v := x*cells*256/side, y*cells*256/side
		i, fu, fv := (v>>8)*(cells+1)+u>>8, u&255, v&255
		top := grid[i]*(256-fu) + grid[i+1]*fu
		low := grid[i+cells+1]*(256-fu) + grid[i+cells+2]*fu
		return mixRGB(a, b, (top*(256-fv)+low*fv)>>16)
	}
}

// canvas is an image that is being drawn.
type canvas struct {
	pix  [side * side]rgb
	mask *mask
}

func newCanvas(background paint) *canvas {
	c := &canvas{mask: newMask()}
	for y := range side {
		for x := range side {
			c.pix[y*side+x] = background(x, y)
		}
	}
	return c
}

// fill paints the pixels that the mask covers. An opacity of 256 is opaque.
func (c *canvas) fill(p paint, opacity int) {
	for i, a := range c.mask.coverage() {
		if a != 0 {
			c.pix[i] = mixRGB(c.pix[i], p(i%side, i/side), int(a)*opacity/255)
		}
	}
}

// finish adds noise of the given amplitude and returns the picture.
func (c *canvas) finish(r *rand.Rand, noise int) *vision.Image {
	out := vision.New(side, side)
	for i, p := range c.pix {
		common := 0
		if noise > 0 {
			common = r.IntN(2*noise+1) + r.IntN(2*noise+1) - 2*noise
		}
		for k, v := range p {
			if noise > 1 {
				v += r.IntN(noise) - noise/2
			}
			out.Pix[3*i+k] = uint8(min(max(v+common, 0), 255))
		}
	}
	return out
}
