package datasets

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

func TestSplitOf(t *testing.T) {
	for name, want := range map[string]string{
		"train": "train", "Train": "train", "TRAINING": "train", "training_set": "train", "trainset": "train", "train-images": "train",
		"train2017": "train", "Training Data": "train", "val": "val", "Valid": "val", "validation": "val", "dev": "val", "eval": "val",
		"evaluation_set": "val", "TrainData": "train", "testImages": "test", "VALDATA": "val", "trainingdata": "train", "imagesTest": "test", "devset": "val", "test": "test", "Testing": "test", "test_set": "test", "testset": "test",
		"cats": "", "trains": "", "train_test": "", "contest": "", "images": "", "station": "", "": "", "express train": "",
		"CarTrain": "", "MyTestData": "", "protest": "", "latest": "", "datasets": "", "setter": "",
	} {
		if got := splitOf(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// Each tree has one reading, which is found, or two, which the error shows.
func TestFoldersAsPeopleHaveThem(t *testing.T) {
	withCache(t)
	type tree map[string]int
	none := Options{ValFraction: -1}
	for _, tt := range []struct {
		name             string
		folders          tree
		extra            map[string]string
		opts             Options
		classes          []string
		train, val, test int
		err              string
	}{
		{"sets", tree{"training_set/cats": 4, "training_set/dogs": 4, "test_set/cats": 2, "test_set/dogs": 2}, nil, none, []string{"cats", "dogs"}, 8, 4, 4, ""},
		{"sets in sets", tree{"training_set/training_set/cats": 4, "training_set/training_set/dogs": 4, "test_set/test_set/cats": 2, "test_set/test_set/dogs": 2}, nil, none, []string{"cats", "dogs"}, 8, 4, 4, ""},
		{"capitals", tree{"Train/a": 4, "Train/b": 4, "Valid/a": 1, "Valid/b": 1}, nil, none, []string{"a", "b"}, 8, 2, 0, ""},
		{"train, dev, test", tree{"train/a": 4, "train/b": 4, "dev/a": 1, "dev/b": 1, "test/a": 3, "test/b": 3}, nil, none, []string{"a", "b"}, 8, 2, 6, ""},
		{"train and eval", tree{"train/a": 4, "train/b": 4, "eval/a": 1, "eval/b": 1}, nil, none, []string{"a", "b"}, 8, 2, 0, ""},
		{"class above split", tree{"cats/train": 4, "cats/val": 2, "dogs/train": 3, "dogs/val": 2}, nil, none, []string{"cats", "dogs"}, 7, 4, 0, ""},
		{"class above split, in a folder", tree{"x/cats/Train": 4, "x/cats/Test": 2, "x/dogs/Train": 3, "x/dogs/Test": 2}, nil, none, []string{"cats", "dogs"}, 7, 4, 4, ""},
		{"train in train", tree{"train/train/cats": 4, "train/train/dogs": 4}, nil, none, []string{"cats", "dogs"}, 8, 0, 0, ""},
		{"splits in train", tree{"train/train/cats": 4, "train/train/dogs": 4, "train/val/cats": 1, "train/val/dogs": 1}, nil, none, []string{"cats", "dogs"}, 8, 2, 0, ""},
		{"a folder around a split's classes", tree{"train/images/cats": 4, "train/images/dogs": 4, "val/images/cats": 1, "val/images/dogs": 1}, nil, none, []string{"cats", "dogs"}, 8, 2, 0, ""},
		{"a README beside the tree", tree{"data/train/a": 4, "data/train/b": 4, "data/val/a": 1, "data/val/b": 1}, map[string]string{"README.md": "hello", "docs/x.txt": "x"}, none, []string{"a", "b"}, 8, 2, 0, ""},
		{"what systems leave", tree{"train/a": 4, "train/b": 4}, map[string]string{".DS_Store": "x", "__MACOSX/train/a/._00.png": "x", ".git/config": "x", "train/a/Thumbs.db": "x"}, none, []string{"a", "b"}, 8, 0, 0, ""},
		{"a class named train", tree{"train": 4, "bus": 4, "car": 4}, nil, none, []string{"bus", "car", "train"}, 12, 0, 0, ""},
		{"a class named test", tree{"x/test": 4, "x/control": 4}, nil, none, []string{"control", "test"}, 8, 0, 0, ""},
		{"a class named train in splits", tree{"train/train": 4, "train/bus": 4, "val/train": 1, "val/bus": 1}, nil, none, []string{"bus", "train"}, 8, 2, 0, ""},
		{"an extra folder beside splits", tree{"train/a": 4, "train/b": 4, "val/a": 1, "val/b": 1, "extra": 3}, nil, none, []string{"a", "b"}, 8, 2, 0, ""},
		{"unlabelled test images", tree{"train/a": 4, "train/b": 4, "test": 5}, nil, none, []string{"a", "b"}, 8, 0, 0, ""},
		{"unlabelled test images in one folder", tree{"train/a": 4, "train/b": 4, "test/unknown": 5}, nil, none, []string{"a", "b"}, 8, 0, 0, ""},
		{"test images of a class without training images", tree{"train/a": 4, "train/b": 4, "test/a": 2, "test/c": 2}, nil, none, nil, 0, 0, 0, "class c has images for validation or test and none for training"},
		{"what storage systems leave", tree{"train/a": 4, "train/b": 4, "train/a/@eaDir/x.png": 2, "@eaDir": 1, "$RECYCLE.BIN": 1, "lost+found": 1}, nil, none, []string{"a", "b"}, 8, 0, 0, ""},
		{"images of a detector", tree{"train/images": 4, "valid/images": 2}, map[string]string{"train/labels/0.txt": "0 .5 .5 1 1"}, none, nil, 0, 0, 0, "looks like no class but like the images of all"},
		{"what programs leave", tree{"cat": 4, "dog": 4, "node_modules/x/img": 2, "venv/lib/a": 2, "runs/classify/train": 2, "wandb/run-1/media": 2, "cat/__pycache__": 1},
			map[string]string{"venv/pyvenv.cfg": "home = /usr", "runs/classify/train/args.yaml": "task: classify"}, none, []string{"cat", "dog"}, 8, 0, 0, ""},
		{"data in an environment of Python", tree{"x/cat": 4, "x/dog": 4, "x/lib/site-packages/a": 2}, map[string]string{"x/pyvenv.cfg": "home = /usr"}, none, []string{"cat", "dog"}, 8, 0, 0, ""},
		{"a program's folder that is named", tree{"mlruns/cat": 4, "mlruns/dog": 4, "x": 1}, nil, Options{Train: "mlruns", ValFraction: -1}, []string{"cat", "dog"}, 8, 0, 0, ""},
		{"a star for the classes", tree{"cat": 4, "dog": 4}, nil, Options{Train: "*"}, nil, 0, 0, 0, `has to follow it ("*/train"); if all folders are classes, give Options{Train: "."}`},
		{"a star for one of two splits", tree{"train/a": 4, "train/b": 4, "val/a": 1, "val/b": 1}, nil, Options{Train: "train/*", Val: "val"}, nil, 0, 0, 0, `if all folders are classes, give Options{Train: "train"}`},
		{"the folder of a class as training", tree{"cat": 4, "dog": 4}, nil, Options{Train: "cat"}, nil, 0, 0, 0, `name the folder above those of the classes: Options{Train: "."}`},
		{"the folder of a class within training", tree{"train/a": 4, "train/b": 4, "val/a": 1, "val/b": 1}, nil, Options{Train: "train/a", Val: "val"}, nil, 0, 0, 0, `name the folder above those of the classes: Options{Train: "train"}`},
		{"a split without folders is named", tree{"train/a": 4, "train/b": 4, "test": 5}, nil, Options{Train: "train", Test: "test"}, nil, 0, 0, 0, "within test, which the options name for test; expected a folder that holds one for each class"},
		{"names that only look like splits", tree{"contest": 4, "trains": 4}, nil, none, []string{"contest", "trains"}, 8, 0, 0, ""},

		{"capitals within a word", tree{"TrainData/a": 4, "TrainData/b": 4, "TestData/a": 2, "TestData/b": 2}, nil, none, []string{"a", "b"}, 8, 4, 4, ""},
		{"capitals within a word, unlabelled", tree{"TrainData/a": 4, "TrainData/b": 4, "TestData": 5}, nil, none, []string{"a", "b"}, 8, 0, 0, ""},
		{"a split's word within the name of the data", tree{"testdata/cats": 4, "testdata/dogs": 4}, nil, none, []string{"cats", "dogs"}, 8, 0, 0, ""},
		{"the same, capitals", tree{"x/TestImages/cats": 4, "x/TestImages/dogs": 4}, nil, none, []string{"cats", "dogs"}, 8, 0, 0, ""},
		{"the same, around splits", tree{"testdata/train/a": 4, "testdata/train/b": 4, "testdata/test/a": 2, "testdata/test/b": 2}, nil, none, []string{"a", "b"}, 8, 4, 4, ""},
		{"the same, said", tree{"testdata/cats": 4, "testdata/dogs": 4}, nil, Options{Test: "testdata"}, []string{"cats", "dogs"}, 0, 8, 8, ""},
		{"test images alone, for training", tree{"test/cats": 4, "test/dogs": 4}, nil, ImageFolderOptions{Train: "test", ValFraction: -1}, []string{"cats", "dogs"}, 8, 0, 0, ""},
		{"joined words", tree{"trainingdata/a": 4, "trainingdata/b": 4, "valimages/a": 2, "valimages/b": 2}, nil, none, []string{"a", "b"}, 8, 4, 0, ""},
		{"class above split, in other words", tree{"male/train": 4, "male/valid": 2, "female/training": 3, "female/validation": 2}, nil, none, []string{"female", "male"}, 7, 4, 0, ""},
		{"class above split, twice", tree{"a/train": 4, "a/training": 2, "b/train": 3}, nil, none, nil, 0, 0, 0, "/a has both train/ and training/"},
		{"two readings: parts with splits", tree{"fold1/train/a": 4, "fold1/train/b": 4, "fold1/val/a": 2, "fold1/val/b": 2, "fold2/train/a": 4, "fold2/train/b": 4}, nil, none, nil, 0, 0, 0, "fold1, fold2 hold splits with folders of the same names"},
		{"two readings: parts with splits, said", tree{"cats/train/day": 4, "cats/train/night": 4, "dogs/train/day": 4, "dogs/train/night": 4}, nil, Options{Train: "*/train", ValFraction: -1}, []string{"cats", "dogs"}, 16, 0, 0, ""},
		{"class above split, with folders", tree{"cats/train/x": 4, "cats/train/y": 4, "dogs/train/p": 4, "dogs/train/q": 4}, nil, none, []string{"cats", "dogs"}, 16, 0, 0, ""},
		{"pictures and masks in splits", tree{"train/images": 4, "train/masks": 4, "val/images": 2, "val/masks": 2}, nil, none, nil, 0, 0, 0, "the folders within train, val look like no classes"},
		{"two readings: flat", tree{"train": 4, "test": 4}, nil, none, nil, 0, 0, 0, "test, train may be classes, or splits without class folders"},
		{"flat", tree{"train": 4}, nil, none, nil, 0, 0, 0, "for these see FromPattern and FromCSV"},
		{"two readings: flat, said", tree{"train": 4, "test": 4}, nil, Options{ValFraction: -1, Train: "."}, []string{"test", "train"}, 8, 0, 0, ""},
		{"two readings: beside", tree{"train/a": 4, "train/b": 4, "bus": 4}, nil, none, nil, 0, 0, 0, "train may be a split or a class, as there is bus beside it"},
		{"two readings: beside, said", tree{"train/a": 4, "train/b": 4, "bus": 4}, nil, Options{ValFraction: -1, Train: "train"}, []string{"a", "b"}, 8, 0, 0, ""},
		{"two readings: below", tree{"cats/train": 4, "cats/val": 2, "dogs": 4}, nil, none, nil, 0, 0, 0, "some class folders hold folders named like splits"},
		{"two readings: a copy of the data beside them", tree{"yes": 4, "no": 4, "brain_tumor_dataset/yes": 4, "brain_tumor_dataset/no": 4}, nil, none, nil, 0, 0, 0, "brain_tumor_dataset holds folders named as those beside it (no, yes)"},
		{"two readings: parts, one with splits", tree{"casting_512/casting_512/def": 4, "casting_512/casting_512/ok": 4, "casting/casting/train/def": 4, "casting/casting/train/ok": 4, "casting/casting/test/def": 2, "casting/casting/test/ok": 2}, nil, none, nil, 0, 0, 0, "casting, casting_512 hold folders of the same names"},
		{"two readings: parts", tree{"fold1/a": 4, "fold1/b": 4, "fold2/a": 2, "fold2/b": 2}, nil, none, nil, 0, 0, 0, "fold1, fold2 hold folders of the same names"},
		{"two readings: parts, said", tree{"x/fold1/a": 4, "x/fold1/b": 4, "x/fold2/a": 2, "x/fold2/b": 2}, nil, Options{Train: "fold1", Val: "x/fold2"}, []string{"a", "b"}, 8, 4, 0, ""},
		{"masks", tree{"images/train": 4, "images/val": 2, "masks/train": 4, "masks/val": 2}, nil, none, nil, 0, 0, 0, "look like no classes"},
		{"pictures and masks", tree{"images": 4, "masks": 4}, nil, none, nil, 0, 0, 0, "images, masks look like no classes"},
		{"pictures and masks, said", tree{"images": 4, "masks": 4}, nil, Options{ValFraction: -1, Train: "."}, []string{"images", "masks"}, 8, 0, 0, ""},
		{"VOC", tree{"JPEGImages": 4}, map[string]string{"Annotations/00.xml": "<annotation/>"}, none, nil, 0, 0, 0, "JPEGImages look like no classes"},
		{"nnU-Net", tree{"imagesTr": 4, "labelsTr": 4, "imagesTs": 4}, map[string]string{"dataset.json": "{}"}, none, nil, 0, 0, 0, "imagesTr, imagesTs, labelsTr look like no classes"},
		{"a class named images", tree{"images": 4, "paintings": 4}, nil, none, []string{"images", "paintings"}, 8, 0, 0, ""},
		{"labels in a CSV file", tree{"pics": 4}, map[string]string{"labels.csv": "a,b"}, none, nil, 0, 0, 0, "\nIf labels.csv has the labels, see FromCSV"},
		{"labels in one of several CSV files", tree{"Test": 4}, map[string]string{"Meta.csv": "a,b", "Test.csv": "a,b", "Train.csv": "a,b"}, none, nil, 0, 0, 0, "\nIf one of Meta.csv, Test.csv, Train.csv has the labels, see FromCSV"},
		{"labels in JSON lines", tree{"pics": 4}, map[string]string{"pics/metadata.jsonl": `{"file_name": "00.png", "label": 1}`}, none, nil, 0, 0, 0, "\nIf pics/metadata.jsonl has the labels, see FromCSV"},
		{"labels in COCO's JSON", tree{"train": 4, "valid": 2}, map[string]string{"train/_annotations.coco.json": `{"images": [{"file_name":"00.png"}]}`}, none, nil, 0, 0, 0, "\nIf train/_annotations.coco.json has the labels, see FromCSV"},
		{"labels in a text", tree{"images": 4}, map[string]string{"train.txt": "images/00.png 1\n", "README.txt": "four images", "package.json": `{"name": "x"}`}, none, nil, 0, 0, 0, "\nIf train.txt has the labels, see FromCSV"},
		{"a class in the test images alone", tree{"train/good": 4, "train/fair": 4, "test/good": 2, "test/broken": 2}, nil, none, nil, 0, 0, 0, "give this class images for training, or move its folder out of the data"},
		{"MNIST's files", nil, map[string]string{"train-images-idx3-ubyte.gz": "x"}, none, nil, 0, 0, 0, "train-images-idx3-ubyte.gz may hold the images: it has the format of MNIST (IDX), which is not read; export its images"},
		{"TensorFlow Datasets", nil, map[string]string{"pets-train.tfrecord-00000-of-00002": "x"}, none, nil, 0, 0, 0, "pets-train.tfrecord-00000-of-00002 may hold the images: export its images"},
		{"CIFAR for Python", nil, map[string]string{"cifar-10-batches-py/batches.meta": "\x80\x02}", "cifar-10-batches-py/data_batch_1": "\x80\x02}"}, none, nil, 0, 0, 0, "data_batch_1 may hold the images: it is a pickle of Python, which is not read; export its images"},
		{"CIFAR-100 for Python", nil, map[string]string{"cifar-100-python/train": "\x80\x02}"}, none, nil, 0, 0, 0, "cifar-100-python/train may hold the images: it is a pickle"},
		{"CIFAR in binary", nil, map[string]string{"cifar-10-batches-bin/data_batch_1.bin": "x"}, none, nil, 0, 0, 0, `data_batch_1.bin may hold the images: CIFAR-10 is read by name: Load("cifar10"`},
		{"STL-10", nil, map[string]string{"stl10_binary/train_X.bin": "x"}, none, nil, 0, 0, 0, "train_X.bin may hold the images: export its images"},
		{"parts of an archive", nil, map[string]string{"pets.zip.001": "x", "pets.zip.002": "x"}, none, nil, 0, 0, 0, "pets.zip.001 may hold the images: it is a part of a split archive; join its parts"},
		{"WebDataset, unpacked", tree{"": 4}, map[string]string{"00.cls": "1", "01.cls": "0", "02.cls": "1"}, none, nil, 0, 0, 0, "; if files as 00.cls have the labels of images as 00.png, read them and give FromSamples the labels"},
		{"WebDataset, unpacked to splits", tree{"train": 4}, map[string]string{"train/00.cls": "1", "train/01.cls": "0"}, none, nil, 0, 0, 0, "\nIf files as train/00.cls have the labels of images as train/00.png"},
		{"a competition's form of answers", tree{"train": 4, "test": 4}, map[string]string{"sampleSubmission.csv": "id,label"}, none, nil, 0, 0, 0, "(for these see FromPattern and FromCSV)"},
		{"Roboflow's lists of several labels", tree{"train": 4, "valid": 2, "test": 2}, map[string]string{"train/_classes.csv": "a", "valid/_classes.csv": "a", "test/_classes.csv": "a"}, none, nil, 0, 0, 0,
			"\nIf one of test/_classes.csv, train/_classes.csv, valid/_classes.csv has the labels, see FromCSV; if each has those of a split, join them to one list with a column for the split (Options.SplitColumn)"},
		{"TFRecord files", nil, map[string]string{"train00-192x192.tfrec": "x"}, none, nil, 0, 0, 0, "train00-192x192.tfrec may hold the images: export its images"},
		{"splits by a part of their names, said", tree{"seg_train/seg_train/a": 4, "seg_train/seg_train/b": 4, "seg_test/seg_test/a": 2, "seg_test/seg_test/b": 2, "seg_pred/seg_pred": 3}, nil, Options{Train: "seg_train", Test: "seg_test", ValFraction: -1}, []string{"a", "b"}, 8, 4, 4, ""},
		{"a folder around a split's classes, said", tree{"train/images/cats": 4, "train/images/dogs": 4, "val/images/cats": 1, "val/images/dogs": 1}, nil, Options{Train: "train", Val: "val"}, []string{"cats", "dogs"}, 8, 2, 0, ""},
		{"no folder for training", tree{"apprentissage/a": 4, "apprentissage/b": 4, "validation/a": 1, "validation/b": 1, "test/a": 3, "test/b": 3}, nil, none, nil, 0, 0, 0,
			`test, validation are splits, and none of the folders is named like the one for training, which may be apprentissage (Options{Train: "apprentissage", Val: "validation", Test: "test"})`},
		{"two folders that may be for training", tree{"fit/a": 4, "fit/b": 4, "more/a": 3, "more/b": 3, "val/a": 1, "val/b": 1}, nil, none, nil, 0, 0, 0,
			`which may be one of fit, more (for the first of them Options{Train: "fit", Val: "val"})`},
		{"no folder for training, in a folder", tree{"x/fit/a": 4, "x/fit/b": 4, "x/val/a": 1, "x/val/b": 1}, nil, none, nil, 0, 0, 0, `none of the folders is named like the one for training, which may be fit (Options{Train: "x/fit", Val: "x/val"})`},
		{"for evaluation alone", tree{"val/a": 4, "val/b": 4, "test/a": 1, "test/b": 1, "docs/figures": 2}, nil, none, []string{"a", "b"}, 0, 8, 2, ""},
		{"splits in Spanish", tree{"entrenamiento/gato": 4, "entrenamiento/perro": 4, "entrenamiento/ave": 4, "validaci\u00f3n/gato": 1, "validaci\u00f3n/perro": 1, "prueba/gato": 1, "prueba/ave": 1}, nil, none, nil, 0, 0, 0,
			"look like splits in another language (Options{Train: \"entrenamiento\", Val: \"validaci\u00f3n\", Test: \"prueba\"})"},
		{"splits in German", tree{"x/Trainingsdaten/Hund": 4, "x/Trainingsdaten/Maus": 4, "x/Testdaten/Hund": 1}, nil, none, nil, 0, 0, 0, `(Options{Train: "x/Trainingsdaten", Test: "x/Testdaten"})`},
		{"splits in Japanese", tree{"\u8a13\u7df4\u30c7\u30fc\u30bf/a": 4, "\u8a13\u7df4\u30c7\u30fc\u30bf/b": 4, "\u30c6\u30b9\u30c8/a": 2}, nil, none, nil, 0, 0, 0, "look like splits in another language"},
		{"splits in Japanese, said", tree{"\u8a13\u7df4/a": 4, "\u8a13\u7df4/b": 4, "\u30c6\u30b9\u30c8/a": 2}, nil, Options{Train: "\u8a13\u7df4", Test: "\u30c6\u30b9\u30c8", ValFraction: -1}, []string{"a", "b"}, 8, 2, 2, ""},
		{"classes with a word for a split in another language", tree{"prueba/x": 4, "prueba/y": 4, "teste/p": 4, "teste/q": 4}, nil, none, []string{"prueba", "teste"}, 16, 0, 0, ""},
		{"splits by a part of their names", tree{"seg_train/seg_train/a": 4, "seg_train/seg_train/b": 4, "seg_test/seg_test/a": 2, "seg_test/seg_test/b": 2, "seg_pred/seg_pred": 3}, nil, none, nil, 0, 0, 0, "seg_pred, seg_test, seg_train may be classes, or splits by a part of their names"},
		{"splits by a part of their names, said", tree{"seg_train/seg_train/a": 4, "seg_train/seg_train/b": 4, "seg_test/seg_test/a": 2, "seg_test/seg_test/b": 2, "seg_pred/seg_pred": 3}, nil, Options{ValFraction: -1, Train: "seg_train/seg_train", Test: "seg_test/seg_test"}, []string{"a", "b"}, 8, 4, 4, ""},
		{"classes with a split's word", tree{"train_station": 4, "bus_station": 4, "test_tube": 3}, nil, none, []string{"bus_station", "test_tube", "train_station"}, 11, 0, 0, ""},
		{"below, said", tree{"cats/one": 4, "cats/two": 2, "dogs/one": 3, "dogs/two": 2}, nil, Options{Train: "*/one", Test: "*/two", ValFraction: -1}, []string{"cats", "dogs"}, 7, 4, 4, ""},
		{"folders named for one split", tree{"fold1/a": 4, "fold1/b": 4, "fold2/a": 4, "fold2/b": 4, "fold3/a": 4, "fold3/b": 4}, nil, Options{Train: "fold1,fold2", Val: "fold3"}, nil, 0, 0, 0,
			`has no folder fold1,fold2 with images, which the options name for train; an option names one folder here, and FromPattern with "{split}/{class}/*" and the same options takes several for a split. Found:`},
		{"one split, and no training", tree{"trainval/a": 4, "trainval/b": 4, "test/a": 4, "test/b": 4}, nil, none, nil, 0, 0, 0, `test is a split, and none of the folders is named like the one for training, which may be trainval (Options{Train: "trainval", Test: "test"})`},
		{"a zip file for each split", nil, map[string]string{"test.zip": "x", "train.zip": "x", "val.zip": "x"}, none, nil, 0, 0, 0, "; test.zip, train.zip, val.zip may hold the images: unpack them, each into a folder of its own"},
		{"no such folder", tree{"a": 4, "b": 4}, nil, Options{Val: "held out"}, nil, 0, 0, 0, "has no folder held out with images, which the options name for val. Found:\n  a/  4 images"},
		{"one folder twice", tree{"x/a": 4, "x/b": 4}, nil, Options{Train: "x", Val: "x"}, nil, 0, 0, 0, "for both train and val"},
		{"two folders for one split", tree{"train/a": 4, "train/b": 4, "val/a": 1, "val/b": 1, "dev/a": 1, "dev/b": 1}, nil, none, nil, 0, 0, 0, "has both dev/ and val/"},
		{"the words for both readings", tree{"cats/train/day": 4, "cats/train/night": 4, "dogs/train/day": 4, "dogs/train/night": 4}, nil, none, nil, 0, 0, 0,
			`may be classes (Options{Train: "*/train", ...}), or parts of the data (Options{Train: "cats/train", ...})`},
		{"flat, in folders of the same name", tree{"train/train": 8, "test/test": 4}, nil, none, nil, 0, 0, 0, "test, train may be classes, or splits without class folders (for these see FromPattern"},
		{"Tiny ImageNet", tree{"train/n01/images": 4, "train/n02/images": 4, "val/images": 4, "test/images": 3}, map[string]string{"val/val_annotations.txt": "0.png\tn01"}, none, []string{"n01", "n02"}, 8, 0, 0, ""},
		{"a class for validation that training lacks", tree{"train/a": 4, "train/b": 4, "val/c": 2}, nil, none, nil, 0, 0, 0, "class c has images for validation or test and none for training"},
		{"validation images without labels, said", tree{"train/a": 4, "train/b": 4, "val/images": 2}, nil, Options{Train: "train", Val: "val"}, nil, 0, 0, 0, `the options name "val" for val, but its images are in one folder, "images", which is no class of the training images`},
		{"the same, nothing kept back", tree{"train/a": 4, "train/b": 4, "val/valid": 2}, nil, Options{Train: "train", Val: "val", ValFraction: -1}, nil, 0, 0, 0, `in one folder, "valid"`},
		{"validation images in a folder named test, said", tree{"train/a": 4, "train/b": 4, "val/test": 2}, nil, Options{Train: "train", Val: "val"}, nil, 0, 0, 0, `in one folder, "test"`},
		{"validation within validation, said", tree{"train/a": 4, "train/b": 4, "validation/validation": 2}, nil, Options{Train: "train", Val: "validation"}, nil, 0, 0, 0, `in one folder, "validation"`},
		{"a split with one class, whose folder has folders, said", tree{"train/cats": 4, "train/dogs": 4, "test/cats/a": 2, "test/cats/b": 2}, nil, Options{Train: "train", Test: "test", ValFraction: -1}, []string{"cats", "dogs"}, 8, 4, 4, ""},
		{"test images without labels, said", tree{"train/a": 4, "train/b": 4, "test/unknown": 2}, nil, Options{Train: "train", Test: "test"}, nil, 0, 0, 0, `the options name "test" for test, but its images are in one folder, "unknown"`},
		{"two folders, said", tree{"train/a": 4, "train/b": 4, "val/a": 1, "val/b": 1, "dev/a": 1, "dev/b": 1}, nil, Options{Train: "train", Val: "dev"}, []string{"a", "b"}, 8, 2, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := files{}
			for folder, n := range tt.folders {
				f.add(t, folder, n)
			}
			for name, text := range tt.extra {
				f[name] = []byte(text)
			}
			for _, p := range []string{f.dir(t), f.zip(t)} {
				d, err := ImageFolder(p, tt.opts)
				if tt.err != "" {
					if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "Submission") {
						t.Errorf("got %v, error %v; want an error with %q", d, err, tt.err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				test := 0
				if d.Test != nil {
					test = d.Test.Len()
				}
				if !slices.Equal(d.Classes, tt.classes) || d.Train.Len() != tt.train || d.Val.Len() != tt.val || test != tt.test {
					t.Errorf("classes %q, %d train, %d val, %d test; want %q, %d, %d, %d", d.Classes, d.Train.Len(), d.Val.Len(), test, tt.classes, tt.train, tt.val, tt.test)
				}
				if !slices.Equal(d.Train.Classes(), d.Classes) {
					t.Errorf("the split's classes are %q", d.Train.Classes())
				}
				readAll(t, d)
			}
		})
	}
}

func TestReportNamesEveryFile(t *testing.T) {
	withCache(t)
	f := files{}
	f.add(t, "train/a", 4)
	f.add(t, "train/b", 4)
	f["train/a/photo.heic"] = []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic")
	f["train/a/drawing.svg"] = []byte("<svg/>")
	f["train/a/odd.jpg"] = []byte("hello")
	f["train/b/cut.png"] = picture(t, "png", 1)[:40]
	f["train/b/notes.txt"] = []byte("hello")
	f["train/b/empty"] = nil
	f["train/stray.png"] = picture(t, "png", 2)
	f[".DS_Store"] = []byte("x")
	for _, p := range []string{f.dir(t), f.zip(t)} {
		d, err := ImageFolder(p)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, l := range d.Report() {
			got[l.Path] = l.Reason
		}
		for path, want := range map[string]string{
			"train/a/photo.heic": "HEIC is not read; convert it to JPEG", "train/a/drawing.svg": "SVG is not read", "train/a/odd.jpg": "not a JPEG, PNG",
			"train/b/cut.png": "broken: ", "train/b/notes.txt": "not an image", "train/b/empty": "not an image", "train/stray.png": "outside of the class folders", ".DS_Store": "hidden",
		} {
			if !strings.HasPrefix(got[path], want) {
				t.Errorf("%s: %q, want %q", path, got[path], want)
			}
		}
		if len(got) != 8 || strings.Count(d.Report().String(), "\n") != 8 {
			t.Errorf("%d files reported, want 8: %v", len(got), d.Report())
		}
		if len(d.Warnings) != 1 || !strings.HasPrefix(d.Warnings[0], "7 files were left out") || !strings.Contains(d.Warnings[0], "Report lists all") {
			t.Errorf("warnings %q; want one of 7 files", d.Warnings)
		}
	}
}

// Class names that look the same are one class, and said; names that differ in case are two, and said.
func TestTwins(t *testing.T) {
	withCache(t)
	const nfc, nfd = "caf\u00e9", "cafe\u0301"
	f := files{}
	f.add(t, "train/"+nfc, 4)
	f.add(t, "train/tea", 4)
	f.add(t, "val/"+nfd, 2)
	f.add(t, "val/tea", 2)
	d, err := ImageFolder(f.dir(t))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(d.Classes, []string{nfc, "tea"}) || !slices.Equal(d.Val.Counts(), []int{2, 2}) {
		t.Errorf("classes %q, val %v", d.Classes, d.Val.Counts())
	}
	if len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], `"cafe\u0301" and "caf\u00e9"`) {
		t.Errorf("warnings %q; want one that shows the code points", d.Warnings)
	}
	f = files{}
	f.add(t, nfd, 4)
	f.add(t, "tea", 4)
	if d, err := ImageFolder(f.dir(t)); err != nil || d.Classes[0] != nfd || len(d.Warnings) != 0 {
		t.Errorf("one spelling alone: %v, error %v; want it as it is, without a warning", d, err)
	}
	f.add(t, "Tea ", 4)
	if d, err := ImageFolder(f.zip(t)); err != nil || len(d.Classes) != 3 || len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], `"Tea ", "tea"`) {
		t.Errorf("case and blanks: %v, error %v", d, err)
	}
	f = files{}
	f.add(t, "train/Cats", 4)
	f.add(t, "train/dogs", 4)
	f.add(t, "val/cats", 4)
	if _, err := ImageFolder(f.dir(t)); err == nil || !strings.Contains(err.Error(), `"cats" and "Cats" differ in case`) {
		t.Errorf("case across splits: %v", err)
	}
}

// TestLookalikes: names that look the same in two alphabets, or differ in a dash or a quote, are two classes, and said.
func TestLookalikes(t *testing.T) {
	withCache(t)
	for _, tt := range [][2]string{{"a", "\u0430"}, {"car", "\u0441\u0430r"}, {"Alpha", "\u0391lpha"}, {"a-b", "a\u2013b"}, {"a-b", "a_b"},
		{"cat's", "cat\u2019s"}, {"strasse", "stra\u00dfe"}} {
		f := files{}
		f.add(t, tt[0], 4)
		f.add(t, tt[1], 4)
		d, err := ImageFolder(f.dir(t))
		if err != nil || len(d.Classes) != 2 || len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], "look alike and differ in an alphabet or a sign") {
			t.Errorf("%+q: %v, error %v", tt, d, err)
		}
		f = files{}
		f.add(t, "train/"+tt[0], 4)
		f.add(t, "train/x", 4)
		f.add(t, "val/"+tt[1], 4)
		if _, err := ImageFolder(f.dir(t)); err == nil || !strings.Contains(err.Error(), "look alike and differ") {
			t.Errorf("%+q across splits: %v", tt, err)
		}
	}
	f := files{}
	for _, class := range []string{"-1", "1", "A", "A-", "\u043a\u043e\u0442", "\u043f\u0435\u0441"} {
		f.add(t, class, 4)
	}
	if d, err := ImageFolder(f.dir(t)); err != nil || len(d.Warnings) != 0 {
		t.Errorf("different names: %q, error %v", d.Warnings, err)
	}
}

func TestDuplicates(t *testing.T) {
	withCache(t)
	f := files{}
	f.add(t, "train/a", 4)
	f.add(t, "train/b", 4)
	f.add(t, "val/a", 4)
	f.add(t, "val/b", 4)
	f["val/a/again.png"] = f["train/a/00.png"]
	f["train/b/twice.jpg"] = f["train/a/01.jpg"]
	for _, p := range []string{f.dir(t), f.zip(t)} {
		d, err := ImageFolder(p)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Warnings) != 2 || !strings.Contains(d.Warnings[0], "1 images are in two splits") || !strings.Contains(d.Warnings[0], "train/a/00.png = val/a/again.png") ||
			!strings.Contains(d.Warnings[1], "1 images are in two classes (same bytes): train/a/01.jpg = train/b/twice.jpg") {
			t.Errorf("warnings %q", d.Warnings)
		}
	}
}

// Images of the same bytes that a share of the training images takes to validation are in two splits, too.
func TestDuplicatesAcrossAShare(t *testing.T) {
	withCache(t)
	f := files{}
	f.add(t, "a", 10)
	f.add(t, "b", 10)
	for i := range 10 {
		f[fmt.Sprintf("a/%02d copy.png", i)] = f["a/00.png"]
	}
	d, err := ImageFolder(f.dir(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], "images are in two splits") {
		t.Errorf("warnings %q; want one of images in two splits", d.Warnings)
	}
}

// A folder named like a split that gives no image is named, with what serves for validation instead, and so is a class
// without images for test.
func TestEmptySplits(t *testing.T) {
	withCache(t)
	for _, tt := range []struct {
		files, want string
		opts        Options
	}{
		{"val/a/readme.txt", `folder "val" has no usable image in a folder of a class, so there is no such split; some training images are kept back`, Options{}},
		{"val/a/readme.txt", `folder "val" has no usable image in a folder of a class, so there is no such split`, Options{ValFraction: -1}},
		{"test/readme.txt", `folder "test" has no usable image in a folder of a class, so there is no such split`, Options{}},
		{"test/a/one.png", `class "b" has no images for test`, Options{}},
		{"val/a/readme.txt test/a/one.png", `so there is no such split; the test images are used for validation, too`, Options{ValFraction: -1}},
		{"val/_unlabeled/one.png", `the 1 val images are in one folder, "_unlabeled", which is no class of the training images`, Options{}},
		{"val/images/one.png", `the 1 val images are in one folder, "images", which is no class of the training images`, Options{}},
		{"val/images/one.png", `see FromCSV; some training images are kept back for validation`, Options{}},
		{"val/images/one.png", `see FromCSV; there are no images for validation`, Options{ValFraction: -1}},
		{"val/images/one.png test/a/two.png", `see FromCSV; the test images are used for validation, too`, Options{ValFraction: -1}},
		{"val/images/one.png test/unknown/two.png", `see FromCSV; there are no images for validation`, Options{ValFraction: -1}},
	} {
		f := files{}
		f.add(t, "train/a", 4)
		f.add(t, "train/b", 4)
		for _, file := range strings.Fields(tt.files) {
			f[file] = []byte("hello")
			if strings.HasSuffix(file, ".png") {
				f[file] = picture(t, "png", 90+len(f))
			}
		}
		for _, p := range []string{f.dir(t), f.zip(t)} {
			d, err := ImageFolder(p, tt.opts)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(d.Warnings, func(w string) bool { return strings.Contains(w, tt.want) }) {
				t.Errorf("%s: warnings %q; want %q", tt.files, d.Warnings, tt.want)
			}
			if kept := strings.Contains(strings.Join(d.Warnings, " "), "kept back"); kept && tt.opts.ValFraction < 0 {
				t.Errorf("%s: warnings %q; no training images are kept back", tt.files, d.Warnings)
			}
		}
	}
}

func TestClassWithoutValidationShare(t *testing.T) {
	withCache(t)
	f := files{}
	f.add(t, "a", 10)
	f.add(t, "b", 10)
	f.add(t, "rare", 1)
	f.add(t, "scarce", 1)
	d, err := ImageFolder(f.dir(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], `2 classes have no images for validation: "rare", "scarce"`) {
		t.Errorf("warnings %q", d.Warnings)
	}
}

// Links end: to a folder above, to themselves, and in a circle of folders beside each other.
func TestLinkLoopsEnd(t *testing.T) {
	withCache(t)
	f := files{}
	names := []string{"a", "b", "c", "d", "e", "f"}
	for _, n := range names {
		f.add(t, n, 2)
	}
	dir := f.dir(t)
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
	}
	link("self", "a/self")
	link("..", "a/up")
	for _, from := range names {
		for _, to := range names {
			if from != to {
				link(filepath.Join(dir, to), filepath.Join(from, "to-"+to))
			}
		}
	}
	d, err := ImageFolder(dir, Options{ValFraction: -1})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(d.Classes, names) {
		t.Errorf("classes %q", d.Classes)
	}
	if !strings.Contains(d.Report().String(), "a/up: a link to a folder above it") || !strings.Contains(d.Report().String(), "a/self: can't be read") {
		t.Errorf("report lacks the links:\n%.300s", d.Report())
	}
}

// TestUnlabelledFolders: folders whose names mean that there is no label are classes with a warning, as such labels of
// a list are; names that only resemble them are not said.
func TestUnlabelledFolders(t *testing.T) {
	withCache(t)
	for folder, want := range map[string]string{
		"_unlabeled": `"_unlabeled" is read as a class: if it means that there is no label`,
		"no_label":   `"no_label" is read`, "Unlabelled": `"Unlabelled" is read`, "None": `"None" is read`,
		"-1": "", "unassigned": `"unassigned" is read`, "unlabeled images": `"unlabeled images" is read`,
		"unsorted": `"unsorted" is read`, "to_label": `"to_label" is read`, "todo": `"todo" is read`, "TO DO": `"TO DO" is read`,
		"untitled folder": `"untitled folder" is read`, "New Folder (2)": `"New Folder (2)" is read as a class: if it means that there is no label`,
		"\u65b0\u3057\u3044\u30d5\u30a9\u30eb\u30c0\u30fc": "is read as a class: if it means",
		"rejected":   `"rejected" is read as a class: if it holds images that were set aside, leave its images out (Dataset.Without)`,
		"duplicates": `"duplicates" is read as a class: if it holds`, "new": "", "folder": "", "trash": "", "toddler": "", "sorted": "",
		"unlabeled_bottle": "", "images": "", "unknown": "", "other": "", "noun": "",
		"-2": "", "background": "", "2": "", "nasal": "", "nano": "", "non": "",
	} {
		f := files{}
		for _, class := range []string{"0", "1", folder} {
			f.add(t, "train/"+class, 4)
			f.add(t, "val/"+class, 2)
		}
		for _, p := range []string{f.dir(t), f.zip(t)} {
			d, err := ImageFolder(p)
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.Join(d.Warnings, "\n"); len(d.Classes) != 3 || !strings.Contains(text, want) || (want == "") != (text == "") {
				t.Errorf("%s: classes %q, warnings %q, want %q", folder, d.Classes, text, want)
			}
		}
		if d, err := FromPattern(f.dir(t), "*/{class}/*"); err != nil || want != "" && !strings.Contains(strings.Join(d.Warnings, "\n"), want) {
			t.Errorf("FromPattern, %s: error %v, warnings %q, want %q", folder, err, d.Warnings, want)
		}
	}
}

// TestClassesWithin: where all classes hold nothing but folders, a line says what was taken in.
func TestClassesWithin(t *testing.T) {
	withCache(t)
	isInner := func(class string) bool { return strings.HasSuffix(class, "cat") || class == "abbey" }
	for _, tt := range []struct {
		name    string
		folders []string
		want    string
	}{
		{"two levels", []string{"animal/cat", "animal/dog", "plant/oak", "plant/rose"}, "the classes take in the folders within them: animal (cat, dog), plant (oak, rose)"},
		{"two levels in splits", []string{"train/animal/cat", "train/animal/dog", "train/plant/oak", "train/plant/rose", "val/animal/cat", "val/plant/oak"}, "animal (cat, dog)"},
		{"a group beside a flat folder", []string{"animal/cat", "animal/dog", "plant"},
			`animal (cat, dog); if those are the classes, see FromPattern ("*/{class}/*" for them alone, "([^/]+)/[^/]+$" for the other folders, too)`},
		{"a group beside samples", []string{"pets/cat", "pets/cow", "pets/dog", "samples"}, "pets (cat, cow, dog); if"},
		{"a group in a folder beside samples", []string{"archive/images/cat", "archive/images/dog", "samples"},
			`archive (cat, dog); if those are the classes, see FromPattern ("*/*/{class}/*" for them alone`},
		{"a group in a folder of another name", []string{"archive/PetImages/cat", "archive/PetImages/dog", "samples"}, "archive (cat, dog); if"},
		{"CUB", []string{"CUB_200_2011/images/001.cat", "CUB_200_2011/images/002.dog", "segmentations/001.cat"}, "CUB_200_2011 (001.cat, 002.dog); if"},
		{"more classes in a group", []string{"a", "b", "c", "more/cat", "more/dog"}, "more (cat, dog); if"},
		{"more classes in a group's folder", []string{"a", "b", "c", "more/images/cat", "more/images/dog"}, "more (cat, dog); if"},
		{"the same in splits", []string{"train/more/cat", "train/more/dog", "train/a", "val/a", "val/more/cat"}, `see FromPattern ("{split}/*/{class}/*" for them alone`},
		{"one small group", []string{"animal/cat", "animal/dog", "plant/oak"}, "the classes take in the folders within them: animal (cat, dog); if"},
		{"domains beside a flat folder", []string{"amazon/cat", "amazon/dog", "webcam/cat", "webcam/dog", "unsorted"}, "amazon (cat, dog), webcam (cat, dog); if"},
		{"sets in other words beside a flat one", []string{"rps/paper", "rps/rock", "rps-test-set/paper", "rps-test-set/rock", "rps-validation"}, "rps (paper, rock), rps-test-set (paper, rock); if"},
		{"years in all but one", []string{"cat/2020", "cat/2021", "dog/2020", "dog/2021", "pig"}, ""},
		{"SUN397", []string{"a/abbey", "a/airport", "a/apartment/outdoor", "b/bar", "z/zen_garden"}, "a (abbey, airport, apartment); if"},
		{"images beside few folders", []string{"a/abbey", "a/airport", "b/bar", "b/beach", "c/cafe", "z"}, "a (abbey, airport), b (bar, beach); if"},
		{"folders by year", []string{"cat/2020", "cat/2021", "dog/2020"}, ""},
		{"folders by place, the same for others", []string{"cat/day", "cat/night", "dog/day", "cow/night"}, ""},
		{"parts of a class", []string{"cat/part1", "cat/part2", "dog/all"}, ""},
		{"a role beside others", []string{"cat/images", "dog/images", "dog/masks"}, ""},
		{"one folder each", []string{"animal/all", "plant/all"}, ""},
		{"splits in classes", []string{"animal/train", "animal/val", "plant/train", "plant/val"}, ""},
	} {
		f := files{}
		for _, folder := range tt.folders {
			f.add(t, folder, 4)
		}
		d, err := ImageFolder(f.dir(t), Options{ValFraction: -1})
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(d.Warnings, "\n"); tt.want == "" && strings.Contains(text, "take in") || !strings.Contains(text, tt.want) {
			t.Errorf("%s: warnings %q, want %q", tt.name, text, tt.want)
		}
		if _, pattern, ok := strings.Cut(strings.Join(d.Warnings, "\n"), `see FromPattern ("`); ok && strings.Contains(tt.want, "take in") {
			pattern, _, _ = strings.Cut(pattern, `"`)
			if d, err := FromPattern(f.dir(t), pattern); err != nil || !slices.ContainsFunc(d.Classes, isInner) {
				t.Errorf("%s: pattern %q gives %v, error %v", tt.name, pattern, d, err)
			}
			if !strings.Contains(tt.want, "for them alone") {
				continue
			}
			if d, err := FromPattern(f.dir(t), innermost); err != nil || !slices.ContainsFunc(d.Classes, isInner) || len(d.Report()) > 0 {
				t.Errorf("%s: pattern %q gives %v, error %v", tt.name, innermost, d, err)
			}
		}
	}
}

// TestPartsTogether: where folders may be parts of the data, the error names the pattern that reads all of them.
func TestPartsTogether(t *testing.T) {
	withCache(t)
	for _, tt := range []struct{ folders, pattern string }{
		{"dataset-001/dataset/cat dataset-001/dataset/dog dataset-002/dataset/cat dataset-002/dataset/dog", "*/*/{class}/*"},
		{"x/dataset-1/pets/cat x/dataset-1/pets/dog x/dataset-2/pets/cat x/dataset-2/pets/dog", "*/*/*/{class}/*"},
		{"alice/cat alice/dog bob/cat bob/dog", "*/{class}/*"},
		{"2021/cat 2021/dog 2022/cat 2022/dog", "*/{class}/*"},
		{"fold1/cat fold1/dog fold2/cat fold2/dog fold3/cat fold3/dog", "*/{class}/*"},
		{"fold1/train/cat fold1/train/dog fold1/val/cat fold2/train/cat fold2/train/dog fold2/val/dog fold2/val/cat fold1/val/dog", "*/*/{class}/*"},
		{"part_1/cat part_1/dog part_2/bird part_2/cat", "*/{class}/*"},
		{"images/cat images/dog photos/cat photos/dog", "*/{class}/*"},
		{"alice/old/cat alice/old/dog bob/cat bob/dog", innermost},
		{"train/images/cat train/images/dog train/photos/cat val/images/cat val/photos/dog", "*/*/{class}/*"},
		{"part1 part2", ""},
		{"images masks", ""},
		{"images/cat images/dog masks/cat masks/dog", ""},
		{"part_A/train part_A/test part_B/train part_B/test", ""},
	} {
		f := files{}
		for _, folder := range strings.Fields(tt.folders) {
			f.add(t, folder, 4)
		}
		dir := f.dir(t)
		_, err := ImageFolder(dir)
		if want := fmt.Sprintf("(FromPattern with %q reads these together)", tt.pattern); err == nil || strings.Contains(err.Error(), want) != (tt.pattern != "") {
			t.Errorf("%s: error %v, want %q", tt.folders, err, want)
		}
		if tt.pattern == "" {
			if err != nil && strings.Contains(err.Error(), "reads these together") {
				t.Errorf("%s: error %v", tt.folders, err)
			}
			continue
		}
		if d, err := FromPattern(dir, tt.pattern); err != nil || !slices.Contains(d.Classes, "cat") || slices.Contains(d.Classes, "train") || len(d.Report()) > 0 {
			t.Errorf("%s: pattern %q gives %v, error %v", tt.folders, tt.pattern, d, err)
		}
	}
}

// TestNumberedParts: numbered parts of the data are no classes, in whichever words; classes that are numbered, or named
// with a word for a part, are read without a warning.
func TestNumberedParts(t *testing.T) {
	withCache(t)
	const parts = `look like no classes, but like numbered parts of the data; if they are the classes, give Options{Train: `
	const letters = "are read as classes; if they are parts of the data with images of several classes, see FromCSV"
	for _, tt := range []struct {
		folders, want string
	}{
		{"ham/HAM10000_images_part_1 ham/HAM10000_images_part_2", "HAM10000_images_part_1, HAM10000_images_part_2 " + parts},
		{"images_001/images images_002/images images_003/images", parts},
		{"part1 part2 part3", parts},
		{"fold1 fold2", parts},
		{"batch_0 batch_1", parts},
		{"part_A/train part_A/test part_B/train part_B/test", parts + `"*/train", Test: "*/test"}; if not, see FromCSV`},
		{"part_A/cat part_A/dog part_B/bird part_B/fish", parts + `"."}`},
		{"train/part_A/cat train/part_A/dog train/part_B/cat val/part_A/dog val/part_B/cat", parts},
		{"part_A part_2", parts},
		{"part_A part_B", letters},
		{"PartA PartB", letters},
		{"Set_A Set_B Set_C", "Set_A, Set_B, Set_C " + letters},
		{"train/image_x train/image_o val/image_x val/image_o", "image_o, image_x " + letters},
		{"images images2", parts},
		{"archive archive_(1)", parts},
		{"train/images_1 train/images_2 val/images_1 val/images_2", "images_1, images_2 " + parts + `"train", Val: "val"}`},
		{"x/train/train/images_1 x/train/train/images_2 x/test/images_1 x/test/images_2", parts + `"x/train/train", Test: "x/test"}`},
		{"data-00000-of-00002 data-00001-of-00002", parts},
		{"train-part-1/x train-part-2/x", parts},
		{"part_1/cat part_1/dog part_2/bird part_2/fish", parts},
		{"1_images 2_images", parts},
		{"images_001 images_002 masks", parts},
		{"part_I part_II part_III", parts},
		{"part_one part_two", parts},
		{"fold_1 fold_2 test", "fold_1, fold_2 " + parts},
		{"set_1", `only one class, "set_1", and that looks like no class`},
		{"1 2 3 4 5 6 7 8 9 10", ""},
		{"0 1 2 3 4 5 6 7 8 9", ""},
		{"training/0 training/1 training/9 testing/0 testing/1 testing/9", ""}, // MNIST
		{"train/01 train/02 val/01 val/02", ""},
		{"class_1 class_2 class_3", ""},
		{"label1 label2", ""}, // CVAT
		{"s1 s2 s40", ""},     // ORL
		{"n01440764 n02102040", ""},
		{"grade1 grade2", ""},
		{"type_A type_B", ""},
		{"A B C", ""},
		{"noun verb adjective", ""},
		{"part whole", ""},
		{"part_1 whole", ""},
		{"fold crease", ""},
		{"batch single", ""},
		{"compartment1 compartment2", ""},
		{"spare_part_1 engine_part_2", ""},
		{"image_good image_bad", ""},
		{"set unset", ""},
		{"set_square set_round", ""},
	} {
		f := files{}
		for _, folder := range strings.Fields(tt.folders) {
			f.add(t, folder, 4)
		}
		for _, p := range []string{f.dir(t), f.zip(t)} {
			d, err := ImageFolder(p)
			switch {
			case tt.want == "" && (err != nil || len(d.Warnings) > 0):
				t.Errorf("%s: %v, error %v", tt.folders, d, err)
			case strings.Contains(tt.want, letters):
				if err != nil || len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], tt.want) {
					t.Errorf("%s: %v, error %v, want the warning %q", tt.folders, d, err, tt.want)
				}
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("%s: %v, error %v, want %q", tt.folders, d, err, tt.want)
			case strings.Contains(tt.want, parts):
				adviceKeepsSplits(t, p, err.Error())
			}
		}
	}
	for _, around := range []string{"", "x/"} {
		f := files{}
		f.add(t, around+"part1", 4)
		f.add(t, around+"part2", 4)
		d, err := ImageFolder(f.dir(t), Options{Train: "."})
		if err != nil || len(d.Warnings) > 0 || !slices.Equal(d.Classes, []string{"part1", "part2"}) {
			t.Errorf("classes of such names, said: %v, error %v", d, err)
		}
	}
}

// adviceKeepsSplits checks that the options that an error advises load the data, and make no split with classes a
// class.
func adviceKeepsSplits(t *testing.T, dir, text string) {
	_, advice, _ := strings.Cut(text, "give Options{")
	advice, _, _ = strings.Cut(advice, "}")
	var o Options
	for _, field := range strings.Split(advice, ", ") {
		name, folder, _ := strings.Cut(field, ": ")
		*map[string]*string{"Train": &o.Train, "Val": &o.Val, "Test": &o.Test}[name] = strings.Trim(folder, `"`)
	}
	d, err := ImageFolder(dir, o)
	if err != nil || len(d.Classes) < 2 || slices.Contains(d.Classes, "train") || slices.Contains(d.Classes, "val") {
		t.Errorf("%s gives %v, error %v", advice, d, err)
	}
}

// TestCompanions: masks, thumbnails and the like beside the images of a class are named; such words in the names of
// classes, or where nothing is beside them, are not.
func TestCompanions(t *testing.T) {
	withCache(t)
	const (
		pairs   = "are named like masks, labels, thumbnails or other versions of others"
		folders = "lie in folders that look like masks, thumbnails or the like within a class"
		classes = "classes of their own are"
	)
	for _, tt := range []struct {
		files, want string
	}{
		{"benign/b(0).png benign/b(0)_mask.png benign/b(1).png benign/b(1)_mask_1.png normal/n(0).png normal/n(1).png",
			"2 images " + pairs + " and are read as images of the same class, such as benign/b(0)_mask.png beside benign/b(0).png"},
		{"a/1.png a/1_seg.png b/1.png b/1-SEG.png", pairs},
		{"a/1.png a/1_gt.png b/2.png b/2.gt.png", pairs},
		{"a/1.png a/1_thumb.png b/2.png b/2_label.gif", pairs},
		{"a/1.png a/mask_1.png b/2.png b/mask_2.png", pairs},
		{"a/p1_rgb.png a/p1_label.png b/p2_rgb.png b/p2_label.png", pairs},
		{"train/a/1.png train/a/1_mask.png train/b/1.png train/b/1_mask.png val/a/5.png val/b/5.png", pairs},
		{"cat/1.png cat/2.png cat/thumbnails/1.png dog/1.png dog/2.png",
			"1 images " + folders + `, such as cat/thumbnails/, and are read as images of the class: if they are none, move them away, or see FromPattern ("{class}/*")`},
		{"x/train/cat/1.png x/train/cat/masks/1.png x/train/dog/1.png x/val/cat/1.png x/val/dog/1.png", `see FromPattern ("*/{split}/{class}/*")`},
		{"cat/images/1.png cat/lung_masks/1.png dog/images/1.png", `see FromPattern ("{class}/images/*")`},
		{"train/cat/Images/1.png train/cat/Masks/1.png train/dog/Images/1.png val/cat/Images/1.png val/dog/Images/1.png",
			folders + `, such as train/cat/Masks/, and are read as images of the class: if they are none, move them away, or see FromPattern ("{split}/{class}/Images/*")`},
		{"cat/1.png cat/output/x.png dog/1.png", folders},
		{"cat/1.png cat/2.png cat_augmented/1.png dog/1.png", classes + ` "cat_augmented" beside "cat": if their`},
		{"cat/1.png cat_mask/1.png dog/1.png dog_mask/1.png", classes + ` "cat_mask" beside "cat", "dog_mask" beside "dog"`},

		{"cell_images/1.png cell_masks/1.png", classes + ` "cell_masks" beside "cell_images"`},
		{"cat/1.png dog/1.png cat_copy/1.png dog~(1)/1.png dog(2)/1.png",
			classes + ` "cat_copy" beside "cat", "dog (1)" beside "dog", "dog(2)" beside "dog": if their`},
		{"cat/1.png Dog/1.png Cat~-~Copy/1.png dog~-~Kopie/1.png cat~copy~2/1.png Copy~of~cat/1.png",
			classes + ` "Cat - Copy" beside "cat", "Copy of cat" beside "cat", "cat copy 2" beside "cat", "dog - Kopie" beside "Dog": if their`},
		{"cat/1.png dog/1.png cat~-~\u30b3\u30d4\u30fc/1.png cat\u306e\u30b3\u30d4\u30fc/1.png dog~\u526f\u672c/1.png", "\"cat\u306e\u30b3\u30d4\u30fc\" beside \"cat\", \"dog \u526f\u672c\" beside \"dog\""},
		{"original/1.png copy/1.png", ""},
		{"type~1/1.png type~2/1.png", ""},
		{"photo/1.png photocopy/1.png", ""},
		{"Pear/1.png Pear~2/2.png Grape~White/3.png Grape~White~2/4.png", ""}, // varieties of Fruits-360
		{"cat(1)/1.png cat(2)/1.png", ""},
		{"with_mask/1.png with_mask/2.png without_mask/1.png without_mask/2.png", ""},
		{"face/1.png face_mask/1.png", ""},
		{"bottle/1.png bottle_label/1.png can/1.png", ""},
		{"depth/1.png flat/1.png", ""},
		{"party/masks/1.png party/hats/2.png work/helmets/1.png work/vests/1.png", "take in"}, // groups, not masks
		{"cat/masks/1.png dog/masks/2.png", ""},
		{"cat/images/1.png dog/images/2.png", ""},
		{"jan/1.png aug/1.png", ""},
		{"a/1_mask.png a/2_mask.png b/1.png b/2.png", ""},
		{"a/bottle.png a/bottle_label_0.png a/bottle_label_1.png a/bottle_label_2.png b/1.png b/2.png", ""},
		{"a/bottle.png a/bottle_aug_0.png a/bottle_aug_1.png b/1.png b/2.png", "2 images " + pairs},
		{"a/1.png a/1_mask.png b/1.png b/2.png", ""}, // one alone may be called so
		{"a/1.png a/1_b.png a/1_2.png b/unmask_1.png b/1.png", ""},
		{"mask/1.png mask/2.png no/1.png no/2.png", ""},
	} {
		f := files{}
		for i, name := range strings.Fields(tt.files) {
			name = strings.ReplaceAll(name, "~", " ") // files are separated by blanks
			f[name] = picture(t, strings.TrimPrefix(filepath.Ext(name), "."), 900+i)
		}
		for _, p := range []string{f.dir(t), f.zip(t)} {
			d, err := ImageFolder(p, Options{ValFraction: -1})
			if err != nil {
				t.Fatal(tt.files, err)
			}
			if text := strings.Join(d.Warnings, "\n"); !strings.Contains(text, tt.want) || (tt.want == "") != (text == "") || len(d.Warnings) > 1 {
				t.Errorf("%s: warnings %q, want %q", tt.files, d.Warnings, tt.want)
			}
			if _, pattern, ok := strings.Cut(strings.Join(d.Warnings, "\n"), `see FromPattern ("`); ok && strings.Contains(tt.want, "lie in") {
				pattern, _, _ = strings.Cut(pattern, `"`)
				if again, err := FromPattern(p, pattern); err != nil || len(again.Warnings) > 0 && !strings.Contains(again.Warnings[0], "does not fit") {
					t.Errorf("%s: pattern %q: %v, error %v", tt.files, pattern, again, err)
				}
			}
		}
	}
	f := files{}
	for _, folder := range []string{"COVID/images", "COVID/masks", "Normal/images", "Normal/masks"} {
		f.add(t, folder, 4)
	}
	const advice = `hold folders that look like no classes (images, masks): for the images alone give Options{Train: "*/images"}`
	if d, err := ImageFolder(f.dir(t)); err == nil || !strings.Contains(err.Error(), advice) {
		t.Errorf("%v, error %v", d, err)
	}
	if d, err := ImageFolder(f.dir(t), Options{Train: "*/images"}); err != nil || d.Train.Len()+d.Val.Len() != 8 {
		t.Errorf("the images alone: %v, error %v", d, err)
	}
}

// TestContainers: files in which data sets come, and which are not read, are named with what to do.
func TestContainers(t *testing.T) {
	withCache(t)
	dir := t.TempDir()
	for _, tt := range []struct{ name, content, want string }{
		{"pets.tar.gz", "\x1f\x8b\x08\x00", "compressed with gzip; unpack it"},
		{"pets.tar", strings.Repeat("\x00", 257) + "ustar\x00" + strings.Repeat("\x00", 200), "a tar archive; unpack it"},
		{"ant.JPG", "\xff\xd8\xff\xe0", "a single image; give the folder above"},
		{"labels.csv", "image,label\n", "see FromCSV"},
		{"pets.rar", "Rar!\x1a\x07\x00", "a RAR archive"},
		{"pets.zip", "PK\x03\x04 cut", "damaged or cut short"},
		{"page.zip", "<!DOCTYPE html>", "a web page"},
		{"data.parquet", "PAR1", "a Parquet file"},
		{"data.zip.001", "PK\x03\x04", "a part of a split archive; join its parts (cat data.zip.* > data.zip)"},
		{"data.zip.002", "what", "a part of a split archive"},
		{"data.tar.gz.aa", "\x1f\x8b\x08\x00", "a part of a split archive; join its parts (cat data.tar.gz.* > data.tar.gz)"},
		{"data.7z.001", "7z\xbc\xaf\x27\x1c", "a part of a split archive"},
		{"data.tar.part2", "what", "a part of a split archive"},
		{"all.z01", "PK\x07\x08PK\x03\x04", "a part of a split archive; join its parts (zip -s 0 all.zip --out whole.zip)"},
		{"all.zip", "what", "a part of a split archive; join its parts (zip -s 0 all.zip --out whole.zip)"},
		{"data.tar.xz", "\xfd7zXZ\x00", "compressed with xz"},
		{"x.bin", "what", "not a valid zip file"},
		{"short", "", "not a valid zip file"},
		{"in/data.npz", "PK", "data.npz may hold the images: export its images in Python"},
		{"in2/inner.zip", "PK", "inner.zip may hold the images: unpack it"},
	} {
		p := filepath.Join(dir, tt.name)
		if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(tt.content), 0o666); err != nil {
			t.Fatal(err)
		}
		if filepath.Dir(p) != dir {
			p = filepath.Dir(p)
		}
		if _, err := ImageFolder(p); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "expected") {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestClassOrSplit: a folder named like a split that is read as a class is said.
func TestClassOrSplit(t *testing.T) {
	withCache(t)
	f := files{}
	for _, folder := range []string{"cats", "dogs", "test"} {
		f.add(t, folder, 4)
	}
	d, err := ImageFolder(f.dir(t))
	if err != nil || !slices.Equal(d.Warnings, []string{"test is read as a class, like cats, dogs beside it; if its images have no labels, move it away"}) {
		t.Errorf("error %v, warnings %q", err, d.Warnings)
	}
}

// TestSplitAlone: a single folder whose name means or may mean validation or test is said, with the option for the
// other reading.
func TestSplitAlone(t *testing.T) {
	withCache(t)
	const none = "there are no training images: the data serves for evaluation only"
	for folder, want := range map[string][]string{
		"train":       nil,
		"traindata":   nil,
		"testdata":    {`testdata/ is read as a folder around the classes, for training; if it is the split test, give Options{Test: "testdata"}`},
		"x/ValImages": {`x/ValImages/ is read as a folder around the classes, for training; if it is the split val, give Options{Val: "x/ValImages"}`},
		"test":        {none, `test/ is read as the split test; if its images are for training, give Options{Train: "test"}`},
		"devset":      {none, `devset/ is read as the split val; if its images are for training, give Options{Train: "devset"}`},
		"val/val":     {none, `val/val/ is read as the split val; if its images are for training, give Options{Train: "val/val"}`},
	} {
		f := files{}
		f.add(t, folder+"/cats", 8)
		f.add(t, folder+"/dogs", 8)
		for _, p := range []string{f.dir(t), f.zip(t)} {
			if d, err := ImageFolder(p); err != nil || !slices.Equal(d.Warnings, want) {
				t.Errorf("%s: error %v, warnings %q, want %q", folder, err, d.Warnings, want)
			}
		}
	}
}

// TestZipNames: paths as programs write them into zip files, and encrypted ones.
func TestZipNames(t *testing.T) {
	withCache(t)
	f := files{}
	f.add(t, "train/a", 2)
	f.add(t, "train/b", 2)
	for name, tt := range map[string]struct {
		change func(h *zip.FileHeader)
		want   []string // the classes
		err    string
	}{
		"backslashes":       {func(h *zip.FileHeader) { h.Name = strings.ReplaceAll(h.Name, "/", `\`) }, []string{"a", "b"}, ""},
		"./ before it":      {func(h *zip.FileHeader) { h.Name = "./" + h.Name }, []string{"a", "b"}, ""},
		"/ before it":       {func(h *zip.FileHeader) { h.Name = "/" + h.Name }, []string{"a", "b"}, ""},
		"code page of DOS":  {func(h *zip.FileHeader) { h.Name, h.NonUTF8 = strings.Replace(h.Name, "/a/", "/caf\x82/", 1), true }, []string{"b", "caf\u00e9"}, ""},
		"out of the folder": {func(h *zip.FileHeader) { h.Name = "../" + h.Name }, nil, "has nothing that is read"},
		"encrypted":         {func(h *zip.FileHeader) { h.Flags |= 1 }, nil, "(encrypted; unpack the zip file with its password"},
		"in UTF-8 beside it": {func(h *zip.FileHeader) {
			if h.NonUTF8 = true; strings.Contains(h.Name, "/a/") {
				name := strings.Replace(h.Name, "/a/", "/\u72ac/", 1)
				h.Name = strings.Replace(h.Name, "/a/", "/\x8c\xa2/", 1) // Shift JIS
				h.Extra = append([]byte{0x75, 0x70, byte(5 + len(name)), 0, 1}, binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(h.Name)))...)
				h.Extra = append(h.Extra, name...)
			}
		}, []string{"b", "\u72ac"}, ""},
	} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for path, data := range f {
			h := &zip.FileHeader{Name: path}
			tt.change(h)
			w, err := z.CreateHeader(h)
			if err == nil {
				_, err = w.Write(data)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		p := filepath.Join(t.TempDir(), "z.zip")
		if err := errors.Join(z.Close(), os.WriteFile(p, b.Bytes(), 0o666)); err != nil {
			t.Fatal(err)
		}
		d, err := ImageFolder(p)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: error %v, want %q", name, err, tt.err)
			}
		} else if err != nil || !slices.Equal(d.Classes, tt.want) {
			t.Errorf("%s: %v, want classes %q", name, err, tt.want)
		} else if guessed := strings.Contains(strings.Join(d.Warnings, "\n"), "code page"); guessed != (name == "code page of DOS") {
			t.Errorf("%s: warnings %q", name, d.Warnings)
		}
	}
}

// TestZipMethods: what is compressed in another way is no broken image.
func TestZipMethods(t *testing.T) {
	withCache(t)
	// A PNG of 8x8 pixels by Python's bz2.
	squeezed, err := base64.StdEncoding.DecodeString("QlpoOTFBWSZTWd4T4wwAACL/8lB2IhAAYiBBNulUQEgCAUCyIAAMIAEABCAAVGA0AaaAGhpkaMT9UKn6kxAGgA0GjQDIkKMhxkAhHoDlATNJRccjfJVsprZ9k5a9ygKTUNmNj1VJ0F/etW0wABh+LuSKcKEhvCfGGA==")
	if err != nil {
		t.Fatal(err)
	}
	for method, want := range map[uint16]string{12: "", 9: "(compressed with Deflate64, which is not read", 93: "Zstandard", 77: "method 77"} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, name := range []string{"a/1.png", "b/1.png"} {
			w, err := z.CreateRaw(&zip.FileHeader{Name: name, Method: method, CRC32: 3195366492, CompressedSize64: uint64(len(squeezed)), UncompressedSize64: 74})
			if err == nil {
				_, err = w.Write(squeezed)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		p := filepath.Join(t.TempDir(), "z.zip")
		if err := errors.Join(z.Close(), os.WriteFile(p, b.Bytes(), 0o666)); err != nil {
			t.Fatal(err)
		}
		switch d, err := ImageFolder(p); {
		case want == "" && err != nil:
			t.Error(err)
		case want == "":
			readAll(t, d)
		case err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "broken"):
			t.Errorf("method %d: error %v, want %q", method, err, want)
		}
	}
}

// TestZipEntries: of two files of one name the last counts, folders may end in a backslash, and whatever is no file is
// in the report.
func TestZipEntries(t *testing.T) {
	withCache(t)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	add := func(name string, mode os.FileMode, data []byte) {
		h := &zip.FileHeader{Name: name}
		if mode != 0 {
			h.SetMode(mode)
		}
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	add("data\\cat\\", 0, nil)
	for i, name := range []string{"data/cat/0.png", "data/cat/1.png", "data/dog/0.png", "data/dog/1.png", "data/./cat/0.png", "./data/cat/0.png"} {
		add(name, 0, picture(t, "png", 980+i))
	}
	add("data/cat/link.png", os.ModeSymlink|0o777, []byte("0.png"))
	add("data/cat/pipe.png", os.ModeNamedPipe|0o666, nil)
	p := filepath.Join(t.TempDir(), "z.zip")
	if err := errors.Join(z.Close(), os.WriteFile(p, b.Bytes(), 0o666)); err != nil {
		t.Fatal(err)
	}
	d, err := ImageFolder(p, Options{ValFraction: -1})
	if err != nil {
		t.Fatal(err)
	}
	want, err := vision.DecodeBytes(picture(t, "png", 985))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := d.Train.Image(0); err != nil || d.Train.Len() != 4 || !bytes.Equal(got.Pix, want.Pix) {
		t.Errorf("%v, error %v; want four images, and of cat/0.png the last pixels", d, err)
	}
	for _, want := range []string{"data/./cat/0.png: a name that leads out of", "cat/0.png: replaced by a later file of this name",
		"cat/link.png: a link, which is not followed", "cat/pipe.png: neither a file nor a folder"} {
		if !strings.Contains(d.Report().String(), want) || !strings.Contains(d.Warnings[0], "4 files were left out") {
			t.Errorf("report %v, warnings %q; want %q", d.Report(), d.Warnings, want)
		}
	}
}

// TestZipRoots: paths from several roots are said; one root around all is none of the data.
func TestZipRoots(t *testing.T) {
	withCache(t)
	for names, want := range map[string]string{
		"/cat/0.png /dog/0.png":                             "",
		`C:\pets\cat\0.png C:\pets\dog\0.png`:               "",
		`/abs/cat/0.png C:\x\dog\0.png`:                     "paths from several roots, such as /abs/cat/0.png, C:/x/dog/0.png: they are read as if from one",
		"/abs/cat/0.png cat/0.png dog/0.png __MACOSX/x.png": "paths from several roots, such as /abs/cat/0.png, ",
	} {
		f := files{}
		for i, name := range strings.Fields(names) {
			f[name] = picture(t, "png", 990+i)
		}
		d, err := ImageFolder(f.zip(t), Options{ValFraction: -1})
		if err != nil {
			t.Fatal(names, err)
		}
		if text := strings.Join(d.Warnings, "\n"); !strings.Contains(text, want) || (want == "") != (text == "") {
			t.Errorf("%s: %v, warnings %q, want %q", names, d, d.Warnings, want)
		}
	}
}

// TestNestedCopy: the names are in the order of the folders, and the time grows with the number of folders, not with
// its square (64 times for 8 times the folders).
func TestNestedCopy(t *testing.T) {
	outer, inner := imageTree([]string{"a/1.png", "all/c/1.png", "all/x/a/1.png", "all/all/1.png", "all/z/1.png", "b/1.png", "c/1.png"}).nestedCopy()
	if outer != "all" || !slices.Equal(inner, []string{"a", "c"}) {
		t.Errorf("%q holds %q, want all with a and c", outer, inner)
	}
	least := func(folders int) time.Duration {
		var paths []string
		for i := range folders {
			paths = append(paths, fmt.Sprintf("n%06d/1.png", i))
		}
		root, took := imageTree(paths), time.Hour
		for range 20 {
			start := time.Now()
			if outer, _ := root.nestedCopy(); outer != "" {
				t.Fatal(outer)
			}
			took = min(took, time.Since(start))
		}
		return took
	}
	if few, many := least(2000), least(16000); many > 32*few {
		t.Errorf("%v for 2000 folders, %v for 16000", few, many)
	}
}
