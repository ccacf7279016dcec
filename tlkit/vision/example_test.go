package vision_test

import (
	"fmt"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// A photograph that a camera stored lying on its side.
func ExampleDecodeFile() {
	const photo = "testdata/formats/orientation6.jpg"
	stored, err := vision.DecodeFile(photo)
	if err != nil {
		panic(err)
	}
	upright, err := vision.DecodeFile(photo, vision.DecodeOptions{Orient: true})
	if err != nil {
		panic(err)
	}
	fmt.Printf("stored %d x %d, upright %d x %d pixels\n", stored.Width, stored.Height, upright.Width, upright.Height)
	// Output: stored 23 x 17, upright 17 x 23 pixels
}

// A format that is not read is named, with what to do.
func ExampleUnsupportedError() {
	_, err := vision.DecodeFile("testdata/formats/notread.jp2")
	fmt.Println(err)
	// Output: testdata/formats/notread.jp2: vision: JPEG 2000 is not read; convert it to PNG first, such as with: opj_decompress -i photo.jp2 -o photo.png
}

// ImageNet's usual preparation: the shorter side to 256 pixels, the middle 224 x 224 of it.
func ExamplePreprocess() {
	image, err := vision.DecodeFile("testdata/source.png")
	if err != nil {
		panic(err)
	}
	ready := vision.Preprocess{Resize: 256, Crop: 224}.Apply(image)
	fmt.Printf("%d x %d pixels become %d x %d\n", image.Width, image.Height, ready.Width, ready.Height)
	// Output: 45 x 31 pixels become 224 x 224
}

// An augmentation depends on the seed and the numbers beside it alone, not on who computes it and when.
func ExampleAugment() {
	image, err := vision.DecodeFile("testdata/source.png")
	if err != nil {
		panic(err)
	}
	seed, epoch, index := uint64(1), uint64(3), uint64(7)
	one := vision.StandardAugment().Apply(vision.NewRand(seed, epoch, index), image, 32, vision.Bilinear)
	two := vision.StandardAugment().Apply(vision.NewRand(seed, epoch, index), image, 32, vision.Bilinear)
	fmt.Println(one.Width, "x", one.Height, "pixels, equal:", string(one.Pix) == string(two.Pix))
	// Output: 32 x 32 pixels, equal: true
}
