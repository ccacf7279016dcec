package read

import (
	"slices"

	"github.com/gomlx/compute-onnx/support/protos"
)

// inOrder sorts the nodes of a graph so that each comes after those whose results it needs. ONNX demands that order,
// and most files have it; onnxruntime's conversion to float16 appends its Casts at the end. Nodes in a circle keep
// their places at the end, and so do those that need what no node makes.
func inOrder(g *protos.GraphProto) {
	maker := map[string]int{}
	sorted := true
	for i, n := range g.Node {
		for _, out := range n.GetOutput() {
			if _, twice := maker[out]; !twice && out != "" {
				maker[out] = i
			}
		}
	}
	waits, users := make([]int, len(g.Node)), make([][]int, len(g.Node))
	for i, n := range g.Node {
		for _, in := range n.GetInput() {
			if from, made := maker[in]; made {
				waits[i]++
				users[from] = append(users[from], i)
				sorted = sorted && from < i
			}
		}
	}
	if sorted {
		return
	}
	nodes := make([]*protos.NodeProto, 0, len(g.Node))
	var ready []int
	for i := range g.Node {
		if waits[i] == 0 {
			ready = append(ready, i)
		}
	}
	for len(ready) > 0 {
		i := ready[0]
		ready = ready[1:]
		nodes = append(nodes, g.Node[i])
		for _, user := range users[i] {
			if waits[user]--; waits[user] == 0 {
				at, _ := slices.BinarySearch(ready, user)
				ready = slices.Insert(ready, at, user)
			}
		}
	}
	for i, n := range g.Node {
		if waits[i] > 0 {
			nodes = append(nodes, n)
		}
	}
	g.Node = nodes
}
