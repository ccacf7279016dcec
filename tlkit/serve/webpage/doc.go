// Package webpage makes one HTML file of a classifier: the page of package serve with the service inside, compiled to
// WebAssembly with the pure-Go engine. The file needs no server and no network, works from a disk, and its content
// security policy forbids every connection, so that a picture never leaves the machine.
//
// A program package has two parts: for GOOS=js a main function that calls Run with its handler, and for other systems
// one that calls Make, which compiles the first. Package project writes both.
package webpage
