// Package tables writes tables as HTML and as plain text, in one MIME bundle. It draws nothing, so that a program can
// link it without the libraries of the package plots, which has charts and pictures.
package tables
