package vision

import (
	"errors"
)

// ErrTooLarge is wrapped by the errors about images and files beyond MaxDecodeBytes and MaxFileBytes.
var ErrTooLarge = errors.New("image is too large")

// header holds what the beginning of a file states about its image.
type header struct {
	width, height int
	// perPixel is the peak memory of decoding in bytes per pixel: the decoder's own image, its working memory, and the
	// RGB image made of it.
	perPixel int
	memory   int64 // all of it, once the size is known to be acceptable
}

func (h header) bytes() int64 { return int64(h.width) * int64(h.height) * int64(h.perPixel) }
