// Package vision reads images and prepares them as input of a model: decode, resize, crop, augment, normalise.
//
// Pixels come out as PyTorch's usual chain gives them (Pillow's decoders and resampling, torchvision's transforms), bit
// by bit where the codecs allow, because a published accuracy holds only for the pixels it was measured on. Everything
// works on 8-bit RGB; only [Preprocess.Normalize] makes floating point numbers.
//
// Functions return new images. A [Scratch] does the same for image after image without allocating; training uses it.
//
// JPEGs are read by the standard library's decoder, at full size. libjpeg-turbo, through cgo, takes about two thirds of
// its time. But it would have to be installed wherever a cell is compiled, for work that training does once per image.
// And its decoding at a half or a quarter of the size gives other pixels than torchvision's chain, which shrinks the
// whole image with a filter, and other pixels than a random crop needs.
package vision
