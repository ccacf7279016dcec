package zoo

import (
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/nn"
)

// regNetConfig gives a network by the parameters of a quantised line: Radosavovic et al. 2020, section 3.3.
type regNetConfig struct {
	name string
	// depth is the number of blocks, initial and slope (w0, wa) give the line of widths, and step (wm) quantises it.
	depth, initial int
	slope, step    float64
	// groupWidth is the number of channels in a group of the 3x3 convolutions.
	groupWidth int
	// squeezed is the share of a block's input channels within squeeze-and-excitation; 0 for none (RegNetX).
	squeezed float64
	// authors rounds widths to the nearest multiple of the group's width, halves to an even one, as the authors' code
	// does (github.com/facebookresearch/pycls); torchvision loses no more than a tenth.
	authors bool
}

// regNetConfigs are torchvision's networks of the family, and those of the authors that torchvision lacks or has in
// other widths, under timm's names.
var regNetConfigs = []regNetConfig{
	{"regnet_x_400mf", 22, 24, 24.48, 2.54, 16, 0, false},
	{"regnet_x_800mf", 16, 56, 35.73, 2.28, 16, 0, false},
	{"regnet_x_1_6gf", 18, 80, 34.01, 2.25, 24, 0, false},
	{"regnet_x_3_2gf", 25, 88, 26.31, 2.25, 48, 0, false},
	{"regnet_x_8gf", 23, 80, 49.56, 2.88, 120, 0, false},
	{"regnet_x_16gf", 22, 216, 55.59, 2.1, 128, 0, false},
	{"regnet_x_32gf", 23, 320, 69.86, 2.0, 168, 0, false},
	{"regnet_y_400mf", 16, 48, 27.89, 2.09, 8, 0.25, false},
	{"regnet_y_800mf", 14, 56, 38.84, 2.4, 16, 0.25, false},
	{"regnet_y_1_6gf", 27, 48, 20.71, 2.65, 24, 0.25, false},
	{"regnet_y_3_2gf", 21, 80, 42.63, 2.66, 24, 0.25, false},
	{"regnet_y_8gf", 17, 192, 76.82, 2.19, 56, 0.25, false},
	{"regnet_y_16gf", 18, 200, 106.23, 2.48, 112, 0.25, false},
	{"regnet_y_32gf", 20, 232, 115.89, 2.53, 232, 0.25, false},
	{"regnet_y_128gf", 27, 456, 160.83, 2.52, 264, 0.25, false},
	{"regnetx_002", 13, 24, 36.44, 2.49, 8, 0, true},
	{"regnetx_004", 22, 24, 24.48, 2.54, 16, 0, true},
	{"regnetx_006", 16, 48, 36.97, 2.24, 24, 0, true},
	{"regnetx_040", 23, 96, 38.65, 2.43, 40, 0, true},
	{"regnetx_064", 17, 184, 60.83, 2.07, 56, 0, true},
	{"regnetx_120", 19, 168, 73.36, 2.37, 112, 0, true},
	{"regnety_002", 13, 24, 36.44, 2.49, 8, 0.25, true},
	{"regnety_006", 15, 48, 32.54, 2.32, 16, 0.25, true},
	{"regnety_008", 14, 56, 38.84, 2.4, 16, 0.25, true},
	{"regnety_040", 22, 96, 31.41, 2.24, 64, 0.25, true},
	{"regnety_064", 25, 112, 33.22, 2.27, 72, 0.25, true},
	{"regnety_080", 17, 192, 76.82, 2.19, 56, 0.25, true},
	{"regnety_120", 19, 168, 73.36, 2.37, 112, 0.25, true},
	{"regnety_640", 20, 352, 147.48, 2.4, 328, 0.25, true},
}

// regNets are RegNetX and RegNetY of Radosavovic et al. 2020, Designing Network Design Spaces (arXiv 2003.13678,
// sections 3.3 and 5, figures 16 and 17), all with bottleneck ratio 1 and a stem of 32 channels.
func regNets() []Spec {
	var specs []Spec
	for _, c := range regNetConfigs {
		specs = append(specs, torchvision(Spec{
			Name: c.name, Family: "regnet",
			Paper: "Radosavovic et al. 2020, Designing Network Design Spaces, arXiv 2003.13678, section 3.3",
			Build: c.build,
		}))
	}
	return specs
}

// regNetStage is a run of blocks of equal width.
type regNetStage struct{ width, blocks, groupWidth int }

// stages quantises the line of widths: block j is to have initial + slope*j channels, which is rounded first to
// initial * step^k for a whole k, then to a multiple of 8; blocks of equal width form a stage. Last, widths are made
// multiples of their group's (Radosavovic et al. 2020, section 3.3, equations 2 to 4).
func (c regNetConfig) stages() []regNetStage {
	var stages []regNetStage
	for j := range c.depth {
		line := float64(c.initial) + c.slope*float64(j)
		k := math.RoundToEven(math.Log(line/float64(c.initial)) / math.Log(c.step))
		width := int(math.RoundToEven(float64(c.initial)*math.Pow(c.step, k)/8) * 8)
		if n := len(stages); n > 0 && stages[n-1].width == width {
			stages[n-1].blocks++
		} else {
			stages = append(stages, regNetStage{width: width, blocks: 1})
		}
	}
	round := multipleOf
	if c.authors {
		round = func(unit int, n float64) int { return unit * int(math.RoundToEven(n/float64(unit))) }
	}
	for i, st := range stages {
		group := min(c.groupWidth, st.width)
		stages[i].width, stages[i].groupWidth = round(group, float64(st.width)), group
	}
	return stages
}

func (c regNetConfig) build() Architecture {
	stages := []Stage{{"stem", func(s *nn.Scope, x *Node) *Node {
		return convNorm{act: nn.ReLU}.build(s.In("stem"), x, 32, 3, 2, 1)
	}}}
	for i, st := range c.stages() {
		name := fmt.Sprintf("trunk_output.block%d", i+1)
		stages = append(stages, Stage{name, func(s *nn.Scope, x *Node) *Node {
			for j := range st.blocks {
				x = c.block(s.In(fmt.Sprintf("%s.block%d-%d", name, i+1, j)), x, st, firstStride(j, 2))
			}
			return x
		}})
	}
	return Architecture{Stages: append(stages, poolStage), Head: startedHead("fc", 0, nn.Normal(0.01), nn.Constant(0))}
}

// block is the X block (Radosavovic et al. 2020, figure 4), or with squeeze-and-excitation the Y block.
func (c regNetConfig) block(s *nn.Scope, x *Node, st regNetStage, stride int) *Node {
	in, active := channels(x), convNorm{act: nn.ReLU}
	y := active.build(s.In("f.a"), x, st.width, 1, 1, 1)
	y = active.build(s.In("f.b"), y, st.width, 3, stride, st.width/st.groupWidth)
	if c.squeezed > 0 {
		squeezed := int(math.RoundToEven(c.squeezed * float64(in)))
		y = nn.SqueezeExcite(s.In("f.se"), y, squeezed).Init(nn.KaimingNormalFanOut, nil).Done()
	}
	y = convNorm{}.build(s.In("f.c"), y, st.width, 1, 1, 1)
	if stride != 1 || in != st.width {
		x = convNorm{}.build(s.In("proj"), x, st.width, 1, stride, 1)
	}
	return nn.ReLU(Add(x, y))
}
