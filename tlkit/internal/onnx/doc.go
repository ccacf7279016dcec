// Package onnx is the place of all code for ONNX graphs: package read makes a trainable network from a file, and
// package write makes a file from a network. The weights in such files are read and written by tlkit/weights
// (onnx_*.go).
package onnx
