// Package datasets loads labelled images: built-in ones that are drawn on the spot, known ones that are downloaded, and
// your own, from folders, zip files or lists.
//
//	d, err := datasets.Load("hymenoptera")                      // by name; List returns the names
//	d, err = datasets.ImageFolder("my/photos")                  // a folder per class, perhaps below train/ and val/
//	d, err = datasets.FromCSV("labels.csv", "image", "label")   // labels in a table
//	d, err = datasets.FromPattern("my/photos", "{class}.*.jpg") // labels in the file names: cat.0.jpg
//	d, err = datasets.FromSamples("mine", samples)              // labels in a slice of datasets.Sample
//
// Each has a Must form for notebook cells. Splits and labels are read where only one reading is possible; otherwise an
// error shows the data found and names the option that decides. Dataset.Warnings summarises the files left out;
// Dataset.Report lists them one by one.
//
// The loader looks for known data in Options.Dir, in the folder TLKIT_DATA and in the cache (TLKIT_CACHE, else the
// user's cache folder), and then downloads it, unless TLKIT_OFFLINE=1. Images are decoded on demand; package train
// keeps decoded images for all epochs.
package datasets
