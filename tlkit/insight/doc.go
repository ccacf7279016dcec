// Package insight shows what a model sees and what a data set holds: heat maps of the parts of an image that a class
// depends on ([GradCAM], [Occlusion]); what the channels of a stage make of an image ([FeatureMaps], [Filters]); where
// images lie by their features ([EmbeddingMap]); wrong labels, duplicates and poor images ([Inspect]); which
// pretrained model suits the images ([Rank]); what training does with each stage ([Diagram]) and what it moved
// ([CompareWeights]).
//
// Each method is a function in a file of its own. It returns plain values together with a figure: a cell that ends in
// the result shows it, and its fields have the numbers.
package insight
