package zoo

import (
	"cmp"
	"fmt"
	"slices"
)

// sizeCheck says why another library's network computes other numbers than the zoo's at square images of a size; "" if
// it computes the same. nil means that the two agree at all sizes.
type sizeCheck func(size int) string

// agreed returns the size next to the given one, in steps of 32, at which both compute the same; 0 if none is near.
func (differs sizeCheck) agreed(size int) int {
	for step := 0; step <= 8; step++ {
		for _, near := range []int{size/32*32 - 32*step, size/32*32 + 32*step} {
			if near > 32 && differs(near) == "" {
				return near
			}
		}
	}
	return 0
}

// timmSizes compares timm's network with the zoo's.
func timmSizes(spec Spec) sizeCheck {
	switch spec.Family {
	case "vgg":
		return func(size int) string {
			if size/32 > 7 {
				return "timm's VGG averages the outputs of its linear layers over the map, torchvision's averages the map first"
			}
			return ""
		}
	case "swin":
		return swinNamed(spec.Name).timmDiffers
	case "mobilevit":
		return wholeSquares
	}
	return nil
}

// transformersSizes compares a network of transformers with the zoo's.
func transformersSizes(spec Spec, c transformersConfig) sizeCheck {
	switch c.ModelType {
	case "mobilevit":
		return wholeSquares
	case "swin":
		return wholePatches
	case "swinv2":
		configured := cmp.Or(int(c.ImageSize), 224) // the default of Swinv2Config
		return func(size int) string { return swinNamed(spec.Name).transformersDiffers(configured, size) }
	case "efficientnet":
		return func(size int) string { return c.paddingDiffers(tfEfficientNet(baseName(spec.Name)).stages, size) }
	}
	return nil
}

// wholeSquares refuses the sizes at which timm and transformers resize maps of MobileViT.
func wholeSquares(size int) string {
	if size%mobileViTUnit != 0 {
		return "timm and transformers resize maps that have no whole squares of 2x2, and the zoo takes images of multiples of 64"
	}
	return ""
}

// swinNamed finds a network of swinConfigs.
func swinNamed(name string) swinConfig {
	return swinConfigs[slices.IndexFunc(swinConfigs, func(c swinConfig) bool { return c.name == baseName(name) })]
}

// wholePatches refuses the sizes that transformers pads to whole patches and torchvision crops.
func wholePatches(size int) string {
	if size%4 != 0 {
		return "transformers pads them to whole patches of 4x4"
	}
	return ""
}

// swinSides are the sides of the maps of the four stages.
func swinSides(size int) (sides [4]int) {
	side := size / 4
	for i := range sides {
		sides[i] = side
		side = (side + 1) / 2
	}
	return sides
}

// timmDiffers is a sizeCheck. timm makes windows no larger than the map, and shifts a map before it pads it, where
// torchvision pads first.
func (c swinConfig) timmDiffers(size int) string {
	for i, side := range swinSides(size) {
		window := c.ofStage(i).window
		rest := side % window
		switch {
		case c.halved && min(side, c.window) != window:
			return fmt.Sprintf("timm makes the windows of stage %d %dx%d, and the zoo %d", i+1, min(side, c.window), min(side, c.window), window)
		case side < window:
			return fmt.Sprintf("timm makes the windows of maps of %dx%d that small, torchvision pads the maps to windows of %d", side, side, window)
		case side > window && rest != 0 && 2*rest != window: // at the half, both orders give the same windows
			return fmt.Sprintf("timm shifts maps of %dx%d before it pads them to windows of %d, torchvision pads first", side, side, window)
		}
	}
	return ""
}

// transformersDiffers is a sizeCheck for the second version, whose windows and shifts transformers derives from
// image_size and not from the images.
func (c swinConfig) transformersDiffers(configured, size int) string {
	if why := wholePatches(size); why != "" {
		return why
	}
	for i, side := range swinSides(size) {
		planned, window := configured/4>>i, c.ofStage(i).window
		theirs := min(planned, c.window)
		switch {
		case theirs != window:
			return fmt.Sprintf("by image_size %d, transformers makes the windows of stage %d %dx%d, and torchvision %d", configured, i+1, theirs, theirs, window)
		case (planned > window) != (side > window):
			return fmt.Sprintf("by image_size %d, transformers shifts the windows of stage %d or not, torchvision by the images", configured, i+1)
		}
	}
	return ""
}

// paddingDiffers is a sizeCheck for EfficientNet: transformers pads strided convolutions as depthwise_padding says, and
// TensorFlow by whether the side of the map is even.
func (c transformersConfig) paddingDiffers(stages []mbStage, size int) string {
	if size%2 == 1 {
		return "transformers pads images of odd sides on the right and below, TensorFlow on all sides"
	}
	side, block := size/2, 0
	for _, s := range stages {
		if s.stride == 2 {
			if (side%2 == 1) != slices.Contains(c.OddBlocks, block) {
				return fmt.Sprintf("depthwise_padding %v of transformers is for another size, the map in block %d is %dx%d", c.OddBlocks, block, side, side)
			}
			side = (side + 1) / 2
		}
		block += s.blocks
	}
	return ""
}
