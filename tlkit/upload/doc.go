// Package upload takes pictures from the browser of a notebook into a folder.
//
// [Pictures] shows a field below its cell and waits. Chosen and dropped files come in pieces, one at a time, over
// GoNB's comms (github.com/janpfeifer/gonb/gonbui/comms), which works in JupyterLab and Notebook 7 without an
// extension, in this project's kernel and in GoNB's own. The browser is trusted no more than a file from the network: a
// folder bounds all that is written, names never lead out of it, and the number and the size of files are counted while
// they arrive, also of those within a zip.
package upload
