// Package detect shows where fine-tuning came from: R-CNN (Girshick et al. 2014, arXiv 1311.2524), which took a
// classifier pretrained on ImageNet, fine-tuned it on warped regions of the images of another task, and so found objects.
// It is a small version to learn from, not a detector to use: synthetic scenes, no bounding-box regression, and the
// softmax of the fine-tuned network for scores (as Fast R-CNN, arXiv 1504.08083) where R-CNN trains support vector machines.
//
//	scenes := detect.Scenes(sketches, sketches.Train, 60, detect.SceneOptions{Seed: 1})  // several objects each, with boxes
//	regions, err := detect.Regions(sketches.Classes, scenes, tests, detect.RegionOptions{}) // proposals as a data set
//	run := tlkit.MustCompare("rcnn", regions, model, tlkit.LogisticRegression{}, tlkit.FineTune{})
//	detector := detect.Detector{Model: ...}                // a result's model
//	report, err := detector.Evaluate(tests)                // average precision per class, and their mean
//
// scene.go makes the scenes, segment.go and proposals.go find what may be an object, warp.go brings it to the network's
// input, regions.go makes training examples, detector.go scores, measure.go measures.
package detect
