// Package zoo holds the image classifiers: one file per family, each with the paper it comes from, and a registry.
//
// Every model is a list of named stages and a head, so that the verbs of transfer learning are the same for all:
// take the features after any stage, freeze up to a stage, replace the head for other classes. Variables carry the
// keys of torchvision's state dicts, so weight files load without a mapping table.
//
// # Agreement with torchvision
//
// For the same weights and image, logits are torchvision's up to rounding. The table has the largest difference of a
// logit over the logits' standard deviation, the worst model of each family, on the two engines with simd (AVX2,
// PyTorch 2.15, torchvision 0.29.2); keys, shapes and parameter counts are equal. The limit is 1e-3.
//
//	family                models   pure Go   ONNX Runtime
//	alexnet                    1    4.0e-6         6.0e-6
//	convnext                   3    2.5e-6         2.4e-6
//	densenet                   4    2.3e-6         4.7e-6
//	efficientnet b0..b7        8    2.3e-6         4.7e-6
//	efficientnet_v2_s          1    5.0e-4         3.7e-4
//	googlenet                  1    2.3e-6         2.1e-6
//	inception_v3               1    1.7e-6         2.4e-6
//	maxvit                     1    3.3e-5         2.4e-5
//	mnasnet                    4    2.2e-6         2.3e-6
//	mobilenet_v2               1    2.5e-6         3.2e-6
//	mobilenet_v3               2    2.2e-6         2.3e-6
//	regnet x, y               14    2.7e-6         3.6e-6
//	resnet                     5    2.5e-6         3.7e-6
//	resnext                    3    2.4e-6         4.3e-6
//	shufflenet_v2              4    2.2e-6         2.7e-6
//	squeezenet                 2    1.9e-6         1.9e-6
//	swin, swin_v2              6    2.7e-6         2.4e-6
//	vgg                        8    8.4e-6         1.0e-5
//	vit                        2    6.6e-6         6.4e-6
//	wide_resnet                2    3.0e-6         3.2e-6
//
// Networks that torchvision lacks are held against other libraries: tf_efficientnet, tf_mobilenet_v1 and
// tf_mobilenet_v2 against transformers, DINOv2 against transformers and timm (small, with and without registers; 5.1e-6
// on pure Go), and those under timm's names (efficientnetv2_rw_t, resnet50d, regnety_040 and so on) against timm: the
// logits of the smaller ones, keys, shapes and the numbers of parameters of all.
//
// The formula that gives the weights makes the efficientnet_v2 networks ill-conditioned: they multiply rounding errors
// by ten thousand (v2_s) and more. efficientnet_v2_m and efficientnet_v2_l are 2.3 and 2.9 deviations away from logits
// that PyTorch computed on another machine, as PyTorch itself is from its own in double precision (2.2 and 2.5); in
// double precision ours are PyTorch's to 2e-6.
//
// The figures are those of
//
//	go test ./tlkit/zoo -run Golden -tags slow -v -timeout 60m
//
// which needs the golden files; TLKIT_PEER_PYTHON, when it names a Python with torchvision, adds the models that have
// none (up to 150 million parameters), and compares addresses, sizes, accuracies, classes and preprocessing of all
// weight sets with torchvision's own (-run PeerFacts).
//
// To add a family, write a file that returns its [Spec] list, add that list to families in registry.go, and put the
// golden logits beside the others (see CONTRIBUTING.md).
package zoo
