package zoo

import (
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// inceptionV3s is the network of Szegedy et al. 2015 (arXiv 1512.00567, table 1 and figures 5 to 7 and 10), as
// torchvision has it.
//
// Its auxiliary head classifies the output of Mixed_6e (section 4). The paper gives no weight for its loss; 0.4 is that
// of the authors' code (TF-Slim) and of PyTorch's fine-tuning tutorial. On images too small for its 5x5 convolution,
// where torchvision's fails, it averages the feature map to 5x5 first.
func inceptionV3s() []Spec {
	s := torchvision(Spec{
		Name: "inception_v3", Family: "inception_v3",
		Paper: "Szegedy et al. 2015, Rethinking the Inception Architecture for Computer Vision, arXiv 1512.00567, table 1",
		Build: inceptionV3,
	})
	for i := range s.Weights {
		s.Weights[i].Preprocess = inceptionNorm(s.Weights[i].Preprocess)
	}
	return []Spec{s}
}

// inceptionV3Builder joins the branches of a module. Each convolution has the key given by name.
type inceptionV3Builder struct{ s *nn.Scope }

// conv keeps the size of the image; its kernel is height x width.
func (b inceptionV3Builder) conv(name string, x *Node, out, height, width int) *Node {
	return inceptionConv(b.s.In(name), x, out, [2]int{height, width}, 1, [2]int{height / 2, width / 2}, 0.1)
}

// valid is a square convolution without padding.
func (b inceptionV3Builder) valid(name string, x *Node, out, kernel, stride int) *Node {
	return inceptionConv(b.s.In(name), x, out, [2]int{kernel, kernel}, stride, [2]int{}, 0.1)
}

// pooled is the branch that averages 3x3 windows.
func (b inceptionV3Builder) pooled(x *Node, out int) *Node {
	return b.conv("branch_pool", nn.AvgPool2D(x, 3).Stride(1).Pad(1).Done(), out, 1, 1)
}

func join(branches ...*Node) *Node { return Concatenate(branches, -1) }

// moduleA is figure 5: the 5x5 branch is kept in addition to the branch of two 3x3 convolutions.
func (b inceptionV3Builder) moduleA(x *Node, pool int) *Node {
	double := b.conv("branch3x3dbl_2", b.conv("branch3x3dbl_1", x, 64, 1, 1), 96, 3, 3)
	return join(
		b.conv("branch1x1", x, 64, 1, 1),
		b.conv("branch5x5_2", b.conv("branch5x5_1", x, 48, 1, 1), 64, 5, 5),
		b.conv("branch3x3dbl_3", double, 96, 3, 3),
		b.pooled(x, pool))
}

// moduleB halves the size (figure 10).
func (b inceptionV3Builder) moduleB(x *Node) *Node {
	double := b.conv("branch3x3dbl_2", b.conv("branch3x3dbl_1", x, 64, 1, 1), 96, 3, 3)
	return join(
		b.valid("branch3x3", x, 384, 3, 2),
		b.valid("branch3x3dbl_3", double, 96, 3, 2),
		nn.MaxPool2D(x, 3).Stride(2).Done())
}

// moduleC is figure 6, with n = 7.
func (b inceptionV3Builder) moduleC(x *Node, c int) *Node {
	seven := b.conv("branch7x7_2", b.conv("branch7x7_1", x, c, 1, 1), c, 1, 7)
	double := b.conv("branch7x7dbl_2", b.conv("branch7x7dbl_1", x, c, 1, 1), c, 7, 1)
	double = b.conv("branch7x7dbl_4", b.conv("branch7x7dbl_3", double, c, 1, 7), c, 7, 1)
	return join(
		b.conv("branch1x1", x, 192, 1, 1),
		b.conv("branch7x7_3", seven, 192, 7, 1),
		b.conv("branch7x7dbl_5", double, 192, 1, 7),
		b.pooled(x, 192))
}

// moduleD halves the size once more.
func (b inceptionV3Builder) moduleD(x *Node) *Node {
	seven := b.conv("branch7x7x3_2", b.conv("branch7x7x3_1", x, 192, 1, 1), 192, 1, 7)
	seven = b.conv("branch7x7x3_3", seven, 192, 7, 1)
	return join(
		b.valid("branch3x3_2", b.conv("branch3x3_1", x, 192, 1, 1), 320, 3, 2),
		b.valid("branch7x7x3_4", seven, 192, 3, 2),
		nn.MaxPool2D(x, 3).Stride(2).Done())
}

// moduleE is figure 7: the last convolutions of a branch stand side by side.
func (b inceptionV3Builder) moduleE(x *Node) *Node {
	three := b.conv("branch3x3_1", x, 384, 1, 1)
	double := b.conv("branch3x3dbl_2", b.conv("branch3x3dbl_1", x, 448, 1, 1), 384, 3, 3)
	return join(
		b.conv("branch1x1", x, 320, 1, 1),
		b.conv("branch3x3_2a", three, 384, 1, 3), b.conv("branch3x3_2b", three, 384, 3, 1),
		b.conv("branch3x3dbl_3a", double, 384, 1, 3), b.conv("branch3x3dbl_3b", double, 384, 3, 1),
		b.pooled(x, 192))
}

func inceptionV3() Architecture {
	type build = inceptionV3Builder
	stages := []Stage{{"stem", func(s *nn.Scope, x *Node) *Node {
		b := build{s}
		x = b.valid("Conv2d_2a_3x3", b.valid("Conv2d_1a_3x3", x, 32, 3, 2), 32, 3, 1)
		x = nn.MaxPool2D(b.conv("Conv2d_2b_3x3", x, 64, 3, 3), 3).Stride(2).Done()
		x = b.valid("Conv2d_4a_3x3", b.valid("Conv2d_3b_1x1", x, 80, 1, 1), 192, 3, 1)
		return nn.MaxPool2D(x, 3).Stride(2).Done()
	}}}
	for _, m := range []struct {
		name    string
		forward func(b build, x *Node) *Node
	}{
		{"Mixed_5b", func(b build, x *Node) *Node { return b.moduleA(x, 32) }},
		{"Mixed_5c", func(b build, x *Node) *Node { return b.moduleA(x, 64) }},
		{"Mixed_5d", func(b build, x *Node) *Node { return b.moduleA(x, 64) }},
		{"Mixed_6a", build.moduleB},
		{"Mixed_6b", func(b build, x *Node) *Node { return b.moduleC(x, 128) }},
		{"Mixed_6c", func(b build, x *Node) *Node { return b.moduleC(x, 160) }},
		{"Mixed_6d", func(b build, x *Node) *Node { return b.moduleC(x, 160) }},
		{"Mixed_6e", func(b build, x *Node) *Node { return b.moduleC(x, 192) }},
		{"Mixed_7a", build.moduleD},
		{"Mixed_7b", build.moduleE},
		{"Mixed_7c", build.moduleE},
	} {
		stages = append(stages, Stage{m.name, func(s *nn.Scope, x *Node) *Node { return m.forward(build{s.In(m.name)}, x) }})
	}
	aux := func(s *nn.Scope, x *Node, classes int) *Node {
		if d := x.Shape().Dimensions; min(d[1], d[2]) < 5+3*4 {
			x = nn.AdaptiveAvgPool2D(x, 5, 5)
		} else {
			x = nn.AvgPool2D(x, 5).Stride(3).Done()
		}
		x = build{s}.valid("conv1", build{s}.valid("conv0", x, 128, 1, 1), 768, 5, 1)
		return inceptionLinear(s.In("fc"), nn.GlobalMeanPool(x), classes, 0.001)
	}
	return Architecture{
		Stages: append(stages, poolStage),
		Head: Head{Key: "fc", Forward: func(s *nn.Scope, x *Node, classes int) *Node {
			return inceptionLinear(s, nn.Dropout(s, x, 0.5), classes, 0.1)
		}},
		Aux: []AuxHead{{After: "Mixed_6e", Key: "AuxLogits", Output: "fc", Weight: 0.4, Forward: aux}},
	}
}
