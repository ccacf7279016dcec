// Package tsne places points with many coordinates in a plane so that neighbours stay neighbours: t-distributed
// stochastic neighbour embedding (van der Maaten and Hinton 2008, Visualizing Data using t-SNE, JMLR 9).
//
// It is written here because the Go libraries that there are have no release: danaugrs/go-tsne was last changed in
// 2020, nozzle/umap-go (2026) has no version yet and no module that imports it. The exact method costs n²
// operations in each step, which for the few thousand images of a map takes seconds; Barnes and Hut's approximation
// begins to pay beyond that.
package tsne
