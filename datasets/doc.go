// Package datasets loads labelled images: built-in ones that are drawn on the spot, known ones that are downloaded, and
// any folder or zip file that has one folder per class.
//
//	d, err := datasets.Load("hymenoptera")        // by name; List tells the names
//	d, err := datasets.ImageFolder("my/photos")   // train/ and val/ with class folders, or class folders alone
//
// Known data is looked for in Options.Dir, in the folder TLKIT_DATA, in the cache (TLKIT_CACHE, else the user's cache
// folder), and then downloaded, unless TLKIT_OFFLINE=1. Images are decoded when they are asked for; package train keeps
// what it has asked for.
package datasets
