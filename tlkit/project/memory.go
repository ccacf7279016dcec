package project

import "github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"

// memory is what the deployment files give the program, in MiB. Decode and Uploads are bounds that it is started with;
// the limit is made of them, so that requests within the bounds don't end it.
type memory struct {
	// Limit is the container's, and Go the one that the garbage collector keeps to.
	Limit, Go int64
	// Decode is for all images while they are decoded, and Uploads for the bodies of all requests.
	Decode, Uploads int64
	// Program is what the program takes beside them.
	Program int64
}

// memoryFor adds up the memory of a program that was measured, or else of its model.
func memoryFor(model *zoo.Model, m *Measured) memory {
	const decode, uploads = 512, 192
	program := estimate(model)
	if m != nil && m.peak > 0 {
		program = int64(1.25*m.peak)>>20 + 1
	}
	// A body takes up to half as much again while it grows.
	all := program + decode + uploads*3/2
	limit := (all*10/9 + 63) / 64 * 64
	return memory{Limit: limit, Go: limit * 9 / 10, Decode: decode, Uploads: uploads, Program: program}
}

// estimate returns the memory in MiB that a program takes with a model, generously: four times its weights, and three
// values of 64 channels at the input's size for each of a batch of eight images.
func estimate(model *zoo.Model) int64 {
	params, _ := model.NumParams()
	size := int64(model.ImageSize())
	return 96 + (4*4*int64(params)+8*3*64*4*size*size)>>20
}
