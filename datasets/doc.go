// Package datasets loads labelled images: built-in ones that are drawn on the spot, known ones that are downloaded, and
// your own, from folders, zip files or lists.
//
//	d, err := datasets.Load("hymenoptera")                          // by name; List tells the names
//	d, err := datasets.ImageFolder("my/photos")                     // a folder per class, perhaps below train/ and val/
//	d, err := datasets.FromCSV("labels.csv", "image", "label")      // labels in a table
//	d, err := datasets.FromPattern("my/photos", "{class}.*.jpg")    // labels in the file names: cat.0.jpg
//	d, err := datasets.FromSamples("mine", []datasets.Sample{...})  // labels in a slice
//
// Each has a Must form for notebook cells. Splits and labels are read where one reading is possible; else an error shows
// what was found and the option that says how to read it. What was left out is in Dataset.Warnings, in short, and in
// Dataset.Report, file by file.
//
// Known data is looked for in Options.Dir, in the folder TLKIT_DATA, in the cache (TLKIT_CACHE, else the user's cache
// folder), and then downloaded, unless TLKIT_OFFLINE=1. Images are decoded on demand; package train keeps them.
package datasets
