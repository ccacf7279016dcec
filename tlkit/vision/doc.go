// Package vision reads images and turns them into what a model wants: decode, resize, crop, augment, normalise.
//
// Pixels come out as PyTorch's usual chain gives them (Pillow's decoders and resampling, torchvision's transforms), bit
// by bit where the codecs allow, because a published accuracy holds only for the pixels it was measured on. Everything
// works on 8-bit RGB; only [Preprocess.Normalize] makes floating point numbers.
//
// Functions return new images. A [Scratch] does the same image after image without allocating: what training feeds on.
//
// JPEGs are read by the standard library's decoder, at full size. libjpeg-turbo, through cgo, takes about two thirds of
// its time, but would have to be there wherever a cell is compiled, for work that training does once per image; and its
// decoding at a half or a quarter of the size gives other pixels than torchvision's chain, which shrinks the whole image
// with a filter, and than a random crop needs.
package vision
