package zoo

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/tlkit-go/tlkit-notebooks/internal/optional"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/internal/onnx/read"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// HeadChoice determines the output layer of a model that is loaded from a weight file.
type HeadChoice string

// The choices of LoadOptions.Head.
const (
	// HeadAsFound takes the file's output layer if it fits the network, and else makes a new one, which standard error
	// and Model.Notes report. All strategies but KeepHead replace the output layer anyway. Layers between backbone and
	// output layer (mobilenet_v3's classifier.0) are new, too, if the file lacks them.
	HeadAsFound HeadChoice = ""
	// HeadOfFile needs an output layer in the file: without one that fits, loading fails.
	HeadOfFile HeadChoice = "file"
	// HeadNew makes a new output layer with random values, whatever the file holds.
	HeadNew HeadChoice = "new"
)

// LoadOptions choose the values that a model is loaded with. The zero value takes the default weight set.
type LoadOptions struct {
	// Weights is the name of a weight set ("IMAGENET1K_V2"), the path of a weight file (.pth, .safetensors) or of the
	// index of one in several files (.index.json), or "random". "" is the set in the model's name
	// ("resnet50.IMAGENET1K_V1"), or the default one. Models of the Hugging Face hub and folders have their weights in
	// their name, and take "" only.
	//
	// A weight file may be a checkpoint as training scripts write them: its keys may lie behind a prefix ("model.",
	// "backbone.", "module._orig_mod."), or have the names of timm, transformers or fastai; it may hold more than the
	// network, another output layer or none, and a first layer for grey images. Tensors that torch.nn.utils keeps in
	// parts (pruning, weight and spectral normalisation) are computed from them. Standard error and Model.Notes report
	// the changes, and the other networks that a file fits as well, since it does not say its activation, windows or
	// padding.
	Weights string
	// Classes name the logits of a weight file. nil means those of the model's published weights if there are as many,
	// else "class 0" and so on: names are never guessed. For a model of the Hugging Face hub nil means the names in its
	// config.json, and for an .onnx file those in its metadata.
	Classes []string
	// Preprocess is the evaluation transform of a file of your own; nil means that of the model's published weights. It
	// is required for an .onnx file whose metadata lacks it (TLKit's own files have it): it can't be guessed.
	Preprocess *vision.Preprocess
	// Head chooses the output layer: the weight file's where it fits, which is the zero value, or a new one. A file
	// without one loads, too, if its backbone is complete.
	Head HeadChoice
	// Prefix chooses among several networks in one file, by the beginning of their keys: "teacher.backbone.", or
	// "teacher." for a network that lies deeper behind it. "" means to look for it.
	Prefix string
	// Key is the place of the weights within a checkpoint of PyTorch ("ema.state_dict"), for files in which the rule of
	// [weights.Open] finds another place or none.
	Key string
	// Output names the output of an .onnx file that is the logits, for files with several classifiers. "" means the
	// only one, the one named "logits", or the one that needs all others.
	Output string
	// Seed determines random values.
	Seed uint64
}

// Random is the LoadOptions.Weights that loads no weights.
const Random = "random"

// Load returns the named model with its values. The name is one of
//
//   - a model of the zoo, optionally with a weight set: "resnet50", "resnet50.IMAGENET1K_V1". Weight files are looked
//     up in TLKIT_DATA and in the cache before they are downloaded; TLKIT_MIRROR stands in for torchvision's server.
//     "vit_b_16_eps1e-12" is vit_b_16 with normalisations that add 1e-12 to the variance, for weight files that were
//     trained so (transformers' ViT, timm's mobilenetv3). The families vit, deit, clip, siglip, eva02, beit, dinov2,
//     swin, efficientnet and mobilenet_v3, and the networks that begin with tf_, have such forms.
//
//   - a repository of the Hugging Face hub, optionally at a revision: "hf://timm/resnet18.a1_in1k",
//     "hf://microsoft/resnet-50@main", of timm or of transformers. Its config.json gives architecture, classes and
//     licence, and that file or preprocessor_config.json the preprocessing. The files are kept where Python keeps them.
//     HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_CACHE and HF_HUB_OFFLINE mean what they mean in Python. Of timm,
//     [TimmArchitectures] lists what can be loaded; of transformers, image classifiers of the types resnet, regnet,
//     convnext, convnextv2, vit, deit, beit, data2vec-vision, dinov2, swin, swinv2, efficientnet, mobilenet_v1,
//     mobilenet_v2 and mobilevit, and image towers of the types clip and siglip, whose network is one of the zoo. A
//     model that is not the same network as its relative here is refused.
//
//   - a folder with such files: "./my-model", as save_pretrained of transformers and timm's save_for_hf write it, or a
//     repository in the hub's cache, "~/.cache/huggingface/hub/models--OWNER--NAME".
//
//   - an .onnx file: "models/my.onnx". It becomes a model like the others: variables under the file's names, stages
//     named after PyTorch's modules where the exporter kept their names, and a new head for other classes. Images are
//     [batch, height, width, 3] here as everywhere, whatever the file's axes. A Softmax or Sigmoid at the end is left
//     out. Batch normalisations that the exporter has folded into convolutions are gone for good; those that are there
//     train as others do. Dropout is left out. Several linear output layers whose sum or mean is the output
//     (distillation, branches) become one, on the features of all. Quantised weights and activations (QuantizeLinear,
//     DequantizeLinear) are computed in float32, with the file's rounding. LoadOptions.Preprocess gives the preparation
//     of images. A file that leaves the size of images open is read for Preprocess.Crop. The file must have square
//     images of three channels, or of one (which gets the mean of the three), and a linear output layer; an error
//     names every unknown operator. Operators at its end that make labels of the scores (ArgMax, TopK, ZipMap, as
//     Custom Vision and ML.NET write them) are left out.
//
//   - a .pth or .safetensors file that [Model.Export] wrote: "ants.safetensors", as [LoadExported] reads it. Weights of
//     other origin are loaded under the network's name, with LoadOptions.Weights.
//
//   - any other file. Its first bytes tell the format: an ONNX model loads under any name; for formats that are not
//     read (HDF5, TensorFlow, TensorRT, Flax, GGUF and others) the error names the format and the next step.
//
// Downloads are resumed and verified, by one program at a time; TLKIT_OFFLINE forbids them, and an interrupt ends them.
func Load(name string, opts ...LoadOptions) (*Model, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return LoadContext(ctx, name, opts...)
}

// LoadContext is [Load] with a context; cancelling it stops a download.
func LoadContext(ctx context.Context, name string, opts ...LoadOptions) (*Model, error) {
	o, err := loadOptions(name, opts)
	if err != nil {
		return nil, err
	}
	graph := read.Options{Output: o.Output}
	if o.Preprocess != nil {
		graph.Size = o.Preprocess.Crop
	}
	s, err := resolve(ctx, name, graph)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if _, ok := s.(*onnxFile); o.Output != "" && !ok {
		return nil, fmt.Errorf("zoo: LoadOptions.Output is %q, which is for .onnx files; %s has one output, leave it empty", o.Output, name)
	}
	return load(ctx, s, o)
}

// LoadExported returns the model of a file that [Model.Export] wrote, ready to predict: with its class names and its
// preprocessing, from the file's metadata or from the file path + ".json" beside it. A network of the zoo is complete,
// and can be trained further or exported again; its auxiliary heads are new if it comes from an .onnx file.
func LoadExported(path string) (*Model, error) {
	s, err := openExported(path, read.Options{})
	if err != nil {
		return nil, err
	}
	defer s.close()
	return load(context.Background(), s, LoadOptions{})
}

// ReadExported is [LoadExported] for a file that is in memory, such as an embedded one. name ends in the file's format,
// .safetensors or .onnx, and is used in errors; a .pth file has no place for the description of the model. data must
// not change while ReadExported runs.
func ReadExported(name string, data []byte) (*Model, error) {
	s, err := exportedIn(name, data)
	if err != nil {
		return nil, err
	}
	defer s.close()
	return load(context.Background(), s, LoadOptions{})
}

// Info returns the facts about a model. The name may end in a weight set: "resnet50.IMAGENET1K_V1". The error is an
// *[UnknownModelError] if there is no such model. For a repository of the Hugging Face hub
// ("hf://timm/resnet18.a1_in1k") or a folder its config.json is read, from the cache or from the hub: the one weight
// set has preprocessing, classes and licence from there. For an .onnx file ("models/my.onnx") the file is read.
func Info(name string) (Spec, error) {
	s, err := resolve(context.Background(), name, read.Options{})
	if err != nil {
		return Spec{}, err
	}
	defer s.close()
	return s.network(), nil
}

// loadOptions checks the options of Load and completes them.
func loadOptions(name string, opts []LoadOptions) (LoadOptions, error) {
	o, err := optional.One(fmt.Sprintf("zoo: Load(%q)", name), opts)
	if err != nil {
		return LoadOptions{}, err
	}
	if o.Preprocess != nil {
		if err := o.Preprocess.Validate(); err != nil {
			return LoadOptions{}, fmt.Errorf("zoo: LoadOptions.Preprocess: %w", err)
		}
	}
	return o, nil
}

// classes are the caller's, or those of the model's published weights.
func (o LoadOptions) classes(spec Spec) []string {
	if o.Classes != nil {
		return o.Classes
	}
	if set, err := spec.WeightSet(""); err == nil {
		return set.Classes
	}
	return ImageNetClasses()
}
