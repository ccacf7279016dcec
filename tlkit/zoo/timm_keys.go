package zoo

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// cut rewrites the beginning of a key by the first pair (old, new) whose old it begins with.
func cut(key string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		if rest, ok := strings.CutPrefix(key, pairs[i]); ok {
			return pairs[i+1] + rest
		}
	}
	return key
}

func timmVGG(key string) string {
	return cut(key, "pre_logits.fc1.", "classifier.0.", "pre_logits.fc2.", "classifier.3.", "head.fc.", "classifier.6.")
}

// timmBlock is "blocks.STAGE.BLOCK.REST", the inverted residuals of timm's EfficientNet builder.
var timmBlock = regexp.MustCompile(`^blocks\.(\d+)\.(\d+)\.(.+)$`)

// timmMobileNetV2 numbers the blocks of a network of the given depth through; timm numbers them by stage.
func timmMobileNetV2(depth float64) func(key string) string {
	rows, blocks := mobileNetV2Rows(depth), 0
	var starts []int // the number of blocks before each stage
	for _, row := range rows {
		starts = append(starts, blocks)
		blocks += row.blocks
	}
	head := fmt.Sprintf("features.%d.", blocks+1)
	return func(key string) string {
		m := timmBlock.FindStringSubmatch(key)
		if m == nil {
			return cut(key, "conv_stem.", "features.0.0.", "bn1.", "features.0.1.", "conv_head.", head+"0.", "bn2.", head+"1.", "classifier.", "classifier.1.")
		}
		stage, block := number(m[1]), number(m[2])
		if stage >= len(rows) || block >= rows[stage].blocks {
			return key
		}
		rest := cut(m[3], "conv_pw.", "0.0.", "bn1.", "0.1.", "conv_dw.", "1.0.", "bn2.", "1.1.", "conv_pwl.", "2.", "bn3.", "3.")
		if stage == 0 { // no expansion
			rest = cut(m[3], "conv_dw.", "0.0.", "bn1.", "0.1.", "conv_pw.", "1.", "bn2.", "2.")
		}
		return fmt.Sprintf("features.%d.conv.%s", 1+starts[stage]+block, rest)
	}
}

// timmMobileNetV3 numbers the blocks through; timm numbers them by stage, and the last convolution is one more stage.
func timmMobileNetV3(name string) func(key string) string {
	c := mobileNetV3Named(name)
	last := len(c.rows) + 1
	return func(key string) string {
		m := timmBlock.FindStringSubmatch(key)
		if m == nil {
			return cut(key, "conv_stem.", "features.0.0.", "bn1.", "features.0.1.", "conv_head.", "classifier.0.", "classifier.", "classifier.3.")
		}
		stage, block := number(m[1]), number(m[2])
		for _, blocks := range c.stages[:min(stage, len(c.stages))] {
			block += blocks
		}
		if block >= len(c.rows) {
			return fmt.Sprintf("features.%d.%s", last, cut(m[3], "conv.", "0.", "bn1.", "1."))
		}
		layers := [][2]string{{"conv_pw.", "bn1."}, {"conv_dw.", "bn2."}, timmSqueeze, {"conv_pwl.", "bn3."}}
		if block == 0 { // no expansion
			layers = [][2]string{{"conv_dw.", "bn1."}, timmSqueeze, {"conv_pw.", "bn2."}}
		}
		if !c.rows[block].squeeze {
			layers = slices.Delete(layers, len(layers)-2, len(layers)-1)
		}
		return fmt.Sprintf("features.%d.block.%s", 1+block, inOrder(layers, m[3]))
	}
}

func timmMNASNet(key string) string {
	m := timmBlock.FindStringSubmatch(key)
	if m == nil {
		return cut(key, "conv_stem.", "layers.0.", "bn1.", "layers.1.", "conv_head.", "layers.14.", "bn2.", "layers.15.", "classifier.", "classifier.1.")
	}
	if m[1] == "0" {
		return "layers." + cut(m[3], "conv_dw.", "3.", "bn1.", "4.", "conv_pw.", "6.", "bn2.", "7.")
	}
	return fmt.Sprintf("layers.%d.%s.layers.%s", 7+number(m[1]), m[2],
		cut(m[3], "conv_pw.", "0.", "bn1.", "1.", "conv_dw.", "3.", "bn2.", "4.", "conv_pwl.", "6.", "bn3.", "7."))
}

var (
	timmEfficientNet = efficientNetConfig{stages: efficientNetStages}.fromTimm
	timmEdge         = efficientNetConfig{stages: edgeStages, edge: true}.fromTimm
)

func timmEfficientNetV2(size string, projected bool) func(key string) string {
	return efficientNetConfig{stages: efficientNetV2Stages[size], projected: projected}.fromTimm
}

// fromTimm converts a key of timm; of the stages, only the kinds of their blocks matter.
func (c efficientNetConfig) fromTimm(key string) string {
	m := timmBlock.FindStringSubmatch(key)
	if m == nil {
		head := fmt.Sprintf("features.%d.", len(c.stages)+1)
		return cut(key, "conv_stem.", "features.0.0.", "bn1.", "features.0.1.", "conv_head.", head+"0.", "bn2.", head+"1.", "classifier.", "classifier.1.")
	}
	stage := number(m[1])
	if stage >= len(c.stages) {
		return key
	}
	var layers [][2]string
	switch st := c.stages[stage]; {
	case st.fused && st.expand == 1 && !c.projected:
		layers = [][2]string{{"conv.", "bn1."}}
	case st.fused:
		layers = [][2]string{{"conv_exp.", "bn1."}, {"conv_pwl.", "bn2."}}
	case st.expand == 1:
		layers = [][2]string{{"conv_dw.", "bn1."}, timmSqueeze, {"conv_pw.", "bn2."}}
	case c.edge:
		layers = [][2]string{{"conv_pw.", "bn1."}, {"conv_dw.", "bn2."}, {"conv_pwl.", "bn3."}}
	default:
		layers = [][2]string{{"conv_pw.", "bn1."}, {"conv_dw.", "bn2."}, timmSqueeze, {"conv_pwl.", "bn3."}}
	}
	return fmt.Sprintf("features.%d.%s.block.%s", 1+stage, m[2], inOrder(layers, m[3]))
}

// timmLite numbers the blocks of EfficientNet-Lite of a size through; timm numbers them by stage.
func timmLite(size int) func(key string) string {
	rows := efficientNetLiteConfigs[size].stages()
	return func(key string) string {
		m := timmBlock.FindStringSubmatch(key)
		if m == nil {
			return cut(key, "conv_stem.", "_conv_stem.", "bn1.", "_bn0.", "conv_head.", "_conv_head.", "bn2.", "_bn1.", "classifier.", "_fc.")
		}
		stage, block := number(m[1]), number(m[2])
		if stage >= len(rows) || block >= rows[stage].blocks {
			return key
		}
		for _, row := range rows[:stage] {
			block += row.blocks
		}
		rest := cut(m[3], "conv_pw.", "_expand_conv.", "bn1.", "_bn0.", "conv_dw.", "_depthwise_conv.", "bn2.", "_bn1.", "conv_pwl.", "_project_conv.", "bn3.", "_bn2.")
		if stage == 0 { // no expansion
			rest = cut(m[3], "conv_dw.", "_depthwise_conv.", "bn1.", "_bn1.", "conv_pw.", "_project_conv.", "bn2.", "_bn2.")
		}
		return fmt.Sprintf("_blocks.%d.%s", block, rest)
	}
}

// timmSqueeze are the two layers of timm's squeeze-and-excitation.
var timmSqueeze = [2]string{"se.conv_reduce.", "se.conv_expand."}

// inOrder rewrites the key of a layer: pairs of layers are numbered in order, a convolution and its norm 0 and 1 within
// their pair.
func inOrder(pairs [][2]string, key string) string {
	var parts []string
	for i, l := range pairs {
		ours := [2]string{"0.", "1."}
		if l == timmSqueeze {
			ours = [2]string{"fc1.", "fc2."}
		}
		parts = append(parts, l[0], fmt.Sprint(i, ".", ours[0]), l[1], fmt.Sprint(i, ".", ours[1]))
	}
	return cut(key, parts...)
}

var timmRegNetBlock = regexp.MustCompile(`^s(\d+)\.b(\d+)\.(.+)$`)

func timmRegNet(key string) string {
	m := timmRegNetBlock.FindStringSubmatch(key)
	if m == nil {
		return cut(key, "stem.conv.", "stem.0.", "stem.bn.", "stem.1.", "head.fc.", "fc.")
	}
	rest := cut(m[3], "conv1.conv.", "f.a.0.", "conv1.bn.", "f.a.1.", "conv2.conv.", "f.b.0.", "conv2.bn.", "f.b.1.",
		"conv3.conv.", "f.c.0.", "conv3.bn.", "f.c.1.", "se.", "f.se.", "downsample.conv.", "proj.0.", "downsample.bn.", "proj.1.")
	return fmt.Sprintf("trunk_output.block%s.block%s-%d.%s", m[1], m[1], number(m[2])-1, rest)
}

var (
	timmConvNeXtBlock = regexp.MustCompile(`^stages\.(\d+)\.blocks\.(\d+)\.(.+)$`)
	timmConvNeXtDown  = regexp.MustCompile(`^stages\.(\d+)\.downsample\.(.+)$`)
)

func timmConvNeXt(key string) string {
	if m := timmConvNeXtBlock.FindStringSubmatch(key); m != nil {
		return fmt.Sprintf("features.%d.%s.%s", 2*number(m[1])+1, m[2],
			cut(m[3], "gamma", "layer_scale", "conv_dw.", "block.0.", "norm.", "block.2.", "mlp.fc1.", "block.3.", "mlp.fc2.", "block.5."))
	}
	if m := timmConvNeXtDown.FindStringSubmatch(key); m != nil {
		return fmt.Sprintf("features.%d.%s", 2*number(m[1]), m[2])
	}
	return cut(key, "stem.", "features.0.", "head.norm.", "classifier.0.", "head.fc.", "classifier.2.")
}

var timmViTBlock = regexp.MustCompile(`^blocks\.(\d+)\.(.+)$`)

func timmViT(key string) string {
	m := timmViTBlock.FindStringSubmatch(key)
	if m == nil {
		return cut(key, "cls_token", "class_token", "pos_embed", "encoder.pos_embedding", "patch_embed.proj.", "conv_proj.",
			"norm.", "encoder.ln.", "head.", "heads.head.")
	}
	return "encoder.layers.encoder_layer_" + m[1] + "." + cut(m[2], "norm1.", "ln_1.", "norm2.", "ln_2.",
		"attn.qkv.", "self_attention.in_proj_", "attn.proj.", "self_attention.out_proj.", "mlp.fc1.", "mlp.0.", "mlp.fc2.", "mlp.3.")
}

// timmDistilled joins the two output layers of a distilled DeiT, see layout.rename.
func timmDistilled(key string) string {
	for i, name := range deitHeads {
		if rest, ok := strings.CutPrefix(key, name); ok {
			return "head." + rest + meanParts[i]
		}
	}
	return key
}

var (
	timmSwinBlock = regexp.MustCompile(`^layers\.(\d+)\.blocks\.(\d+)\.(.+)$`)
	timmSwinDown  = regexp.MustCompile(`^layers\.(\d+)\.downsample\.(.+)$`)
)

func timmSwin(key string) string {
	if m := timmSwinBlock.FindStringSubmatch(key); m != nil {
		return fmt.Sprintf("features.%d.%s.%s", 2*number(m[1])+1, m[2], cut(m[3], "mlp.fc1.", "mlp.0.", "mlp.fc2.", "mlp.3.",
			"attn.q_bias", "attn.qkv.bias#0", "attn.v_bias", "attn.qkv.bias#2")) // keys have no bias
	}
	if m := timmSwinDown.FindStringSubmatch(key); m != nil {
		return fmt.Sprintf("features.%d.%s", 2*number(m[1]), m[2])
	}
	return cut(key, "patch_embed.proj.", "features.0.0.", "patch_embed.norm.", "features.0.2.", "head.fc.", "head.")
}

// number reads digits that a pattern has found. It returns 1000, which no key of ours has, for larger numbers.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil || n > 1000 {
		return 1000
	}
	return n
}

func newerSwinKey(key string) string {
	if m := timmSwinDown.FindStringSubmatch(key); m != nil {
		return fmt.Sprintf("layers.%d.downsample.%s", number(m[1])+1, m[2])
	}
	if strings.HasPrefix(key, "head.") && !strings.HasPrefix(key, "head.fc.") {
		return "head.fc." + strings.TrimPrefix(key, "head.")
	}
	return key
}
