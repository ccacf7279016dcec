package plots

import (
	"image/color"
	"strconv"
)

// palette begins with Okabe and Ito's colours (Color Universal Design, 2008), which readers with any common colour
// blindness can tell apart. Each has a contrast of at least 3:1 on white and on the dark themes' #212121, so that one
// palette serves both: their yellow and black are left out, orange and sky blue are darker.
var palette = []string{
	"#0072B2", // blue
	"#D55E00", // vermilion
	"#009E73", // bluish green
	"#CC79A7", // reddish purple
	"#C77F00", // dark orange
	"#2E9BD6", // sky blue
	"#808080", // grey
	"#9A6A45", // brown
}

// Color returns the i-th colour of the palette (from 0, starting again after the last) as "#RRGGBB". The i-th distinct
// name of a figure has this colour; callers can use it to match other output.
func Color(i int) string {
	n := len(palette)
	return palette[((i%n)+n)%n]
}

// rgb parses "#RRGGBB"; the callers only pass colours of this package.
func rgb(hex string) color.NRGBA {
	v, err := strconv.ParseUint(hex[1:], 16, 24)
	if err != nil {
		panic("plots: not a colour: " + hex)
	}
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 255}
}

// fade returns c at the given opacity from 0 to 1.
func fade(c color.NRGBA, opacity float64) color.NRGBA {
	c.A = uint8(opacity*255 + 0.5)
	return c
}

// names returns the distinct values of get over items in order of first appearance.
func names[T any](items []T, get func(T) string) []string {
	seen := map[string]bool{}
	list := []string{}
	for _, it := range items {
		if s := get(it); !seen[s] {
			seen[s] = true
			list = append(list, s)
		}
	}
	return list
}
