// Package vision reads images and turns them into what a model wants: decode, resize, crop, augment, normalise.
//
// Pixels come out as PyTorch's usual chain gives them (Pillow's decoders and resampling, torchvision's transforms), bit
// by bit where the codecs allow, because a published accuracy holds only for the pixels it was measured on. Everything
// works on 8-bit RGB; only [Preprocess.Normalize] makes floating point numbers.
package vision
