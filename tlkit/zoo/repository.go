package zoo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/fetch"
	"github.com/tlkit-go/tlkit-notebooks/internal/huggingface"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/weights"
)

// hubScheme begins the name of a model in a repository of the Hugging Face hub: "hf://timm/resnet18.a1_in1k".
const hubScheme = "hf://"

// maxConfig bounds config.json and the index of a model in several files.
const maxConfig = 16 << 20

// repository holds a config.json and the weights that it describes: a [huggingface.Repo] or a folder.
type repository interface {
	// File returns the path of a local copy of a file.
	File(ctx context.Context, name string, o huggingface.Options) (string, error)
	// Cached is File for a file that is on this machine, "" for others.
	Cached(name string) string
	String() string
}

// folder is a repository on this machine, as save_pretrained of transformers and timm's save_for_hf write it.
type folder string

func (f folder) String() string { return string(f) }

func (f folder) Cached(name string) string {
	path := filepath.Join(string(f), filepath.FromSlash(name))
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return path
}

// File is Cached with an error that wraps fs.ErrNotExist.
func (f folder) File(_ context.Context, name string, _ huggingface.Options) (string, error) {
	if path := f.Cached(name); path != "" {
		return path, nil
	}
	return "", fmt.Errorf("folder %s has no file %s: %w", f, name, fs.ErrNotExist)
}

// absent reports whether err means that a repository lacks the file.
func absent(err error) bool {
	var missing *huggingface.NotFoundError
	return errors.As(err, &missing) || errors.Is(err, fs.ErrNotExist)
}

// description holds the facts about a model from the files that come with its weights.
type description struct {
	// spec is a network of the zoo with one weight set: its classes, none for a model without an output layer, and its
	// preprocessing.
	spec Spec
	// layouts are those that the weights may have.
	layouts []layout
	// notes are for Model.Notes.
	notes []string
	// flipped: the network takes blue, green and red in this order.
	flipped bool
	// preprocess is true if the preprocessing is known.
	preprocess bool
	// preprocessAt, when set, is the preprocessing at another size: the description names none.
	preprocessAt func(size int) (vision.Preprocess, error)
	// sized is true if the description names the size of images that the learned positions are for.
	sized bool
	// differs compares the described network with spec's by the size of images.
	differs sizeCheck
	// unread is why the preprocessing that is described can't be read: the caller's may stand in.
	unread error
	// unnamed is why the names of the classes that are described can't be read: the caller's may stand in.
	unnamed error
}

// described is the source of a model in a repository.
type described struct {
	noFile
	repository
	description
	// name becomes Model.Weights.
	name string
}

// openHub reads the description of a model from a repository of the hub.
func openHub(ctx context.Context, name string) (source, error) {
	repo, err := huggingface.Parse(strings.TrimPrefix(name, hubScheme))
	if err != nil {
		return nil, fmt.Errorf("zoo: %q: %w", name, err)
	}
	set := WeightSet{Name: repo.String(), Source: "Hugging Face hub: " + repo.String(), URL: huggingface.Endpoint() + "/" + repo.ID}
	return openDescribed(ctx, repo, hubScheme+repo.String(), set)
}

// openFolder reads the description of a model from a folder.
func openFolder(ctx context.Context, path string) (source, error) {
	path, err := fetch.ExpandHome(path)
	if err != nil {
		return nil, err
	}
	path = snapshot(filepath.Clean(path))
	if folder(path).Cached("config.json") == "" {
		return nil, undescribed(path)
	}
	return openDescribed(ctx, folder(path), filepath.Base(path), WeightSet{Name: "folder", Source: path})
}

// foreignFolders are folders that other programs write, by a file in them (a pattern of path.Match).
var foreignFolders = []struct{ file, is string }{
	{"saved_model.pb", "a SavedModel of TensorFlow. In Python, convert the model to ONNX (tf2onnx), and load that file"},
	{"*.distcp", "a distributed checkpoint of PyTorch. In Python, torch.distributed.checkpoint.format_utils.dcp_to_torch_save(FOLDER, FILE) makes one file of it; load that under the network's name"},
	{"Manifest.json", "perhaps a model package of Core ML (.mlpackage). In Python, take the model that it was made from"},
	{"manifest.ocdbt", "a checkpoint of Orbax (JAX). Take the PyTorch weights of the same model"},
	{"*.data-0*-of-0*", "a checkpoint of TensorFlow. In Python, convert the model to ONNX (tf2onnx), and load that file"},
	{"adapter_config.json", "an adapter (PEFT) without its model. In Python, merge it into the model (merge_and_unload) and save that (save_pretrained)"},
}

// snapshot returns the folder of the files within a repository in the hub's cache (models--OWNER--NAME), that of its
// main branch or the only one; else the folder itself.
func snapshot(path string) string {
	if !strings.HasPrefix(filepath.Base(path), "models--") {
		return path
	}
	if commit, err := os.ReadFile(filepath.Join(path, "refs", "main")); err == nil && filepath.IsLocal(strings.TrimSpace(string(commit))) {
		return filepath.Join(path, "snapshots", strings.TrimSpace(string(commit)))
	}
	if all, err := os.ReadDir(filepath.Join(path, "snapshots")); err == nil && len(all) == 1 {
		return filepath.Join(path, "snapshots", all[0].Name())
	}
	return path
}

// trainerState fits the files that transformers' Trainer and Accelerate write beside the weights, to resume a training.
var trainerState = regexp.MustCompile(`^(?:optimizer|scheduler|sampler|dl_state_dict|random_states|rng_state|scaler|training_args|custom_checkpoint)[-_0-9]*\.\w+$`)

// undescribed is the error for a folder without config.json. It says what is there.
func undescribed(path string) error {
	const want = "expected config.json and the weights beside it, as save_pretrained of transformers and timm's save_for_hf write them"
	first := func(pattern string) string {
		found, _ := fs.Glob(os.DirFS(path), pattern) // no pattern here is malformed
		found = slices.DeleteFunc(found, func(name string) bool { return trainerState.MatchString(name) })
		if len(found) == 0 {
			return ""
		}
		return found[0]
	}
	for _, f := range foreignFolders {
		if name := first(f.file); name != "" {
			return fmt.Errorf("zoo: folder %s has %s and no config.json: this is %s", path, name, f.is)
		}
	}
	for _, ext := range []string{".onnx", ".safetensors", ".pth", ".pt", ".ckpt", ".bin", ".tar", ".pkl", ".th"} {
		name := first("*" + ext)
		if name == "" {
			continue
		}
		file := filepath.Join(path, name)
		how := fmt.Sprintf("load it by its path, %q", file)
		if ext != ".onnx" {
			how = fmt.Sprintf("load it under its network's name, such as Load(\"resnet50\", LoadOptions{Weights: %q})", file)
		}
		return fmt.Errorf("zoo: folder %s has %s and no config.json, which would say how it is read; %s", path, name, how)
	}
	if inner, err := fs.Glob(os.DirFS(path), "*/config.json"); err == nil && len(inner) > 0 {
		for i := range inner {
			inner[i] = filepath.Join(path, strings.TrimSuffix(inner[i], "/config.json"))
		}
		return fmt.Errorf("zoo: folder %s has no config.json, but folders in it have one; give one of them: %s", path, listed(inner))
	}
	return fmt.Errorf("zoo: folder %s has no config.json; %s", path, want)
}

// inWorkingFolder says that a bare name, which is one of the registry, is also that of a file or folder in the working
// folder, and how that one is given; "" if there is none.
func inWorkingFolder(name string) string {
	info, err := os.Stat(name)
	if err != nil || strings.ContainsAny(name, `/\`) {
		return ""
	}
	kind := "file"
	if info.IsDir() {
		kind = "folder"
	}
	return fmt.Sprintf("; the %s of that name in the working folder is %q", kind, "./"+name)
}

// isFolder reports whether a name is the path of a folder.
func isFolder(name string) bool {
	path, err := fetch.ExpandHome(name)
	if err != nil || !strings.ContainsAny(name, `/\`) && name != "." && name != "~" && !namedAsFile(name) {
		return false // a bare name is one of the registry, whatever lies in the working folder
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// openDescribed reads config.json, and for a model of transformers also preprocessor_config.json. Preprocessing and
// classes are taken from there, never guessed. set holds the facts about the weights that are known already.
func openDescribed(ctx context.Context, r repository, name string, set WeightSet) (source, error) {
	text, err := readSmall(ctx, r, "config.json")
	if err != nil {
		return nil, fmt.Errorf("zoo: %w", err)
	}
	set.Default = true
	var kind struct {
		Architecture string `json:"architecture"` // of timm
		ModelType    string `json:"model_type"`   // of transformers
	}
	if err := json.Unmarshal(text, &kind); err != nil {
		return nil, fmt.Errorf("zoo: config.json of %s: %w; if the file is damaged or cut short, download it again", r, err)
	}
	var d description
	switch {
	case kind.Architecture != "":
		d, err = timmDescription(text, set)
	case kind.ModelType != "":
		d, err = transformersDescription(text, set)
	default:
		err = errors.New("no architecture and no model_type; expected the configuration of a model of timm or transformers, as in hf://timm/resnet50.a1_in1k")
	}
	if err != nil {
		return nil, fmt.Errorf("zoo: config.json of %s: %w", r, err)
	}
	if !d.preprocess && kind.ModelType != "" {
		if err := d.readProcessor(ctx, r); err != nil {
			d.unread = fmt.Errorf("preprocessor_config.json: %w", err)
		}
	}
	return &described{repository: r, description: d, name: name}, nil
}

// readSmall reads a small file of a repository, one without weights.
func readSmall(ctx context.Context, r repository, name string) ([]byte, error) {
	path, err := r.File(ctx, name, huggingface.Options{MaxBytes: maxConfig})
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	return bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), err // Windows' editors write a byte order mark
}

// readProcessor takes the preprocessing from preprocessor_config.json; it stays unknown if there is none.
func (d *description) readProcessor(ctx context.Context, r repository) error {
	text, err := readSmall(ctx, r, "preprocessor_config.json")
	if absent(err) {
		return d.readNestedProcessor(ctx, r)
	}
	if err != nil {
		return err
	}
	return d.takeProcessor(text)
}

// readNestedProcessor takes the preprocessing from processor_config.json, in which processors of several
// parts keep that of images.
func (d *description) readNestedProcessor(ctx context.Context, r repository) error {
	text, err := readSmall(ctx, r, "processor_config.json")
	if absent(err) {
		return nil
	}
	var parts struct {
		Image json.RawMessage `json:"image_processor"`
	}
	if err == nil {
		err = json.Unmarshal(text, &parts)
	}
	if err != nil || parts.Image == nil {
		return err
	}
	return d.takeProcessor(parts.Image)
}

// takeProcessor takes the preprocessing from the configuration of an image processor.
func (d *description) takeProcessor(text []byte) error {
	c, err := readProcessor(text)
	if err != nil {
		return err
	}
	p, err := c.preprocess()
	if err != nil {
		return err
	}
	d.setPreprocess(p)
	d.flipped = c.flips()
	return nil
}

// setPreprocess makes p the preprocessing of the weight set, and its size that of the network, unless position
// embeddings fix another.
func (d *description) setPreprocess(p vision.Preprocess) {
	d.preprocess = true
	d.spec.Weights[0].Preprocess = p
	if !d.spec.sizeBound() {
		d.spec.InputSize = p.Crop
	}
}

func (s *described) network() Spec { return s.spec }

func (s *described) choose(o LoadOptions) (*values, error) {
	if o.Weights != "" {
		return nil, fmt.Errorf("zoo: LoadOptions.Weights is %q, but %q names the weights already; leave Weights empty", o.Weights, s.name)
	}
	set := s.spec.Weights[0]
	v := &values{spec: s.spec, classes: set.Classes, preprocess: set.Preprocess, name: s.name, layouts: s.layouts,
		described: len(set.Classes) > 0, whole: true, flipped: s.flipped, notes: s.notes}
	switch {
	case o.Preprocess != nil:
		v.preprocess = *o.Preprocess
	case s.unread != nil:
		return nil, fmt.Errorf("zoo: %s: %w; LoadOptions.Preprocess stands in for it", s.repository, s.unread)
	case !s.preprocess:
		return nil, fmt.Errorf("zoo: %s does not say how its images are prepared (transformers keeps that in preprocessor_config.json), and that can't be guessed: give LoadOptions.Preprocess",
			s.repository)
	}
	if o.Preprocess == nil {
		v.preprocessAt = s.preprocessAt
	}
	if crop := v.preprocess.Crop; s.spec.sizeBound() && crop != 0 && !s.sized {
		v.spec.InputSize = crop // the file's learned positions decide
	} else if s.spec.sizeBound() && crop != 0 && crop != s.spec.InputSize {
		return nil, fmt.Errorf("zoo: %s prepares images of %dx%d pixels, but its learned positions are for %dx%d; give LoadOptions.Preprocess",
			s.repository, crop, crop, s.spec.InputSize, s.spec.InputSize)
	}
	if s.unnamed != nil && o.Classes == nil {
		return nil, fmt.Errorf("zoo: config.json of %s: %w; LoadOptions.Classes stands in for it", s.repository, s.unnamed)
	}
	if err := s.checkSize(v, o.Preprocess != nil); err != nil {
		return nil, err
	}
	if len(v.classes) == 0 {
		v.classes = numbered(len(ImageNetClasses())) // only features: any number will do until the head is replaced
	}
	v.open = s.open
	return v, nil
}

// checkSize refuses images of a size at which the described network computes other numbers than the zoo's. If the
// caller chose the size, it adds a note: for a training the network is as good as the other.
func (s *described) checkSize(v *values, chosen bool) error {
	size := v.preprocess.Crop
	if s.differs == nil || size == 0 || s.differs(size) == "" {
		return nil
	}
	why := fmt.Sprintf("at images of %dx%d pixels, the network computes other numbers here: %s", size, size, s.differs(size))
	if chosen {
		v.notes = append(slices.Clone(v.notes), why+". Train it before you use it at that size")
		return nil
	}
	advice := "Export it to ONNX, and load that file"
	if near := s.differs.agreed(size); near > 0 {
		advice += fmt.Sprintf(", or give LoadOptions.Preprocess with a Crop of %d, at which both compute the same", near)
	}
	return fmt.Errorf("zoo: %s: %s. %s; LoadOptions.Preprocess with a Crop of %d loads it as it is, to be trained", s.repository, why, advice, size)
}

// weightNames are the files of a repository that may hold weights, or list the files that do, in the order in which
// they are looked for.
var weightNames = []string{"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"}

// open opens the weights, after a download where needed. Without a network, it takes the first of weightNames that is
// on this machine, even if an earlier one could not be looked for.
func (s *described) open(ctx context.Context) (*weights.StateDict, error) {
	o := huggingface.Options{Progress: func(name string) func(done, total int64) {
		return fetch.Printer(os.Stderr, s.repository.String()+"/"+name)
	}}
	var offline error
	for _, name := range weightNames {
		path, err := s.File(ctx, name, o)
		switch {
		case errors.Is(err, fetch.ErrOffline), errors.Is(err, fetch.ErrNoNetwork):
			if offline == nil {
				offline = err
			}
			continue
		case absent(err):
			continue
		case err != nil:
			return nil, fmt.Errorf("zoo: %w", err)
		case strings.HasSuffix(name, ".json"):
			return s.openShards(ctx, path, o)
		}
		return weights.Open(path)
	}
	if offline != nil {
		return nil, fmt.Errorf("zoo: %w", offline)
	}
	return nil, fmt.Errorf("zoo: %s has neither model.safetensors nor model.safetensors.index.json, nor pytorch_model.bin%s", s.repository, s.weightsInstead())
}

const byNetwork = "which may hold the weights: load it under the network's name, Load(%[2]q, LoadOptions{Weights: %[1]q})"

// otherWeights are files in which other programs, or other names, keep the weights of a folder with a config.json (a
// pattern of path.Match), with what to do: %[1]q is the file's path, %[2]q the name of the network.
var otherWeights = []struct{ file, advice string }{
	{"adapter_model.*", "which is an adapter (PEFT). In Python, merge it into the model (merge_and_unload) and save that (save_pretrained)"},
	{"*.onnx", "an ONNX model: load it by its path, %[1]q"},
	{"onnx/*.onnx", "an ONNX model: load it by its path, %[1]q"},
	{"*.safetensors", byNetwork},
	{"*.bin", byNetwork},
	{"*.pt*", byNetwork},
	{"*.ckpt", byNetwork},
	{"tf_model*.h5", "the weights for TensorFlow. In Python with transformers 4, from_pretrained(FOLDER, from_tf=True) and save_pretrained write PyTorch's"},
	{"flax_model*.msgpack", "the weights for Flax. In Python with transformers 4, from_pretrained(FOLDER, from_flax=True) and save_pretrained write PyTorch's"},
	{"*.xml", "a model of OpenVINO, which is not read. Take the PyTorch weights or the ONNX model that it was made from"},
	{"*.tflite", "a TensorFlow Lite model, which is not read. Take the PyTorch weights or the ONNX model that it was made from"},
	{"*.h5", "an HDF5 file (Keras), which is not read. In Python, convert the model to ONNX (tf2onnx), and load that file"},
	{"*.gguf", "a file of llama.cpp, which is not read. Take the PyTorch weights of the same model"},
}

// besideWeights begin the names of files with the extensions of weights that hold none of PyTorch's.
var besideWeights = []string{"training_args", "optimizer", "scheduler", "scaler", "rng_state", "openvino_model.bin"}

// weightsInstead says which file a folder without the usual ones has in their place, and what to do with it; "" if none
// is found. A repository of the hub does not list its files.
func (s *described) weightsInstead() string {
	dir, ok := s.repository.(folder)
	if !ok {
		return ""
	}
	for _, other := range otherWeights {
		found, _ := fs.Glob(os.DirFS(string(dir)), other.file) // the patterns are well formed
		found = slices.DeleteFunc(found, func(name string) bool {
			return slices.ContainsFunc(besideWeights, func(begin string) bool { return strings.HasPrefix(name, begin) })
		})
		if len(found) == 0 {
			continue
		}
		advice := other.advice
		if strings.Contains(advice, "%[1]q") {
			advice = fmt.Sprintf(advice, filepath.Join(string(dir), filepath.FromSlash(found[0])), s.spec.Name)
		}
		return fmt.Sprintf("; it has %s, %s", found[0], advice)
	}
	return ""
}

// openShards opens the parts that an index lists.
func (s *described) openShards(ctx context.Context, index string, o huggingface.Options) (*weights.StateDict, error) {
	text, err := os.ReadFile(index)
	if err != nil {
		return nil, fmt.Errorf("zoo: %w", err)
	}
	names, err := weights.ShardNames(text)
	if err != nil {
		return nil, fmt.Errorf("zoo: %s: %w", s.repository, err)
	}
	var parts []*weights.StateDict
	closeAll := func() {
		for _, p := range parts {
			p.Close()
		}
	}
	for _, name := range names {
		path, err := s.File(ctx, name, o)
		if err != nil {
			closeAll()
			return nil, fmt.Errorf("zoo: %w", err)
		}
		part, err := weights.Open(path)
		if err != nil {
			closeAll()
			return nil, err
		}
		parts = append(parts, part)
	}
	sd, err := weights.Join(parts...)
	if err != nil {
		closeAll()
	}
	return sd, err
}
