package zoo

import (
	"fmt"
	"strings"
)

// layoutsOf lists the layouts that a file for the network may have, torchvision's own first.
func layoutsOf(spec Spec) []layout {
	own := layout{rename: spec.Rename}
	if own.rename == nil {
		own.rename = func(key string) string { return key }
	}
	out := []layout{own}
	if children := childrenOf(spec); children != nil {
		out = append(out, layout{name: "fastai, or of a Sequential of the network's children", rename: func(key string) string { return byChild(children, key) }})
	}
	out = append(out, timmLayouts(spec.Name)...)
	return append(out, transformersLayouts(spec)...)
}

// childrenOf lists the names of torchvision's direct children of a network in order, down to the last that has weights
// and is not the output layer; nil if the family is not known to be saved by them.
func childrenOf(spec Spec) []string {
	switch spec.Family {
	case "resnet":
		return []string{"conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"}
	case "regnet":
		return []string{"stem", "trunk_output"}
	case "shufflenet_v2":
		return []string{"conv1", "maxpool", "stage2", "stage3", "stage4", "conv5"}
	case "alexnet", "vgg", "squeezenet", "densenet", "mobilenet_v2", "mobilenet_v3", "efficientnet", "convnext", "swin":
		return []string{"features"}
	}
	return nil
}

// byChild replaces the number at the start of a key, the place of a child in a torch.nn.Sequential, by the child's
// name. nn.Sequential(*list(model.children())[:-1]) and fastai's learners are saved with such numbers.
func byChild(children []string, key string) string {
	for i, name := range children {
		if rest, ok := strings.CutPrefix(key, fmt.Sprintf("%d.", i)); ok {
			return name + "." + rest
		}
	}
	return key
}
