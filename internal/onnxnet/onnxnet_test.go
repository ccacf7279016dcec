package onnxnet

import (
	"path/filepath"
	"testing"
)

func TestOpen(t *testing.T) {
	for _, name := range []string{"resnet", "resnet_bn", "resnet_batch1", "mobile", "vit", "external"} {
		n, err := Open(filepath.Join("testdata", name+".onnx"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		t.Logf("%s: size %d, classes %d, stages %q, head %s, %d values", name, n.InputSize, n.Classes, n.Stages, n.HeadKey, len(n.entries))
	}
	_, err := Open(filepath.Join("testdata", "odd.onnx"))
	t.Log(err)
}
