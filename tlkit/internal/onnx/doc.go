// Package onnx is the address of everything about ONNX graphs: package read makes a network that trains of a file, and
// package write makes a file of a network. The weights in such files are read and written by tlkit/weights (onnx_*.go).
package onnx
