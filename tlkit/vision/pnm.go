package vision

import (
	"errors"
	"fmt"
	"io"
)

// The PNM family (https://netpbm.sourceforge.net/doc/): P1 to P3 are bitmaps, grey and colour images as text, P4 to P6
// the same in bytes. White space separates the numbers of the header; a "#" begins a comment, up to the line's end.

// pnmMagic requires white space after the digit, so that text beginning with "P1" by chance is no image.
var pnmMagic = func() (magic []string) {
	for kind := '1'; kind <= '6'; kind++ {
		for _, space := range "\n \t\r#" {
			magic = append(magic, "P"+string(kind)+string(space))
		}
	}
	return magic
}()

// pnm reads a file of the family.
type pnm struct {
	data          []byte
	at            int
	kind          byte // '1' to '6'
	width, height int
	most          int // the value of white, 1 to 65535
}

var errPNMHeader = errors.New("the header of the PNM file is damaged")

// skipBlanks skips white space and comments.
func (p *pnm) skipBlanks() {
	for p.at < len(p.data) {
		switch p.data[p.at] {
		case ' ', '\t', '\r', '\n', '\v', '\f':
			p.at++
		case '#':
			for p.at < len(p.data) && p.data[p.at] != '\n' {
				p.at++
			}
		default:
			return
		}
	}
}

// number reads a decimal number, at most 2^30.
func (p *pnm) number() (int, error) {
	p.skipBlanks()
	start, v := p.at, 0
	for ; p.at < len(p.data) && p.data[p.at] >= '0' && p.data[p.at] <= '9'; p.at++ {
		if v = 10*v + int(p.data[p.at]-'0'); v > 1<<30 {
			return 0, fmt.Errorf("the number at byte %d of the PNM file is too large", start)
		}
	}
	if p.at == start {
		if start >= len(p.data) {
			return 0, io.ErrUnexpectedEOF
		}
		return 0, fmt.Errorf("%w: %q at byte %d; expected a number", errPNMHeader, p.data[start], start)
	}
	return v, nil
}

// openPNM reads the header.
func openPNM(data []byte) (*pnm, error) {
	p := &pnm{data: data, at: 2, kind: data[1], most: 1}
	fields := []*int{&p.width, &p.height, &p.most}
	if p.bitmap() {
		fields = fields[:2]
	}
	for _, field := range fields {
		var err error
		if *field, err = p.number(); err != nil {
			return nil, err
		}
	}
	if p.most < 1 || p.most > 65535 {
		return nil, fmt.Errorf("%w: the largest value is %d; expected 1 to 65535", errPNMHeader, p.most)
	}
	p.at++ // one white space before the pixels
	return p, nil
}

func (p *pnm) bitmap() bool { return p.kind == '1' || p.kind == '4' }
func (p *pnm) text() bool   { return p.kind <= '3' }

func (p *pnm) channels() int {
	if p.kind == '3' || p.kind == '6' {
		return 3
	}
	return 1
}

func pnmHeader(data []byte) (header, error) {
	p, err := openPNM(data)
	if err != nil {
		return header{}, err
	}
	return header{width: p.width, height: p.height, perPixel: 3}, nil
}

// pnmPixels scales by the header's largest value, which stands for white.
func pnmPixels(data []byte, _ int) (*Image, int, error) {
	p, err := openPNM(data)
	if err != nil {
		return nil, 0, err
	}
	next := p.nextValue()
	out := New(p.width, p.height)
	for y := range p.height {
		for x := range p.width {
			px := out.Pix[3*(y*p.width+x):][:3]
			for c := range p.channels() {
				v, err := next(x)
				if err != nil {
					return nil, 0, err
				}
				px[c] = uint8((255*min(v, p.most) + p.most/2) / p.most)
			}
			if p.channels() == 1 {
				px[1], px[2] = px[0], px[0]
			}
		}
	}
	return out, 8, nil
}

// nextValue returns the function that reads the values in order; x is the pixel's place in its row.
func (p *pnm) nextValue() func(x int) (int, error) {
	switch {
	case p.kind == '1':
		return func(int) (int, error) { return p.textBit() }
	case p.text():
		return func(int) (int, error) { return p.number() }
	case p.kind == '4':
		return p.packedBit
	case p.most > 255:
		return func(int) (int, error) { return p.big(2) }
	}
	return func(int) (int, error) { return p.big(1) }
}

// textBit reads one digit of a bitmap, in which 1 is black; blanks between digits may be missing.
func (p *pnm) textBit() (int, error) {
	p.skipBlanks()
	if p.at >= len(p.data) {
		return 0, io.ErrUnexpectedEOF
	}
	d := p.data[p.at]
	if d != '0' && d != '1' {
		return 0, fmt.Errorf("%q at byte %d of a bitmap; expected 0 or 1", d, p.at)
	}
	p.at++
	return 1 - int(d-'0'), nil
}

// packedBit reads one bit of a bitmap whose rows begin with a byte; 1 is black.
func (p *pnm) packedBit(x int) (int, error) {
	if p.at >= len(p.data) {
		return 0, io.ErrUnexpectedEOF
	}
	bit := int(p.data[p.at]>>(7-x%8)) & 1
	if x%8 == 7 || x == p.width-1 {
		p.at++
	}
	return 1 - bit, nil
}

// big reads a number of n bytes, the highest first.
func (p *pnm) big(n int) (int, error) {
	if p.at+n > len(p.data) {
		return 0, io.ErrUnexpectedEOF
	}
	v := 0
	for range n {
		v = v<<8 | int(p.data[p.at])
		p.at++
	}
	return v, nil
}
