// Command animate draws the growing curves of a run, as a notebook shows them while it trains, as an animated GIF file:
//
//	animate [-run DIR] [-out docs/growing.gif]
//
// Without -run it trains the comparison of the quickstart first, which takes minutes. The frames are the run's own
// history, one for each epoch of each strategy in the order in which they were trained.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/png"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	xdraw "golang.org/x/image/draw"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/internal/atomicfile"
	"github.com/tlkit-go/tlkit-notebooks/tlkit"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// width is that of the animation in pixels; frame and pause are the times of a frame and of the last one, in hundredths
// of a second; colourCount is the number of its colours, of which one is transparent.
const width, frame, pause, colourCount = 720, 25, 400, 32

func main() {
	dir := flag.String("run", "", "folder of a run; without it the quickstart's comparison is trained")
	out := flag.String("out", filepath.Join("docs", "growing.gif"), "file to write")
	flag.Parse()
	if err := animate(*dir, *out); err != nil {
		fmt.Fprintln(os.Stderr, "animate:", err)
		os.Exit(1)
	}
}

func animate(dir, out string) error {
	run, err := open(dir)
	if err != nil {
		return err
	}
	pictures, err := frames(run)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := encode(&b, pictures); err != nil {
		return err
	}
	return atomicfile.WriteBytes(out, b.Bytes())
}

// open returns the run of a folder, or trains the quickstart's comparison.
func open(dir string) (*tlkit.Run, error) {
	if dir != "" {
		return train.Open(filepath.Dir(dir), filepath.Base(dir))
	}
	scratch, err := os.MkdirTemp("", "animate-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	sketches, err := datasets.Load("sketches")
	if err != nil {
		return nil, err
	}
	model, err := tlkit.Load("resnet20.shapes")
	if err != nil {
		return nil, err
	}
	recipe := tlkit.Recipe{Epochs: 10, Dir: scratch}
	run := recipe.MustCompare("quickstart", sketches, model, tlkit.Transfer{}, tlkit.FineTune{}, tlkit.Scratch{})
	return run, nil
}

// frames draws the curves after each epoch of the run.
func frames(run *tlkit.Run) (pictures []image.Image, err error) {
	results := run.Results
	defer func() { run.Results = results }()
	dir, err := os.MkdirTemp("", "animate-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "frame.png")
	for i, r := range results {
		history := r.History
		run.Results = results[:i+1]
		for n := range history {
			r.History = history[:n+1]
			p, err := picture(run.Curves(), file)
			r.History = history
			if err != nil {
				return nil, err
			}
			pictures = append(pictures, p)
		}
	}
	if len(pictures) == 0 {
		return nil, errors.New("the run has no epochs; train it first")
	}
	return pictures, nil
}

// picture draws a figure on white; file is written on the way.
func picture(f plots.Figure, file string) (image.Image, error) {
	if err := plots.Save(f, file); err != nil {
		return nil, err
	}
	r, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	m, err := png.Decode(r)
	if err != nil {
		return nil, err
	}
	b := m.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, width, b.Dy()*width/b.Dx()))
	draw.Draw(out, out.Bounds(), image.White, image.Point{}, draw.Src)
	xdraw.CatmullRom.Scale(out, out.Bounds(), m, b, draw.Over, nil)
	return out, nil
}

// encode writes an animation without an end, with one palette: the colours of the last picture that are most frequent.
// A pixel that is as in the frame before is transparent, which keeps the file small.
func encode(w io.Writer, pictures []image.Image) error {
	last := pictures[len(pictures)-1]
	size := last.Bounds()
	colours := append(frequent(last, colourCount-2), color.RGBA{})
	clear := uint8(len(colours) - 1)
	var g gif.GIF
	var before []uint8
	for i, p := range pictures {
		m := image.NewPaletted(size, colours[:clear])
		draw.Draw(m, size, image.White, image.Point{}, draw.Src)
		draw.Draw(m, size, p, p.Bounds().Min, draw.Src)
		now := slices.Clone(m.Pix)
		m.Palette = colours
		for k, v := range before {
			if m.Pix[k] == v {
				m.Pix[k] = clear
			}
		}
		before = now
		delay := frame
		if i == len(pictures)-1 {
			delay = pause
		}
		g.Image, g.Delay = append(g.Image, m), append(g.Delay, delay)
	}
	return gif.EncodeAll(w, &g)
}

// frequent returns white and the n most frequent other colours of a picture that differ from each other: shades of the
// edges of letters and lines would leave no place for a line's own colour.
func frequent(m image.Image, n int) color.Palette {
	counts := map[color.RGBA]int{}
	b := m.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			counts[color.RGBAModel.Convert(m.At(x, y)).(color.RGBA)]++
		}
	}
	white := color.RGBA{255, 255, 255, 255}
	delete(counts, white)
	all := slices.Collect(maps.Keys(counts))
	slices.SortFunc(all, func(a, b color.RGBA) int {
		if d := counts[b] - counts[a]; d != 0 {
			return d
		}
		return int(a.R)<<16 + int(a.G)<<8 + int(a.B) - int(b.R)<<16 - int(b.G)<<8 - int(b.B)
	})
	p := color.Palette{white}
	for _, c := range all {
		if len(p) > n {
			break
		}
		if !slices.ContainsFunc(p, func(o color.Color) bool { return near(c, o.(color.RGBA)) }) {
			p = append(p, c)
		}
	}
	return p
}

// near reports whether the eye takes two colours for about the same: their distance is below a tenth of the range.
func near(a, b color.RGBA) bool {
	r, g, bl := int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B)
	return r*r+g*g+bl*bl < 25*25
}
