// Package detect shows the origin of fine-tuning: R-CNN (Girshick et al. 2014, arXiv 1311.2524). R-CNN finds objects
// with a classifier that was pretrained on ImageNet and fine-tuned on warped regions of the images of another task.
// This is a small version to learn from, not a detector to use: the scenes are synthetic, there is no bounding-box
// regression, and the scores are the softmax of the fine-tuned network (as in Fast R-CNN, arXiv 1504.08083), where
// R-CNN trains support vector machines.
//
//	scenes, err := detect.Scenes(sketches.Train, 60, detect.SceneOptions{Seed: 1}) // several objects each, with boxes
//	tests, err := detect.Scenes(sketches.Val, 20, detect.SceneOptions{Seed: 2})
//	regions, err := detect.Regions(sketches.Classes, scenes, tests, detect.RegionOptions{}) // proposals as a data set
//	run := tlkit.MustCompare("rcnn", regions, model,
//		tlkit.LogisticRegression{}, tlkit.FineTune{From: "layer3", LearningRate: 0.03})
//	tuned, err := run.Best().Model()
//	detector := detect.Detector{Model: tuned}
//	report, err := detector.Evaluate(tests) // average precision per class, and their mean
//
// scene.go makes the scenes, segment.go and proposals.go propose boxes that may hold an object, warp.go warps a box to
// the network's input, regions.go makes training examples, detector.go scores the boxes, measure.go computes the
// precision.
package detect
