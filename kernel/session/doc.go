// Package session keeps what a notebook has declared and runs its cells: it
// knows which name comes from which cell, plans what a new cell must compile
// (and what of earlier cells with it), has package build make a plugin of it
// and package worker run it.
package session
