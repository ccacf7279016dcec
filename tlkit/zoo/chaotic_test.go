package zoo_test

// chaotic are the models whose logits under the golden formula's weights no engine can reproduce in single precision:
// the networks are deep, without a bound on what they amplify, and the formula's kernels are a little too large for them.
// PyTorch's own logits in single precision are 2.1 (v2_m) and 2.8 (v2_l) of the logits' standard deviation away from
// its logits in double precision, and on two processors 2.3 and 2.4 away from each other. So the order in which sums
// are taken decides, and none is nearer than another.
//
// What can be told of them: keys, shapes and the number of parameters are equal (TestGolden); the distance from the golden
// logits is no larger than apart, which is what PyTorch's own single and double precision, or two of its processors,
// come to, with room for another draw; and with kernels that are a fifth smaller, where nothing is chaotic, the logits
// are PyTorch's (TestEfficientNetV2Tempered).
var chaotic = map[string]struct{ apart float64 }{
	"efficientnet_v2_m": {3},
	"efficientnet_v2_l": {4},
}
