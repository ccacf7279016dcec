package zoo

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// timmModel names the torchvision model that is the same network as a model of timm (pytorch-image-models, Wightman),
// and converts its keys.
type timmModel struct {
	name string
	// rename converts a key of timm to torchvision's; nil leaves all unchanged.
	rename func(key string) string
}

// timmModels are the architectures of timm 1.0 that compute what the zoo's of the given name compute: checked with the
// formula's weights, see testdata/timm. For some that are not here, timmDiffers has the reason.
var timmModels = map[string]timmModel{
	"resnet18": {"resnet18", nil}, "resnet34": {"resnet34", nil}, "resnet50": {"resnet50", nil},
	"resnet101": {"resnet101", nil}, "resnet152": {"resnet152", nil},
	"resnext50_32x4d": {"resnext50_32x4d", nil}, "resnext101_32x8d": {"resnext101_32x8d", nil},
	"resnext101_64x4d": {"resnext101_64x4d", nil},
	"wide_resnet50_2":  {"wide_resnet50_2", nil}, "wide_resnet101_2": {"wide_resnet101_2", nil},
	"resnet26": {"resnet26", nil}, "resnext101_32x4d": {"resnext101_32x4d", nil}, "resnext101_32x16d": {"resnext101_32x16d", nil},
	"resnet50c": {"resnet50c", nil}, "resnet101c": {"resnet101c", nil}, "resnet152c": {"resnet152c", nil},
	"resnet18d": {"resnet18d", nil}, "resnet26d": {"resnet26d", nil}, "resnet34d": {"resnet34d", nil}, "resnet50d": {"resnet50d", nil},
	"resnet101d": {"resnet101d", nil}, "resnet152d": {"resnet152d", nil}, "resnet200d": {"resnet200d", nil}, "resnext50d_32x4d": {"resnext50d_32x4d", nil},
	"resnet10t": {"resnet10t", nil}, "resnet14t": {"resnet14t", nil}, "resnet26t": {"resnet26t", nil},
	"seresnet50": {"seresnet50", nil}, "seresnet152d": {"seresnet152d", nil}, "seresnext50_32x4d": {"seresnext50_32x4d", nil},
	"seresnext101_32x4d": {"seresnext101_32x4d", nil}, "seresnext101_32x8d": {"seresnext101_32x8d", nil}, "seresnext101_64x4d": {"seresnext101_64x4d", nil},
	"seresnext26d_32x4d": {"seresnext26d_32x4d", nil}, "seresnext26t_32x4d": {"seresnext26t_32x4d", nil}, "seresnext101d_32x8d": {"seresnext101d_32x8d", nil},

	"vgg11": {"vgg11", timmVGG}, "vgg13": {"vgg13", timmVGG}, "vgg16": {"vgg16", timmVGG}, "vgg19": {"vgg19", timmVGG},
	"vgg11_bn": {"vgg11_bn", timmVGG}, "vgg13_bn": {"vgg13_bn", timmVGG}, "vgg16_bn": {"vgg16_bn", timmVGG}, "vgg19_bn": {"vgg19_bn", timmVGG},

	"densenet121": {"densenet121", nil}, "densenet161": {"densenet161", nil}, "densenet169": {"densenet169", nil}, "densenet201": {"densenet201", nil},

	"mobilenetv2_050": {"mobilenetv2_050", timmMobileNetV2(1)}, "mobilenetv2_075": {"mobilenetv2_075", timmMobileNetV2(1)}, "mobilenetv2_100": {"mobilenet_v2", timmMobileNetV2(1)},
	"mobilenetv2_110d": {"mobilenetv2_110d", timmMobileNetV2(1.2)}, "mobilenetv2_120d": {"mobilenetv2_120d", timmMobileNetV2(1.4)}, "mobilenetv2_140": {"mobilenetv2_140", timmMobileNetV2(1)},
	"mnasnet_050": {"mnasnet0_5", timmMNASNet}, "mnasnet_075": {"mnasnet0_75", timmMNASNet}, "mnasnet_100": {"mnasnet1_0", timmMNASNet},

	"efficientnet_b0": {"efficientnet_b0", timmEfficientNet}, "efficientnet_b1": {"efficientnet_b1", timmEfficientNet},
	"efficientnet_b2": {"efficientnet_b2", timmEfficientNet}, "efficientnet_b3": {"efficientnet_b3", timmEfficientNet},
	"efficientnet_b4": {"efficientnet_b4", timmEfficientNet}, "efficientnet_b5": {"efficientnet_b5_eps1e-05", timmEfficientNet},
	"efficientnet_b6": {"efficientnet_b6_eps1e-05", timmEfficientNet}, "efficientnet_b7": {"efficientnet_b7_eps1e-05", timmEfficientNet},
	"tf_efficientnet_b0": {"tf_efficientnet_b0", timmEfficientNet}, "tf_efficientnet_b1": {"tf_efficientnet_b1", timmEfficientNet},
	"tf_efficientnet_b2": {"tf_efficientnet_b2", timmEfficientNet}, "tf_efficientnet_b3": {"tf_efficientnet_b3", timmEfficientNet},
	"tf_efficientnet_b4": {"tf_efficientnet_b4", timmEfficientNet}, "tf_efficientnet_b5": {"tf_efficientnet_b5", timmEfficientNet},
	"tf_efficientnet_b6": {"tf_efficientnet_b6", timmEfficientNet}, "tf_efficientnet_b7": {"tf_efficientnet_b7", timmEfficientNet},
	"tf_efficientnetv2_b0": {"tf_efficientnetv2_b0", timmEfficientNetV2("b", false)}, "tf_efficientnetv2_b1": {"tf_efficientnetv2_b1", timmEfficientNetV2("b", false)},
	"tf_efficientnetv2_b2": {"tf_efficientnetv2_b2", timmEfficientNetV2("b", false)}, "tf_efficientnetv2_b3": {"tf_efficientnetv2_b3", timmEfficientNetV2("b", false)},
	"tf_efficientnetv2_s": {"tf_efficientnetv2_s", timmEfficientNetV2("s", false)}, "tf_efficientnetv2_m": {"tf_efficientnetv2_m", timmEfficientNetV2("m", false)},
	"tf_efficientnetv2_l": {"tf_efficientnetv2_l", timmEfficientNetV2("l", false)}, "tf_efficientnetv2_xl": {"tf_efficientnetv2_xl", timmEfficientNetV2("xl", false)},
	"efficientnetv2_rw_t": {"efficientnetv2_rw_t", timmEfficientNetV2("s", false)},
	"efficientnetv2_rw_s": {"efficientnetv2_rw_s", timmEfficientNetV2("s", true)}, "efficientnetv2_rw_m": {"efficientnetv2_rw_m", timmEfficientNetV2("s", true)},
	"efficientnet_es": {"efficientnet_es", timmEdge}, "efficientnet_em": {"efficientnet_em", timmEdge},
	"efficientnet_el": {"efficientnet_el", timmEdge}, "tf_efficientnet_es": {"tf_efficientnet_es", timmEdge},
	"tf_efficientnet_em": {"tf_efficientnet_em", timmEdge}, "tf_efficientnet_el": {"tf_efficientnet_el", timmEdge},
	"efficientnet_es_pruned": {"efficientnet_es", timmEdge}, "efficientnet_el_pruned": {"efficientnet_el", timmEdge},

	"efficientnet_lite0": {"timm_efficientnet_lite0", timmLite(0)}, "efficientnet_lite1": {"timm_efficientnet_lite1", timmLite(1)},
	"efficientnet_lite2": {"timm_efficientnet_lite2", timmLite(2)}, "efficientnet_lite3": {"timm_efficientnet_lite3", timmLite(3)},
	"efficientnet_lite4":    {"timm_efficientnet_lite4", timmLite(4)},
	"tf_efficientnet_lite0": {"efficientnet_lite0", timmLite(0)}, "tf_efficientnet_lite1": {"efficientnet_lite1", timmLite(1)},
	"tf_efficientnet_lite2": {"efficientnet_lite2", timmLite(2)}, "tf_efficientnet_lite3": {"efficientnet_lite3", timmLite(3)},
	"tf_efficientnet_lite4": {"efficientnet_lite4", timmLite(4)},

	"mobilenetv3_large_100": {"mobilenet_v3_large_eps1e-05", timmMobileNetV3("mobilenet_v3_large")}, "mobilenetv3_small_100": {"mobilenet_v3_small_eps1e-05", timmMobileNetV3("mobilenet_v3_small")},
	"mobilenetv3_large_075": {"mobilenetv3_large_075", timmMobileNetV3("mobilenetv3_large_075")}, "mobilenetv3_small_050": {"mobilenetv3_small_050", timmMobileNetV3("mobilenetv3_small_050")}, "mobilenetv3_small_075": {"mobilenetv3_small_075", timmMobileNetV3("mobilenetv3_small_075")},
	"tf_mobilenetv3_large_075": {"tf_mobilenetv3_large_075", timmMobileNetV3("tf_mobilenetv3_large_075")}, "tf_mobilenetv3_large_100": {"tf_mobilenetv3_large_100", timmMobileNetV3("tf_mobilenetv3_large_100")}, "tf_mobilenetv3_large_minimal_100": {"tf_mobilenetv3_large_minimal_100", timmMobileNetV3("tf_mobilenetv3_large_minimal_100")},
	"tf_mobilenetv3_small_075": {"tf_mobilenetv3_small_075", timmMobileNetV3("tf_mobilenetv3_small_075")}, "tf_mobilenetv3_small_100": {"tf_mobilenetv3_small_100", timmMobileNetV3("tf_mobilenetv3_small_100")}, "tf_mobilenetv3_small_minimal_100": {"tf_mobilenetv3_small_minimal_100", timmMobileNetV3("tf_mobilenetv3_small_minimal_100")},

	"regnetx_002": {"regnetx_002", timmRegNet}, "regnetx_004": {"regnetx_004", timmRegNet}, "regnetx_006": {"regnetx_006", timmRegNet},
	"regnetx_040": {"regnetx_040", timmRegNet}, "regnetx_064": {"regnetx_064", timmRegNet}, "regnetx_120": {"regnetx_120", timmRegNet},
	"regnety_002": {"regnety_002", timmRegNet}, "regnety_006": {"regnety_006", timmRegNet}, "regnety_008": {"regnety_008", timmRegNet},
	"regnety_040": {"regnety_040", timmRegNet}, "regnety_064": {"regnety_064", timmRegNet}, "regnety_080": {"regnety_080", timmRegNet},
	"regnety_120": {"regnety_120", timmRegNet}, "regnety_640": {"regnety_640", timmRegNet},
	"regnetx_004_tv": {"regnet_x_400mf", timmRegNet}, "regnetx_008": {"regnet_x_800mf", timmRegNet},
	"regnetx_016": {"regnet_x_1_6gf", timmRegNet}, "regnetx_032": {"regnet_x_3_2gf", timmRegNet},
	"regnetx_080": {"regnet_x_8gf", timmRegNet}, "regnetx_160": {"regnet_x_16gf", timmRegNet}, "regnetx_320": {"regnet_x_32gf", timmRegNet},
	"regnety_004": {"regnet_y_400mf", timmRegNet}, "regnety_008_tv": {"regnet_y_800mf", timmRegNet},
	"regnety_016": {"regnet_y_1_6gf", timmRegNet}, "regnety_032": {"regnet_y_3_2gf", timmRegNet},
	"regnety_080_tv": {"regnet_y_8gf", timmRegNet}, "regnety_160": {"regnet_y_16gf", timmRegNet},
	"regnety_320": {"regnet_y_32gf", timmRegNet}, "regnety_1280": {"regnet_y_128gf", timmRegNet},

	"convnext_tiny": {"convnext_tiny", timmConvNeXt}, "convnext_small": {"convnext_small", timmConvNeXt},
	"convnext_base": {"convnext_base", timmConvNeXt}, "convnext_large": {"convnext_large", timmConvNeXt},

	"convnext_atto": {"convnext_atto", timmConvNeXt}, "convnext_femto": {"convnext_femto", timmConvNeXt}, "convnext_pico": {"convnext_pico", timmConvNeXt},
	"convnext_nano": {"convnext_nano", timmConvNeXt}, "convnext_xlarge": {"convnext_xlarge", timmConvNeXt},

	"convnextv2_atto": {"convnextv2_atto", nil}, "convnextv2_femto": {"convnextv2_femto", nil}, "convnextv2_pico": {"convnextv2_pico", nil},
	"convnextv2_nano": {"convnextv2_nano", nil}, "convnextv2_tiny": {"convnextv2_tiny", nil}, "convnextv2_base": {"convnextv2_base", nil},
	"convnextv2_large": {"convnextv2_large", nil},

	"vit_base_patch16_224": {"vit_b_16", timmViT}, "vit_base_patch16_384": {"vit_b_16", timmViT},
	"vit_base_patch32_224": {"vit_b_32", timmViT}, "vit_base_patch32_384": {"vit_b_32", timmViT},
	"vit_large_patch16_224": {"vit_l_16", timmViT}, "vit_large_patch16_384": {"vit_l_16", timmViT},
	"vit_large_patch32_224": {"vit_l_32", timmViT}, "vit_large_patch32_384": {"vit_l_32", timmViT},
	"vit_huge_patch14_224": {"vit_h_14", timmViT},
	"vit_tiny_patch16_224": {"vit_ti_16", timmViT}, "vit_tiny_patch16_384": {"vit_ti_16", timmViT}, "deit_tiny_patch16_224": {"vit_ti_16", timmViT},
	"vit_small_patch16_224": {"vit_s_16", timmViT}, "vit_small_patch16_384": {"vit_s_16", timmViT}, "deit_small_patch16_224": {"vit_s_16", timmViT},
	"vit_small_patch32_224": {"vit_s_32", timmViT}, "vit_small_patch32_384": {"vit_s_32", timmViT}, "vit_small_patch8_224": {"vit_s_8", timmViT},
	"vit_base_patch8_224": {"vit_b_8", timmViT}, "deit_base_patch16_224": {"vit_b_16", timmViT}, "deit_base_patch16_384": {"vit_b_16", timmViT},

	"vit_small_patch14_dinov2": {"vit_small_patch14_dinov2", nil}, "vit_small_patch14_reg4_dinov2": {"vit_small_patch14_reg4_dinov2", nil},
	"vit_base_patch14_dinov2": {"vit_base_patch14_dinov2", nil}, "vit_base_patch14_reg4_dinov2": {"vit_base_patch14_reg4_dinov2", nil},
	"vit_large_patch14_dinov2": {"vit_large_patch14_dinov2", nil}, "vit_large_patch14_reg4_dinov2": {"vit_large_patch14_reg4_dinov2", nil},

	"beit_base_patch16_224": {"beit_b_16", nil}, "beit_base_patch16_384": {"beit_b_16", nil}, "beitv2_base_patch16_224": {"beit_b_16", nil},
	"beit_large_patch16_224": {"beit_l_16", nil}, "beit_large_patch16_384": {"beit_l_16", nil}, "beit_large_patch16_512": {"beit_l_16", nil},
	"beitv2_large_patch16_224": {"beit_l_16", nil},

	"vit_xsmall_patch16_clip_224": {"clip_xs_16", nil}, "vit_medium_patch16_clip_224": {"clip_m_16", nil},
	"vit_medium_patch32_clip_224": {"clip_m_32", nil}, "vit_betwixt_patch32_clip_224": {"clip_betwixt_32", nil},
	"vit_base_patch16_clip_224": {"clip_b_16", nil}, "vit_base_patch16_clip_384": {"clip_b_16", nil},
	"vit_base_patch16_clip_quickgelu_224": {"clip_b_16_quickgelu", nil}, "vit_base_patch32_clip_224": {"clip_b_32", nil},
	"vit_base_patch32_clip_256": {"clip_b_32", nil}, "vit_base_patch32_clip_384": {"clip_b_32", nil},
	"vit_base_patch32_clip_448": {"clip_b_32", nil}, "vit_base_patch32_clip_quickgelu_224": {"clip_b_32_quickgelu", nil},
	"vit_base_patch16_plus_clip_240": {"clip_b_16_plus", nil}, "vit_large_patch14_clip_224": {"clip_l_14", nil},
	"vit_large_patch14_clip_336": {"clip_l_14", nil}, "vit_large_patch14_clip_quickgelu_224": {"clip_l_14_quickgelu", nil},
	"vit_large_patch14_clip_quickgelu_336": {"clip_l_14_quickgelu", nil}, "vit_huge_patch14_clip_224": {"clip_h_14", nil},
	"vit_huge_patch14_clip_336": {"clip_h_14", nil}, "vit_huge_patch14_clip_378": {"clip_h_14", nil},
	"vit_huge_patch14_clip_quickgelu_224": {"clip_h_14_quickgelu", nil},
	"vit_huge_patch14_clip_quickgelu_378": {"clip_h_14_quickgelu", nil},

	"deit3_small_patch16_224": {"deit3_s_16", nil}, "deit3_small_patch16_384": {"deit3_s_16", nil},
	"deit3_base_patch16_224": {"deit3_b_16", nil}, "deit3_base_patch16_384": {"deit3_b_16", nil},
	"deit3_large_patch16_224": {"deit3_l_16", nil}, "deit3_large_patch16_384": {"deit3_l_16", nil},
	"deit3_medium_patch16_224": {"deit3_m_16", nil}, "deit3_huge_patch14_224": {"deit3_h_14", nil},
	"deit_tiny_distilled_patch16_224":  {"deit_ti_16_distilled", timmDistilled},
	"deit_small_distilled_patch16_224": {"deit_s_16_distilled", timmDistilled},
	"deit_base_distilled_patch16_224":  {"deit_b_16_distilled", timmDistilled},
	"deit_base_distilled_patch16_384":  {"deit_b_16_distilled", timmDistilled},

	"vit_base_patch16_siglip_224": {"siglip_b_16", nil}, "vit_base_patch16_siglip_256": {"siglip_b_16", nil},
	"vit_base_patch16_siglip_384": {"siglip_b_16", nil}, "vit_base_patch16_siglip_512": {"siglip_b_16", nil},
	"vit_base_patch16_siglip_gap_224": {"siglip_b_16_gap", nil}, "vit_base_patch16_siglip_gap_256": {"siglip_b_16_gap", nil},
	"vit_base_patch16_siglip_gap_384": {"siglip_b_16_gap", nil}, "vit_base_patch16_siglip_gap_512": {"siglip_b_16_gap", nil},
	"vit_base_patch32_siglip_256": {"siglip_b_32_tanh", nil}, "vit_base_patch32_siglip_gap_256": {"siglip_b_32_gap_tanh", nil},
	"vit_large_patch16_siglip_256": {"siglip_l_16", nil}, "vit_large_patch16_siglip_384": {"siglip_l_16", nil},
	"vit_large_patch16_siglip_512": {"siglip_l_16_tanh", nil}, "vit_large_patch16_siglip_gap_256": {"siglip_l_16_gap", nil},
	"vit_large_patch16_siglip_gap_384": {"siglip_l_16_gap", nil}, "vit_large_patch16_siglip_gap_512": {"siglip_l_16_gap_tanh", nil},
	"vit_so400m_patch14_siglip_224": {"siglip_so_14", nil}, "vit_so400m_patch14_siglip_378": {"siglip_so_14", nil},
	"vit_so400m_patch14_siglip_384": {"siglip_so_14", nil}, "vit_so400m_patch14_siglip_gap_224": {"siglip_so_14_gap", nil},
	"vit_so400m_patch14_siglip_gap_378": {"siglip_so_14_gap", nil}, "vit_so400m_patch14_siglip_gap_384": {"siglip_so_14_gap", nil},
	"vit_so400m_patch14_siglip_gap_448": {"siglip_so_14_gap", nil}, "vit_so400m_patch14_siglip_gap_896": {"siglip_so_14_gap", nil},
	"vit_so400m_patch16_siglip_256": {"siglip_so_16_tanh", nil}, "vit_so400m_patch16_siglip_384": {"siglip_so_16_tanh", nil},
	"vit_so400m_patch16_siglip_512": {"siglip_so_16_tanh", nil}, "vit_so400m_patch16_siglip_gap_256": {"siglip_so_16_gap_tanh", nil},
	"vit_so400m_patch16_siglip_gap_384": {"siglip_so_16_gap_tanh", nil},
	"vit_so400m_patch16_siglip_gap_512": {"siglip_so_16_gap_tanh", nil},

	"eva02_tiny_patch14_224": {"eva02_ti_14", nil}, "eva02_tiny_patch14_336": {"eva02_ti_14", nil},
	"eva02_small_patch14_224": {"eva02_s_14", nil}, "eva02_small_patch14_336": {"eva02_s_14", nil},
	"eva02_base_patch14_224": {"eva02_b_14", nil}, "eva02_base_patch14_448": {"eva02_b_14", nil},
	"eva02_large_patch14_224": {"eva02_l_14", nil}, "eva02_large_patch14_448": {"eva02_l_14", nil},
	"eva02_base_patch16_clip_224": {"eva02_b_16_clip", nil}, "eva02_large_patch14_clip_224": {"eva02_l_14_clip", nil},
	"eva02_large_patch14_clip_336": {"eva02_l_14_clip", nil},

	"swin_tiny_patch4_window7_224": {"swin_t", timmSwin}, "swin_small_patch4_window7_224": {"swin_s", timmSwin},
	"swin_base_patch4_window7_224": {"swin_b", timmSwin}, "swin_large_patch4_window7_224": {"swin_l", timmSwin},
	"swin_base_patch4_window12_384": {"swin_b_window12", timmSwin}, "swin_large_patch4_window12_384": {"swin_l_window12", timmSwin},
	"swinv2_tiny_window8_256": {"swin_v2_t", timmSwin}, "swinv2_small_window8_256": {"swin_v2_s", timmSwin},
	"swinv2_base_window8_256": {"swin_v2_b", timmSwin},

	"swinv2_tiny_window16_256": {"swin_v2_t_window16", timmSwin}, "swinv2_small_window16_256": {"swin_v2_s_window16", timmSwin},
	"swinv2_base_window16_256": {"swin_v2_b_window16", timmSwin}, "swinv2_base_window12_192": {"swin_v2_b_window12", timmSwin},
	"swinv2_base_window12to16_192to256": {"swin_v2_b_window12to16", timmSwin}, "swinv2_base_window12to24_192to384": {"swin_v2_b_window12to24", timmSwin},
	"swinv2_large_window12_192": {"swin_v2_l_window12", timmSwin}, "swinv2_large_window12to16_192to256": {"swin_v2_l_window12to16", timmSwin},
	"swinv2_large_window12to24_192to384": {"swin_v2_l_window12to24", timmSwin},

	"mobilevit_xxs": {"mobilevit_xxs", nil}, "mobilevit_xs": {"mobilevit_xs", nil}, "mobilevit_s": {"mobilevit_s", nil},

	"inception_v3": {"inception_v3", nil},
}

// timmDiffers gives, by the beginning of an architecture's name, the reason why torchvision's relative is another
// network.
var timmDiffers = []struct{ prefix, why string }{
	{"tf_efficientnet_b8", "its widths and depths are those of no network of the zoo"},
	{"tf_efficientnet_l2", "its widths and depths are those of no network of the zoo"},
	{"tf_efficientnet_cc_", "its convolutions are mixtures of several kernels, chosen by the image"},
	{"mobilenetv3_rw", "its last convolution has a norm and no bias, and its squeeze widths are others"},
	{"mobilenetv3_", "its widths or layers are others than those of mobilenetv3_large_100, large_075, small_100, small_075 and small_050, which the zoo has"},
	{"efficientnet_b8", "its widths and depths are those of no network of the zoo"},
	{"efficientnet_b", "it is a variant of efficientnet_b0 to b7 with other layers, such as group norms, or other widths"},
	{"efficientnet_cc_", "its convolutions are mixtures of several kernels, chosen by the image"},
	{"gc_efficientnetv2_rw", "its attention is over places (global context), not the squeeze-and-excitation of efficientnetv2_rw_t, which the zoo has"},
	{"maxvit_", "its stem, its padding and its attention are others than those of torchvision's maxvit_t"},
	{"regnety_040_sgn", "its norms are over groups of channels"},
	{"regnety_2560", "its widths are those of no network of the zoo"},
	{"regnetv_", "its norms and activations come before the convolutions"},
	{"regnetz_", "its blocks are inverted bottlenecks with other activations"},
	{"mnasnet_140", "it is wider than torchvision's mnasnet1_3"},
	{"vit_giant_patch14_clip", "its widths and depths are those of no network of the zoo"},
	{"vit_gigantic_patch14_clip", "its widths and depths are those of no network of the zoo"},
	{"vit_giantopt_patch16_siglip", "its widths and depths are those of no network of the zoo"},
	{"eva02_enormous_patch14_clip", "its blocks normalise after the branches, which no network of the zoo does"},
	{"vit_giant_patch14", "its perceptrons are gated (SwiGLU), which the zoo has not"},
	{"beit3", "its blocks normalise within the branches, which no network of the zoo does"},
	{"mobilevitv2_", "its attention is linear in the number of patches, which no network of the zoo has"},
	{"resnetv2", "its activations come before the convolutions"},
	{"resnetaa", "it smooths before it halves a map (anti-aliasing)"},
	{"seresnextaa", "it smooths before it halves a map (anti-aliasing)"},
	{"resnetblur", "it smooths before it halves a map (anti-aliasing)"},
	{"resnetrs", "its stem has a convolution in place of the pooling, and its squeeze widths are others"},
	{"ecaresnet", "its attention is a convolution over channels (ECA), not squeeze-and-excitation"},
	{"skresnet", "its blocks choose between kernels (selective kernels)"},
	{"resnet50_gn", "its norms are over groups of channels"},
	{"legacy_seresne", "its pooling rounds sizes up, and its keys are another library's; seresnet and seresnext, which the zoo has, are the newer form"},
}

// timmArchitecture finds the torchvision model for an architecture of timm, or returns an error with the reason why
// there is none.
func timmArchitecture(architecture string) (timmModel, error) {
	if m, ok := timmModels[architecture]; ok {
		return m, nil
	}
	for _, d := range timmDiffers {
		if strings.HasPrefix(architecture, d.prefix) {
			return timmModel{}, fmt.Errorf("timm's %q would give wrong numbers here: %s. Export it to ONNX, and load that file", architecture, d.why)
		}
	}
	return timmModel{}, fmt.Errorf("timm's %q is none of the architectures that the zoo has as well: %s, in most sizes (zoo.TimmArchitectures lists them). Export it to ONNX, and load that file", architecture,
		"resnet (also c, d and t), seresnet, resnext, seresnext, wide_resnet, vgg, densenet, mobilenetv2, mobilenetv3 and tf_mobilenetv3, mnasnet, efficientnet, tf_efficientnet, efficientnet_lite, efficientnetv2_rw, tf_efficientnetv2, regnet, convnext, convnextv2, vit, deit, deit3, the image towers of CLIP and SigLIP, dinov2, beit, beitv2, eva02, mobilevit, swin, swinv2, inception_v3")
}

// TimmArchitectures lists the architectures of timm that can be loaded from the Hugging Face hub, sorted; each has the
// same network in the zoo.
func TimmArchitectures() []string { return slices.Sorted(maps.Keys(timmModels)) }

// timmNames says in parentheses which models of timm are a network of the zoo, "" if none is.
func timmNames(network string) string {
	var names []string
	for name, m := range timmModels {
		if m.name == network {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return " (timm has some, for " + strings.Join(names, ", ") + ")"
}

// timmLayouts returns the layouts of timm for the torchvision network of the given name. A file does not say its
// epsilon or its padding: if networks of timm that differ in these alone have other names here, a note names them.
func timmLayouts(name string) []layout {
	var others []layout
	for _, architecture := range TimmArchitectures() {
		m := timmModels[architecture]
		if m.rename == nil || baseName(m.name) != baseName(name) {
			continue
		}
		layouts := m.layouts() // all timm models of this network have the same
		twin := timmTwin(architecture)
		if m.name == name {
			for i := range layouts {
				layouts[i].note = twin
			}
			return layouts
		}
		for i := range layouts {
			layouts[i].note = fmt.Sprintf("its names are those of timm, whose %s adds another number to the variance in its normalisations than %s: name %s to compute what timm computes",
				architecture, name, m.name)
			if twin != "" {
				layouts[i].note += "; " + twin
			}
		}
		others = layouts
	}
	return others
}

// timmTwin is a note about the network of timm that has the same names and another padding, TensorFlow's or PyTorch's;
// empty if there is none.
func timmTwin(architecture string) string {
	other, isTF := strings.CutPrefix(architecture, "tf_")
	if !isTF {
		other = "tf_" + architecture
	}
	m, ok := timmModels[other]
	if !ok {
		return ""
	}
	return fmt.Sprintf("timm's %s has the same names and pads in another way: if the file is of that one, name %s", other, m.name)
}

// layouts returns today's layout and, for Swin, that of timm before 0.9, which downsamples at the end of a stage.
func (t timmModel) layouts() []layout {
	rename := t.rename
	if rename == nil {
		return []layout{{name: "timm", rename: func(key string) string { return key }}}
	}
	out := []layout{{name: "timm", rename: rename}}
	if strings.HasPrefix(t.name, "swin") {
		out = append(out, layout{name: "timm before 0.9", rename: func(key string) string { return rename(newerSwinKey(key)) }})
	}
	return out
}
