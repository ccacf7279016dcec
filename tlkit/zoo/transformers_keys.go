package zoo

import (
	"fmt"
	"regexp"
	"strings"
)

// The functions below convert keys of transformers to torchvision's; see layout.rename. A model that is saved without
// its output layer has no name of the family in front of its keys.

// transformersKey removes the family's name from a key.
func transformersKey(key string) string {
	return cut(key, "resnet.", "", "regnet.", "", "convnext.", "", "convnextv2.", "", "vit.", "", "swin.", "", "swinv2.", "", "efficientnet.", "", "mobilenet_v2.", "",
		"vision_model.", "", "deit.", "", "dinov2.", "", "dinov2_with_registers.", "", "beit.", "", "data2vec_vision.", "", "mobilevit.", "")
}

var transformersResBlock = regexp.MustCompile(`^encoder\.stages\.(\d+)\.layers\.(\d+)\.(.+)$`)

func transformersResNet(key string) string {
	key = transformersKey(key)
	m := transformersResBlock.FindStringSubmatch(key)
	if m == nil {
		return cut(key, "embedder.embedder.convolution.", "conv1.", "embedder.embedder.normalization.", "bn1.", "classifier.1.", "fc.")
	}
	return fmt.Sprintf("layer%d.%s.%s", number(m[1])+1, m[2], cut(m[3],
		"layer.0.convolution.", "conv1.", "layer.0.normalization.", "bn1.", "layer.1.convolution.", "conv2.", "layer.1.normalization.", "bn2.",
		"layer.2.convolution.", "conv3.", "layer.2.normalization.", "bn3.",
		"shortcut.convolution.", "downsample.0.", "shortcut.normalization.", "downsample.1."))
}

func transformersRegNet(key string) string {
	key = transformersKey(key)
	m := transformersResBlock.FindStringSubmatch(key)
	if m == nil {
		return cut(key, "embedder.embedder.convolution.", "stem.0.", "embedder.embedder.normalization.", "stem.1.", "classifier.1.", "fc.")
	}
	stage := number(m[1]) + 1
	return fmt.Sprintf("trunk_output.block%d.block%d-%s.%s", stage, stage, m[2], cut(m[3],
		"layer.0.convolution.", "f.a.0.", "layer.0.normalization.", "f.a.1.", "layer.1.convolution.", "f.b.0.", "layer.1.normalization.", "f.b.1.",
		"layer.2.attention.0.", "f.se.fc1.", "layer.2.attention.2.", "f.se.fc2.", // RegNetY has one layer more
		"layer.2.convolution.", "f.c.0.", "layer.2.normalization.", "f.c.1.", "layer.3.convolution.", "f.c.0.", "layer.3.normalization.", "f.c.1.",
		"shortcut.convolution.", "proj.0.", "shortcut.normalization.", "proj.1."))
}

var transformersConvNeXtDown = regexp.MustCompile(`^encoder\.stages\.(\d+)\.downsampling_layer\.(.+)$`)

func transformersConvNeXt(key string) string {
	key = transformersKey(key)
	if m := transformersResBlock.FindStringSubmatch(key); m != nil {
		return fmt.Sprintf("features.%d.%s.%s", 2*number(m[1])+1, m[2], cut(m[3], "layer_scale_parameter", "layer_scale",
			"dwconv.", "block.0.", "layernorm.", "block.2.", "pwconv1.", "block.3.", "pwconv2.", "block.5."))
	}
	if m := transformersConvNeXtDown.FindStringSubmatch(key); m != nil {
		return fmt.Sprintf("features.%d.%s", 2*number(m[1]), m[2])
	}
	return cut(key, "embeddings.patch_embeddings.", "features.0.0.", "embeddings.layernorm.", "features.0.1.", "layernorm.", "classifier.0.",
		"classifier.", "classifier.2.")
}

// transformersConvNeXtV2 converts keys to timm's, which are the zoo's.
func transformersConvNeXtV2(key string) string {
	key = transformersKey(key)
	if m := transformersResBlock.FindStringSubmatch(key); m != nil {
		return fmt.Sprintf("stages.%s.blocks.%s.%s", m[1], m[2], cut(m[3], "dwconv.", "conv_dw.", "layernorm.", "norm.",
			"grn.", "mlp.grn.", "pwconv1.", "mlp.fc1.", "pwconv2.", "mlp.fc2."))
	}
	if m := transformersConvNeXtDown.FindStringSubmatch(key); m != nil {
		return fmt.Sprintf("stages.%s.downsample.%s", m[1], m[2])
	}
	return cut(key, "embeddings.patch_embeddings.", "stem.0.", "embeddings.layernorm.", "stem.1.", "layernorm.", "head.norm.", "classifier.", "head.fc.")
}

// transformersViTBlock finds the blocks of files, and of state dicts of transformers 5 in memory.
var transformersViTBlock = regexp.MustCompile(`^(?:encoder\.layer|layers)\.(\d+)\.(.+)$`)

func transformersViT(key string) string {
	key = transformersKey(key)
	m := transformersViTBlock.FindStringSubmatch(key)
	if m == nil {
		return cut(key, "embeddings.cls_token", "class_token", "embeddings.position_embeddings", "encoder.pos_embedding",
			"embeddings.patch_embeddings.projection.", "conv_proj.", "layernorm.", "encoder.ln.", "classifier.", "heads.head.")
	}
	block := "encoder.layers.encoder_layer_" + m[1] + "."
	if rest, i, ok := attentionPart(m[2]); ok {
		return fmt.Sprintf("%sself_attention.in_proj_%s#%d", block, rest, i)
	}
	return block + cut(m[2], "layernorm_before.", "ln_1.", "layernorm_after.", "ln_2.",
		"attention.output.dense.", "self_attention.out_proj.", "attention.o_proj.", "self_attention.out_proj.",
		"intermediate.dense.", "mlp.0.", "mlp.fc1.", "mlp.0.", "output.dense.", "mlp.3.", "mlp.fc2.", "mlp.3.")
}

// transformersQKV are the names of queries, keys and values of an attention layer.
var transformersQKV = [3][]string{
	{"attention.attention.query.", "attention.self.query.", "attention.q_proj."},
	{"attention.attention.key.", "attention.self.key.", "attention.k_proj."},
	{"attention.attention.value.", "attention.self.value.", "attention.v_proj."},
}

// attentionPart returns whether a key of a block is of the queries (0), keys (1) or values (2), and what follows their
// name in it.
func attentionPart(key string) (rest string, part int, ok bool) {
	for i, names := range transformersQKV {
		for _, name := range names {
			if rest, ok := strings.CutPrefix(key, name); ok {
				return rest, i, true
			}
		}
	}
	return "", 0, false
}

func transformersDinoV2(key string) string {
	key = transformersKey(key)
	m := transformersViTBlock.FindStringSubmatch(key)
	if m == nil {
		return cut(key, "embeddings.cls_token", "cls_token", "embeddings.position_embeddings", "pos_embed", "embeddings.register_tokens", "register_tokens",
			"embeddings.patch_embeddings.projection.", "patch_embed.proj.", "layernorm.", "norm.", "classifier.", "head.")
	}
	block := "blocks." + m[1] + "."
	if rest, i, ok := attentionPart(m[2]); ok {
		return fmt.Sprintf("%sattn.qkv.%s#%d", block, rest, i)
	}
	return block + cut(m[2], "attention.output.dense.", "attn.proj.", "attention.o_proj.", "attn.proj.",
		"layer_scale1.lambda1", "ls1.gamma", "layer_scale2.lambda1", "ls2.gamma")
}

func transformersBEiT(key string) string {
	key = transformersKey(key)
	m := transformersViTBlock.FindStringSubmatch(key)
	if m == nil {
		return cut(key, "embeddings.cls_token", "cls_token", "embeddings.patch_embeddings.projection.", "patch_embed.proj.",
			"pooler.layernorm.", "fc_norm.", "classifier.", "head.")
	}
	block := "blocks." + m[1] + "."
	switch rest, i, ok := attentionPart(m[2]); {
	case ok && rest == "weight":
		return fmt.Sprintf("%sattn.qkv.weight#%d", block, i)
	case ok:
		return block + [3]string{"attn.q_", "attn.k_", "attn.v_"}[i] + rest
	}
	return block + cut(m[2], "lambda_1", "gamma_1", "lambda_2", "gamma_2", "layernorm_before.", "norm1.", "layernorm_after.", "norm2.",
		"attention.attention.relative_position_bias.", "attn.", "attention.relative_position_bias.", "attn.",
		"attention.output.dense.", "attn.proj.", "attention.o_proj.", "attn.proj.",
		"intermediate.dense.", "mlp.fc1.", "output.dense.", "mlp.fc2.")
}

// transformersTower converts keys of the image towers of CLIP and SigLIP to timm's.
func transformersTower(key string) string {
	key = transformersKey(key)
	m := transformersTowerBlock.FindStringSubmatch(key)
	if m == nil {
		return cut(key, "embeddings.class_embedding", "cls_token", "embeddings.patch_embedding.", "patch_embed.proj.",
			"embeddings.position_embedding.weight", "pos_embed", "pre_layrnorm.", "norm_pre.", "post_layernorm.", "norm.",
			"head.probe", "attn_pool.latent", "head.attention.in_proj_weight", "attn_pool.q.weight|attn_pool.kv.weight",
			"head.attention.in_proj_bias", "attn_pool.q.bias|attn_pool.kv.bias", "head.attention.out_proj.", "attn_pool.proj.",
			"head.layernorm.", "attn_pool.norm.", "head.mlp.", "attn_pool.mlp.", "classifier.", "head.")
	}
	block := "blocks." + m[1] + "."
	for i, name := range []string{"self_attn.q_proj.", "self_attn.k_proj.", "self_attn.v_proj."} {
		if rest, ok := strings.CutPrefix(m[2], name); ok {
			return fmt.Sprintf("%sattn.qkv.%s#%d", block, rest, i)
		}
	}
	return block + cut(m[2], "layer_norm1.", "norm1.", "layer_norm2.", "norm2.", "self_attn.out_proj.", "attn.proj.")
}

var transformersTowerBlock = regexp.MustCompile(`^encoder\.layers\.(\d+)\.(.+)$`)

// transformersDeiT converts keys to timm's.
func transformersDeiT(key string) string {
	key = transformersKey(key)
	m := transformersViTBlock.FindStringSubmatch(key)
	if m == nil {
		name := cut(key, "embeddings.cls_token", "cls_token", "embeddings.distillation_token", "dist_token",
			"embeddings.position_embeddings", "pos_embed", "embeddings.patch_embeddings.projection.", "patch_embed.proj.",
			"layernorm.", "norm.", "cls_classifier.", "head.", "distillation_classifier.", "head_dist.", "classifier.", "head.")
		if strings.HasPrefix(key, "classifier.") {
			return name
		}
		return timmDistilled(name)
	}
	block := "blocks." + m[1] + "."
	if rest, i, ok := attentionPart(m[2]); ok {
		return fmt.Sprintf("%sattn.qkv.%s#%d", block, rest, i)
	}
	return block + cut(m[2], "layernorm_before.", "norm1.", "layernorm_after.", "norm2.",
		"attention.output.dense.", "attn.proj.", "attention.o_proj.", "attn.proj.",
		"intermediate.dense.", "mlp.fc1.", "output.dense.", "mlp.fc2.")
}

var (
	transformersSwinBlock = regexp.MustCompile(`^encoder\.layers\.(\d+)\.blocks\.(\d+)\.(.+)$`)
	transformersSwinDown  = regexp.MustCompile(`^encoder\.layers\.(\d+)\.downsample\.(.+)$`)
)

func transformersSwin(key string) string {
	key = transformersKey(key)
	if m := transformersSwinDown.FindStringSubmatch(key); m != nil {
		return fmt.Sprintf("features.%d.%s", 2*number(m[1])+2, m[2])
	}
	m := transformersSwinBlock.FindStringSubmatch(key)
	if m == nil {
		return cut(key, "embeddings.patch_embeddings.projection.", "features.0.0.", "embeddings.norm.", "features.0.2.", "layernorm.", "norm.", "classifier.", "head.")
	}
	block := fmt.Sprintf("features.%d.%s.", 2*number(m[1])+1, m[2])
	if rest, i, ok := attentionPart(m[3]); ok {
		return fmt.Sprintf("%sattn.qkv.%s#%d", block, rest, i)
	}
	return block + cut(m[3], "layernorm_before.", "norm1.", "layernorm_after.", "norm2.",
		"attention.output.dense.", "attn.proj.", "attention.o_proj.", "attn.proj.",
		"attention.self.relative_position_bias_table", "attn.relative_position_bias_table",
		"attention.relative_position_bias.relative_position_bias_table", "attn.relative_position_bias_table",
		"attention.self.logit_scale", "attn.logit_scale", "attention.self.continuous_position_bias_mlp.", "attn.cpb_mlp.",
		"intermediate.dense.", "mlp.0.", "mlp.fc1.", "mlp.0.", "output.dense.", "mlp.3.", "mlp.fc2.", "mlp.3.")
}

var transformersMobileLayer = regexp.MustCompile(`^layer\.(\d+)\.(.+)$`)

func transformersMobileNetV2(key string) string {
	key = transformersKey(key)
	if m := transformersMobileLayer.FindStringSubmatch(key); m != nil {
		return fmt.Sprintf("features.%d.conv.%s", number(m[1])+2, cut(m[2],
			"expand_1x1.convolution.", "0.0.", "expand_1x1.normalization.", "0.1.", "conv_3x3.convolution.", "1.0.", "conv_3x3.normalization.", "1.1.",
			"reduce_1x1.convolution.", "2.", "reduce_1x1.normalization.", "3."))
	}
	return cut(key, "conv_stem.first_conv.convolution.", "features.0.0.", "conv_stem.first_conv.normalization.", "features.0.1.",
		"conv_stem.conv_3x3.convolution.", "features.1.conv.0.0.", "conv_stem.conv_3x3.normalization.", "features.1.conv.0.1.",
		"conv_stem.reduce_1x1.convolution.", "features.1.conv.1.", "conv_stem.reduce_1x1.normalization.", "features.1.conv.2.",
		"conv_1x1.convolution.", "features.18.0.", "conv_1x1.normalization.", "features.18.1.", "classifier.", "classifier.1.")
}

var transformersMobileV1Layer = regexp.MustCompile(`^layer\.(\d+)\.(.+)$`)

func transformersMobileNetV1(key string) string {
	key = transformersKey(key)
	at, rest := 0, ""
	if m := transformersMobileV1Layer.FindStringSubmatch(key); m != nil {
		at, rest = number(m[1])+1, m[2]
	} else if stem, ok := strings.CutPrefix(key, "conv_stem."); ok {
		rest = stem
	} else {
		return key
	}
	return fmt.Sprintf("features.%d.%s", at, cut(rest, "convolution.", "0.", "normalization.", "1."))
}

var transformersEfficientBlock = regexp.MustCompile(`^encoder\.blocks\.(\d+)\.(.+)$`)

// transformersEfficientNet numbers the blocks by stage; transformers numbers them through.
func transformersEfficientNet(network string) func(key string) string {
	stages := tfEfficientNet(network).stages
	return func(key string) string {
		key = transformersKey(key)
		m := transformersEfficientBlock.FindStringSubmatch(key)
		if m == nil {
			return cut(key, "embeddings.convolution.", "features.0.0.", "embeddings.batchnorm.", "features.0.1.",
				"encoder.top_conv.", "features.8.0.", "encoder.top_bn.", "features.8.1.", "classifier.", "classifier.1.")
		}
		stage, block := 0, number(m[1])
		for stage < len(stages)-1 && block >= stages[stage].blocks {
			block -= stages[stage].blocks
			stage++
		}
		at := 1 // of the depthwise convolution
		if stages[stage].expand == 1 {
			at = 0
		}
		part := func(i int, rest string) string { return fmt.Sprintf("%d.%s", at+i, rest) }
		return fmt.Sprintf("features.%d.%d.block.%s", stage+1, block, cut(m[2],
			"expansion.expand_conv.", "0.0.", "expansion.expand_bn.", "0.1.",
			"depthwise_conv.depthwise_conv.", part(0, "0."), "depthwise_conv.depthwise_norm.", part(0, "1."),
			"squeeze_excite.reduce.", part(1, "fc1."), "squeeze_excite.expand.", part(1, "fc2."),
			"projection.project_conv.", part(2, "0."), "projection.project_bn.", part(2, "1.")))
	}
}

var (
	transformersMobileViTLayer = regexp.MustCompile(`^encoder\.layer\.(\d+)\.(.+)$`)
	transformersMobileViTBlock = regexp.MustCompile(`^transformer\.layer\.(\d+)\.(.+)$`)
	transformersMobileViTDepth = regexp.MustCompile(`^layer\.(\d+)\.(.+)$`)
)

// transformersMobileViT converts keys to timm's.
func transformersMobileViT(key string) string {
	key = transformersKey(key)
	m := transformersMobileViTLayer.FindStringSubmatch(key)
	if m == nil {
		if rest, ok := strings.CutPrefix(key, "classifier."); ok {
			return "head.fc." + rest
		}
		return mobileViTNorms(cut(key, "conv_stem.", "stem.", "conv_1x1_exp.", "final_conv."))
	}
	stage := "stages." + m[1] + "."
	if d := transformersMobileViTDepth.FindStringSubmatch(m[2]); d != nil {
		return stage + d[1] + "." + mobileViTBottleneck(d[2])
	}
	if rest, ok := strings.CutPrefix(m[2], "downsampling_layer."); ok {
		return stage + "0." + mobileViTBottleneck(rest)
	}
	stage += "1."
	b := transformersMobileViTBlock.FindStringSubmatch(m[2])
	if b == nil {
		return stage + mobileViTNorms(cut(m[2], "conv_1x1.convolution.", "conv_1x1.", "layernorm.", "norm.", "conv_projection.", "conv_proj.", "fusion.", "conv_fusion."))
	}
	block := stage + "transformer." + b[1] + "."
	if rest, i, ok := attentionPart(b[2]); ok {
		return fmt.Sprintf("%sattn.qkv.%s#%d", block, rest, i)
	}
	return block + cut(b[2], "layernorm_before.", "norm1.", "layernorm_after.", "norm2.",
		"attention.output.dense.", "attn.proj.", "intermediate.dense.", "mlp.fc1.", "output.dense.", "mlp.fc2.")
}

// mobileViTBottleneck converts the key of a layer in a block of MobileNetV2.
func mobileViTBottleneck(key string) string {
	return mobileViTNorms(cut(key, "expand_1x1.", "conv1_1x1.", "conv_3x3.", "conv2_kxk.", "reduce_1x1.", "conv3_1x1."))
}

// mobileViTNorms converts the names of a convolution and of its norm.
func mobileViTNorms(key string) string {
	return strings.NewReplacer(".convolution.", ".conv.", ".normalization.", ".bn.").Replace(key)
}
