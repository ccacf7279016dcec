package house_test

import (
	"slices"
	"strings"
	"testing"
)

// floor is a room with what it may import of this repository, and the reason for the rule in one sentence.
type floor struct {
	room string
	// may lists rooms; a room includes the folders below it unless those have a row of their own.
	may []string
	why string
}

// floors is the house from the ground up. A room imports only rooms of earlier rows, so no import runs upwards.
var floors = []floor{
	{"internal", []string{"internal"},
		"internal is the ground: downloads, files, Hugging Face; it knows no images, no networks and no notebooks"},
	{"internal/house", nil,
		"the tests of the structure read the code as text"},

	{"kernel/worker/rt", nil,
		"rt is linked into every cell's process, so it must stay small and know nothing of the kernel"},
	{"kernel/streams", nil,
		"streams reads pipes; it does not know who writes to them"},
	{"kernel/worker", []string{"kernel/worker/rt", "kernel/streams", "internal"},
		"the worker runs compiled code; it knows neither cells nor Jupyter"},
	{"kernel/build", []string{"internal"},
		"build makes plugins of packages; it knows neither cells nor Jupyter"},
	{"kernel/language", []string{"internal"},
		"language completes and explains code; the kernel gives it the text"},
	{"kernel/protocol", []string{"internal"},
		"protocol speaks Jupyter's messages and knows no Go"},
	{"kernel/session", []string{"kernel/build", "kernel/worker", "kernel/worker/rt", "kernel/streams", "internal"},
		"session turns cells into packages and knows no Jupyter"},
	{"kernel/keep", []string{"internal"},
		"keep writes an extension of Jupyter into a folder; it knows no kernel"},
	{"kernel", []string{"kernel/keep", "kernel/session", "kernel/protocol", "kernel/language", "kernel/build", "kernel/worker", "internal"},
		"the kernel joins its rooms and knows nothing of tlkit: a package offers words and help by a small interface"},
	{"kernel/hub", []string{"kernel", "internal"},
		"hub starts Jupyter for many users of one installation; the kernel does not know who uses it"},
	{"kernel/cmd", []string{"kernel", "kernel/hub", "internal"},
		"a command parses its flags and calls the kernel"},

	{"tlkit/vision", []string{"internal"},
		"vision decodes and varies pixels; it knows no data sets and no networks"},
	{"tlkit/internal/onnx/write", []string{"internal"},
		"write is an engine that records graphs; OpenVINO's engine compiles what it writes"},
	{"tlkit/backend", []string{"tlkit/internal/onnx/write", "internal"},
		"backend picks the engine; models are above it"},
	{"tlkit/nn", []string{"tlkit/backend", "internal"},
		"nn builds layers from graphs; it knows no architecture and no file"},
	{"tlkit/words", []string{"internal"},
		"words has the Japanese words of figures; it knows no figure"},
	{"tlkit/tables", []string{"tlkit/words", "internal"},
		"tables writes text, so that a service can link it without the libraries that draw"},
	{"tlkit/plots", []string{"tlkit/tables", "tlkit/words", "internal"},
		"plots draws values that it is given; it knows no training"},
	{"tlkit/upload", []string{"tlkit/vision", "tlkit/plots", "tlkit/words", "internal"},
		"upload takes files from a page into a folder; what they are used for is above it"},
	{"datasets", []string{"tlkit/vision", "internal"},
		"datasets loads labelled images; it knows no networks"},
	{"tlkit/weights", []string{"internal"},
		"weights reads and writes tensors in files; it knows no architecture"},
	{"tlkit/internal/onnx", []string{"tlkit/internal/onnx", "tlkit/nn", "tlkit/weights", "internal"},
		"onnx reads and writes graphs; the zoo makes models of them"},
	{"tlkit/zoo", []string{"datasets", "tlkit/internal/onnx", "tlkit/internal/onnx/write", "tlkit/weights", "tlkit/nn", "tlkit/backend", "tlkit/tables", "tlkit/vision", "tlkit/words", "internal"},
		"the zoo describes networks and loads them; how they are trained is above it, and so are figures, which no service needs"},
	{"tlkit/zoo/zootest", []string{"tlkit/zoo", "tlkit/backend", "tlkit/nn", "tlkit/weights", "internal"},
		"zootest compares models with golden files; only tests and bench import it"},
	{"tlkit/internal/gradcam", []string{"tlkit/zoo", "tlkit/nn", "internal"},
		"gradcam computes maps of numbers; who draws them is above it, so that a service can link it"},
	{"tlkit/insight", []string{"tlkit/internal/gradcam", "tlkit/zoo", "datasets", "tlkit/nn", "tlkit/backend", "tlkit/plots", "tlkit/vision", "tlkit/words", "internal"},
		"insight explains a model and a data set; it knows no training, which stands above it"},
	{"tlkit/compress", []string{"tlkit/zoo", "datasets", "tlkit/nn", "tlkit/backend", "tlkit/tables", "internal"},
		"compress writes a trained model in fewer bits and measures the file; it does not train"},
	{"tlkit/serve", []string{"tlkit/internal/gradcam", "tlkit/zoo", "tlkit/backend", "tlkit/vision", "internal"},
		"serve is linked into services: it predicts with a trained model, and links nothing that trains"},
	{"tlkit/serve/webpage", []string{"tlkit/serve", "internal"},
		"webpage puts a service into an HTML file; the service does not know"},
	{"tlkit/project", []string{"tlkit/compress", "tlkit/zoo", "datasets", "tlkit/vision", "internal"},
		"project writes a program around a trained model; a run calls it, so it knows no run"},
	{"tlkit/internal/sealed", []string{"tlkit/weights", "internal"},
		"sealed reads and writes files with a checksum; what is in them is for the rooms above it"},
	{"tlkit/train", []string{"tlkit/internal/sealed", "tlkit/words", "tlkit/project", "tlkit/zoo", "tlkit/insight", "datasets", "tlkit/weights", "tlkit/nn", "tlkit/backend", "tlkit/plots", "tlkit/vision", "internal"},
		"train runs any plan; it must not know a strategy, so that a user's strategy can do what ours do"},
	{"tlkit/strategy", []string{"tlkit/train", "tlkit/zoo", "datasets", "tlkit/nn", "tlkit/plots", "tlkit/vision", "internal"},
		"a strategy uses what a user's own strategy could use: the exported names of train and below"},
	{"tlkit/track", []string{"tlkit/train", "internal"},
		"track sends figures of a run elsewhere; training knows only its interface"},
	{"tlkit/detached", []string{"tlkit/internal/sealed", "tlkit/strategy", "tlkit/train", "tlkit/zoo", "datasets", "tlkit/plots", "tlkit/words", "internal"},
		"detached writes a comparison down and trains it in another process, so it knows the strategies by name"},
	{"tlkit/sweep", []string{"tlkit/detached", "tlkit/train", "tlkit/zoo", "datasets", "tlkit/plots", "internal"},
		"sweep trains many comparisons in processes of their own; it knows strategies by their interface only"},
	{"tlkit/detect", []string{"tlkit/zoo", "datasets", "tlkit/plots", "tlkit/vision", "internal"},
		"detect scores regions with a trained model; it does not train"},
	{"tlkit/tools", []string{"tlkit/detached", "tlkit/train", "tlkit/project", "tlkit/zoo", "datasets", "internal"},
		"a tool is a command as a function, which tlkernel can call by name"},
	{"tlkit", []string{"tlkit/words", "tlkit/compress", "tlkit/track", "tlkit/project", "tlkit/sweep", "tlkit/detached", "tlkit/upload", "tlkit/strategy", "tlkit/train", "tlkit/insight", "tlkit/zoo", "datasets", "tlkit/weights", "tlkit/nn", "tlkit/backend", "tlkit/plots", "tlkit/vision", "internal"},
		"tlkit is the front for notebooks: names of the rooms behind it, and little code"},
	{"tlkit/cmd", []string{"tlkit", "tlkit/tools", "tlkit/vision", "internal"},
		"a command uses what any program could use"},
	{"bench", []string{"tlkit", "tlkit/project", "tlkit/zoo/zootest", "tlkit/strategy", "tlkit/train", "tlkit/detect", "tlkit/insight", "tlkit/zoo", "datasets", "tlkit/weights", "tlkit/nn", "tlkit/backend", "tlkit/plots", "tlkit/vision", "kernel", "internal"},
		"bench measures; nothing imports it"},
	{"notebooks", []string{"internal", "datasets"},
		"notebooks are tested through the installed kernel, as a reader runs them; the gallery reads which images may be published"},
}

// floorOf returns the row with the longest room that holds the folder.
func floorOf(folder string) (floor, bool) {
	var best floor
	for _, f := range floors {
		if (folder == f.room || strings.HasPrefix(folder, f.room+"/")) && len(f.room) > len(best.room) {
			best = f
		}
	}
	return best, best.room != ""
}

// TestFloors holds that each room imports only what its row allows.
func TestFloors(t *testing.T) {
	seen := map[string]bool{}
	arrows := 0
	for _, s := range sources(t) {
		from, ok := floorOf(s.room())
		if !ok {
			t.Errorf("%s is in no room; add a row to floors, with what the new room may import and why", s.path)
			continue
		}
		seen[from.room] = true
		for _, folder := range s.imports() {
			to, ok := floorOf(folder)
			if !ok || to.room == from.room {
				continue
			}
			arrows++
			if !slices.Contains(from.may, to.room) {
				t.Errorf("%s imports %s: %s", s.path, folder, from.why)
			}
		}
	}
	if arrows < 50 {
		t.Errorf("%d imports between rooms found; the check misses most of them", arrows)
	}
	for _, f := range floors {
		if !seen[f.room] && f.room != "notebooks" {
			t.Errorf("room %s has no file; remove its row from floors", f.room)
		}
	}
}

// TestFloorsGoDown holds that the table itself has no import upwards: a row allows only rows above it in the table.
func TestFloorsGoDown(t *testing.T) {
	place := map[string]int{}
	for i, f := range floors {
		place[f.room] = i
		for _, m := range f.may {
			if at, ok := place[m]; !ok || at > i {
				t.Errorf("%s may import %s, which is not below it in the table; no import runs upwards", f.room, m)
			}
		}
		if f.why == "" {
			t.Errorf("%s has no reason", f.room)
		}
	}
}
