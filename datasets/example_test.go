package datasets_test

import (
	"fmt"
	"image/png"
	"os"
	"path/filepath"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
)

// draw writes images of the built-in set "shapes" under the given names into a new folder.
func draw(names ...string) (dir string, done func()) {
	dir, err := os.MkdirTemp("", "photos")
	if err != nil {
		panic(err)
	}
	shapes := datasets.MustLoad("shapes")
	for i, name := range names {
		image, err := shapes.Train.Image(i)
		if err != nil {
			panic(err)
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			panic(err)
		}
		f, err := os.Create(path)
		if err != nil {
			panic(err)
		}
		if err := png.Encode(f, image.ToImage()); err != nil {
			panic(err)
		}
		f.Close()
	}
	return dir, func() { os.RemoveAll(dir) }
}

// Built-in sets are drawn on the spot, so that nothing is downloaded.
func ExampleLoad() {
	sketches, err := datasets.Load("sketches", datasets.Options{PerClass: 5})
	if err != nil {
		panic(err)
	}
	fmt.Println(sketches.NumClasses(), "classes,", sketches.Train.Len(), "training images")
	fmt.Println(sketches.Train.Name(0), "is of class", sketches.Train.Classes()[sketches.Train.Label(0)])
	// Output:
	// 10 classes, 50 training images
	// v1-seed0/train/boat/0000 is of class boat
}

// A folder per class is enough: some images of each class are kept for validation.
func ExampleImageFolder() {
	dir, done := draw("cats/1.png", "cats/2.png", "cats/3.png", "dogs/1.png", "dogs/2.png", "dogs/3.png", "read me.txt")
	defer done()
	os.WriteFile(filepath.Join(dir, "read me.txt"), []byte("photographs of 2024"), 0o644)

	photos, err := datasets.ImageFolder(dir)
	if err != nil {
		panic(err)
	}
	fmt.Println(photos.Classes, photos.Train.Len(), "train,", photos.Val.Len(), "val")
	fmt.Print(photos.Report())
	// Output:
	// [cats dogs] 4 train, 2 val
	// read me.txt: not an image
}

// Where folders can be read in two ways, the options say which.
func ExampleOptions() {
	dir, done := draw("fold1/cats/1.png", "fold1/dogs/1.png", "fold2/cats/2.png", "fold2/dogs/2.png")
	defer done()

	photos, err := datasets.ImageFolder(dir, datasets.Options{Train: "fold1", Val: "fold2"})
	if err != nil {
		panic(err)
	}
	fmt.Println(photos.Classes, photos.Train.Len(), "train,", photos.Val.Len(), "val")
	// Output: [cats dogs] 2 train, 2 val
}

// Labels may stand in a list, as in many competitions.
func ExampleFromCSV() {
	dir, done := draw("train/0b1.png", "train/4f2.png", "train/a93.png", "train/c07.png")
	defer done()
	labels := "id,breed\n0b1,pug\n4f2,boxer\na93,pug\nc07,boxer\n"
	os.WriteFile(filepath.Join(dir, "labels.csv"), []byte(labels), 0o644)

	dogs, err := datasets.FromCSV(filepath.Join(dir, "labels.csv"), "id", "breed")
	if err != nil {
		panic(err)
	}
	fmt.Println(dogs.Classes, dogs.Train.Len(), "train,", dogs.Val.Len(), "val")
	// Output: [boxer pug] 2 train, 2 val
}

// Or in the names of the files.
func ExampleFromPattern() {
	dir, done := draw("cat.0.png", "cat.1.png", "dog.0.png", "dog.1.png")
	defer done()

	pets, err := datasets.FromPattern(dir, "{class}.*.png")
	if err != nil {
		panic(err)
	}
	fmt.Println(pets.Classes, pets.Train.Len(), "train,", pets.Val.Len(), "val")
	// Output: [cat dog] 2 train, 2 val
}

// Or in a slice of one's own.
func ExampleFromSamples() {
	dir, done := draw("1.png", "2.png", "3.png", "4.png")
	defer done()

	mine, err := datasets.FromSamples("mine", []datasets.Sample{
		{Path: "1.png", Class: "round"}, {Path: "2.png", Class: "square"},
		{Path: "3.png", Class: "round", Split: "val"}, {Path: "4.png", Class: "square", Split: "val"},
	}, datasets.Options{Dir: dir})
	if err != nil {
		panic(err)
	}
	fmt.Println(mine)
	// Output: mine: 2 classes (round, square), 2 train, 2 val
}
