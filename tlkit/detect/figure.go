package detect

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
)

// Figure shows n scenes from first on. Their objects are framed in white. Detections with a score of least or more are
// framed in green if they are right (the object's class, IoU 0.5 or more), else in vermilion. The caption names the
// detections.
func (r *Report) Figure(scenes []Scene, first, n int, least float64) plots.Figure {
	var items []plots.Captioned
	for i := first; i < min(first+n, len(scenes)); i++ {
		s := scenes[i]
		const zoom = 3
		m := image.NewNRGBA(image.Rect(0, 0, zoom*s.Image.Width, zoom*s.Image.Height))
		src := s.Image.ToImage()
		for y := range m.Rect.Dy() {
			for x := range m.Rect.Dx() {
				m.SetNRGBA(x, y, src.NRGBAAt(x/zoom, y/zoom))
			}
		}
		for _, o := range s.Objects {
			frame(m, o.Box, zoom, color.NRGBA{255, 255, 255, 255})
		}
		caption, lines := "", []int(nil)
		for _, d := range r.Detections {
			if d.Scene != i || d.Score < least {
				continue
			}
			ink, mark := color.NRGBA{0xD5, 0x5E, 0x00, 255}, " (wrong)"
			for _, o := range s.Objects {
				if o.Class == d.Class && IoU(o.Box, d.Box) >= 0.5 {
					ink, mark = color.NRGBA{0x00, 0x9E, 0x73, 255}, ""
				}
			}
			frame(m, d.Box.Inset(1), zoom, ink)
			lines = append(lines, len(lines))
			caption += fmt.Sprintf("%s %.2f%s\n", r.Classes[d.Class], d.Score, mark)
		}
		items = append(items, plots.Captioned{Image: m, Caption: caption, Words: lines})
	}
	return plots.Images(items, 4)
}

// frame draws the outline of a box, two pixels wide.
func frame(m *image.NRGBA, box image.Rectangle, zoom int, ink color.NRGBA) {
	b := image.Rectangle{box.Min.Mul(zoom), box.Max.Mul(zoom)}
	const wide = 2
	for _, side := range []image.Rectangle{
		{b.Min, image.Pt(b.Max.X, b.Min.Y+wide)}, {image.Pt(b.Min.X, b.Max.Y-wide), b.Max},
		{b.Min, image.Pt(b.Min.X+wide, b.Max.Y)}, {image.Pt(b.Max.X-wide, b.Min.Y), b.Max},
	} {
		draw.Draw(m, side, image.NewUniform(ink), image.Point{}, draw.Src)
	}
}

// Table has the average precision of every class, and their mean.
func (r *Report) Table(caption string) plots.Figure {
	var rows [][]string
	for i, p := range r.PerClass {
		rows = append(rows, []string{r.Classes[i], fmt.Sprint(p.Objects), fmt.Sprint(p.Found), fmt.Sprintf("%.3f", p.AllPoint), fmt.Sprintf("%.3f", p.ElevenPoint)})
	}
	rows = append(rows, []string{"mean", "", "", fmt.Sprintf("%.3f", r.MeanAllPoint), fmt.Sprintf("%.3f", r.MeanElevenPoint)})
	return plots.Table([]string{"class", "objects", "found", "AP", "AP, 11 points"}, rows, plots.TableOptions{Caption: caption, WordCells: []plots.Cell{{Row: len(rows) - 1}}})
}

// Bundle is the table. A notebook shows it for a cell that ends in the report.
func (r *Report) Bundle() (map[string]any, error) { return r.Table("average precision").Bundle() }
