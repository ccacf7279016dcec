package insight

import "math"

// nce is the negative conditional entropy of the labels, given the class of the pretrained model's own that it takes
// each image for: Tran et al. 2019, Transferability and Hardness of Supervised Classification Tasks (arXiv 1908.08142,
// equation 3). It is at most 0, in nats; higher is better.
func nce(source, labels []int) float64 {
	both, alone := map[[2]int]float64{}, map[int]float64{}
	for i, z := range source {
		both[[2]int{z, labels[i]}]++
		alone[z]++
	}
	sum := 0.0
	for key, n := range both {
		sum += n / float64(len(labels)) * math.Log(n/alone[key[0]])
	}
	return sum
}
