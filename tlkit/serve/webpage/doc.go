// Package webpage makes one HTML file of a classifier: the page of package serve with the service inside, compiled to
// WebAssembly with the pure-Go engine. The file needs no server and no network, works from a disk, and its content
// security policy refuses it all requests, so that pictures are sent nowhere.
//
// A program package has two parts: for GOOS=js a main function that calls Run with its handler, and for other systems
// one that calls Make, which compiles the first. Package project writes both.
package webpage
