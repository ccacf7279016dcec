package zoo

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// processor is preprocessor_config.json.
type processor struct {
	Type      string        `json:"image_processor_type"`
	OldType   string        `json:"feature_extractor_type"`
	Resize    *bool         `json:"do_resize"`
	Size      sides         `json:"size"`
	Crop      *bool         `json:"do_center_crop"`
	CropSize  sides         `json:"crop_size"`
	CropPct   float64       `json:"crop_pct"`
	Resample  *int          `json:"resample"`
	Rescale   *bool         `json:"do_rescale"`
	Factor    *float64      `json:"rescale_factor"`
	Offset    bool          `json:"rescale_offset"`
	Normalize *bool         `json:"do_normalize"`
	Mean      channelValues `json:"image_mean"`
	Std       channelValues `json:"image_std"`
	ImageSize sides         `json:"image_size"` // of the network, which the geometry must give
	Channels  *int          `json:"num_channels"`
	Twice     bool          `json:"include_top"`           // EfficientNet's divides by the deviation once more
	Flip      *bool         `json:"do_flip_channel_order"` // blue, green, red
}

// processorNotes are fields of preprocessor_config.json that change nothing of an image in a classifier; those that
// begin with "_" are such, too.
var processorNotes = []string{"image_processor_type", "feature_extractor_type", "processor_class", "transformers_version", "auto_map", "model_input_names", "name_or_path",
	"do_convert_rgb", "do_reduce_labels", "reduce_labels", "return_tensors", "data_format", "input_data_format", "device", "disable_grouping", "default_to_square"}

// unknownField returns a field of preprocessor_config.json with a value that this package does not know, "" if there is
// none.
func unknownField(text []byte) (string, error) {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return "", err
	}
	known := reflect.TypeFor[processor]()
	for i := range known.NumField() {
		delete(fields, known.Field(i).Tag.Get("json"))
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		value := strings.TrimSpace(string(fields[name]))
		if !strings.HasPrefix(name, "_") && !slices.Contains(processorNotes, name) && !slices.Contains([]string{"null", "false", "{}", "[]", `""`}, value) {
			return fmt.Sprintf("%s is %.40s", name, value), nil
		}
	}
	return "", nil
}

// sides are the sides of an image: a number, both sides, or the shorter one.
type sides struct {
	Height   int `json:"height"`
	Width    int `json:"width"`
	Shortest int `json:"shortest_edge"`
	one      int
}

func (s *sides) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &s.one); err == nil {
		return nil
	}
	var two []int
	if err := json.Unmarshal(text, &two); err == nil && len(two) == 2 {
		s.Height, s.Width = two[0], two[1]
		return nil
	}
	type plain sides
	if err := json.Unmarshal(text, (*plain)(s)); err != nil {
		return fmt.Errorf("a size is %.40s, expected a number of pixels, two of them, or an object with height and width or with shortest_edge", text)
	}
	return nil
}

// channelValues are numbers, one for each channel, or one for all.
type channelValues []float32

func (n *channelValues) UnmarshalJSON(text []byte) error {
	var one float32
	if err := json.Unmarshal(text, &one); err == nil {
		*n = channelValues{one}
		return nil
	}
	return json.Unmarshal(text, (*[]float32)(n))
}

// on reports whether a step is done: as the file has it, or usual if the file lacks it.
func on(step *bool, usual bool) bool {
	if step == nil {
		return usual
	}
	return *step
}

// processorKind is a kind of transformers' processors, by the beginning of its name, with what it does where a file
// does not say it.
type processorKind struct {
	name     string
	resample vision.Interpolation
	crop     int // the side of the middle that it cuts out; 0 for none
}

// processorKinds are the processors that are read.
var processorKinds = []processorKind{
	{"ViT", vision.Bilinear, 0}, {"MobileNet", vision.Bilinear, 224}, {"MobileViT", vision.Bicubic, 256}, {"Beit", vision.Bicubic, 0},
	{"CLIP", vision.Bicubic, 224}, {"Bit", vision.Bicubic, 224}, {"ConvNext", vision.Bicubic, 0}, {"EfficientNet", vision.Bicubic, 0},
	{"Siglip", vision.Bicubic, 0}, {"DeiT", vision.Bicubic, 224},
}

// kind finds the processor's kind; of one without a name, that of ViT.
func (c processor) kind() (processorKind, bool) {
	i := slices.IndexFunc(processorKinds, func(k processorKind) bool { return c.isOf(k.name) })
	if i < 0 {
		return processorKinds[0], c.Type+c.OldType == ""
	}
	return processorKinds[i], true
}

// readProcessor reads preprocessor_config.json of transformers. A field or a processor that is not known is an error
// with its name.
func readProcessor(text []byte) (c processor, err error) {
	if err := json.Unmarshal(text, &c); err != nil {
		return c, err
	}
	unknown, err := unknownField(text)
	if err != nil {
		return c, err
	}
	for _, name := range []*string{&c.Type, &c.OldType} {
		if strings.HasPrefix(*name, "Auto") { // AutoImageProcessor, AutoFeatureExtractor: of any kind
			*name = ""
		}
	}
	switch _, known := c.kind(); {
	case unknown != "":
		return c, fmt.Errorf("%s, which is not known here", unknown)
	case !known:
		return c, fmt.Errorf("image_processor_type is %q, which is not known here", cmp.Or(c.Type, c.OldType))
	case c.flips() && !c.isOf("MobileViT"):
		return c, fmt.Errorf("do_flip_channel_order is true, which only MobileViT's processor is known to have")
	}
	return c, nil
}

// flips reports whether the network takes blue, green and red in this order.
func (c processor) flips() bool { return on(c.Flip, c.isOf("MobileViT")) }

// preprocess returns one transform of pixels in [0, 1].
func (c processor) preprocess() (vision.Preprocess, error) {
	var p vision.Preprocess
	if err := c.geometry(&p); err != nil {
		return p, err
	}
	if side := cmp.Or(c.ImageSize.Height, c.ImageSize.Shortest, c.ImageSize.one); side != 0 && (side != p.Crop || cmp.Or(c.ImageSize.Width, side) != side) {
		return p, fmt.Errorf("image_size is %d, but images become %dx%d by the other fields", side, p.Crop, p.Crop)
	}
	if c.Channels != nil && *c.Channels != 3 {
		return p, fmt.Errorf("num_channels is %d, expected 3", *c.Channels)
	}
	switch resample := c.Resample; {
	case resample == nil:
		kind, _ := c.kind()
		p.Interpolation = kind.resample
	case *resample == 2:
		p.Interpolation = vision.Bilinear
	case *resample == 3:
		p.Interpolation = vision.Bicubic
	case *resample == 0:
		p.Interpolation = vision.Nearest
	case *resample == 1:
		p.Interpolation = vision.Lanczos
	default:
		return p, fmt.Errorf("resample is %d; 0 (nearest), 1 (Lanczos), 2 (bilinear) and 3 (bicubic) are known here", *resample)
	}
	if err := c.scale(&p); err != nil {
		return p, err
	}
	return p, p.Validate()
}

// isOf reports whether the processor's class begins with a name.
func (c processor) isOf(name string) bool { return strings.HasPrefix(c.Type+c.OldType, name) }

// geometry sets how images are resized and cropped.
func (c processor) geometry(p *vision.Preprocess) error {
	convNeXt := c.isOf("ConvNext")
	shortest := c.Size.Shortest
	if shortest == 0 && (convNeXt || c.isOf("CLIP") || c.isOf("Siglip") || c.isOf("Bit") || c.isOf("Mobile")) {
		shortest = c.Size.one
	}
	square := c.Size.Height
	if shortest == 0 && square == 0 {
		square = c.Size.one
	}
	kind, _ := c.kind()
	cropped, crop := on(c.Crop, kind.crop > 0), cmp.Or(c.CropSize.Height, c.CropSize.one, kind.crop)
	if cropped && c.CropSize.Width != 0 && c.CropSize.Width != crop {
		return fmt.Errorf("crop_size is %dx%d, expected a square", c.CropSize.Height, c.CropSize.Width)
	}
	switch {
	case !on(c.Resize, true):
	case convNeXt && shortest >= 384: // transformers' ConvNextImageProcessor: no cropping from 384 on
		p.Resize, p.Squash, p.Crop = shortest, true, shortest
	case convNeXt && shortest > 0:
		share := c.CropPct
		if share == 0 {
			share = 224. / 256
		}
		p.Resize, p.Crop = int(float64(shortest)/share), shortest
	case square > 0 && (c.Size.Width == 0 || c.Size.Width == square):
		p.Resize, p.Squash, p.Crop = square, true, square
	case shortest > 0:
		p.Resize = shortest
	default:
		return fmt.Errorf("size is %+v, expected a square or the shorter edge", c.Size)
	}
	if cropped && crop > 0 {
		p.Crop = crop
	}
	if p.Crop == 0 {
		return errors.New("images are not brought to one size; give LoadOptions.Preprocess")
	}
	return nil
}

// scale sets mean and deviation for pixels in [0, 1]. transformers computes (255*factor*x - offset - mean)/std.
func (c processor) scale(p *vision.Preprocess) error {
	factor, offset := float32(1./255), float32(0)
	if c.Factor != nil && on(c.Rescale, true) {
		factor = float32(*c.Factor)
	}
	if c.Offset {
		offset = 1
	}
	mean, std := [3]float32{}, [3]float32{1, 1, 1}
	if on(c.Normalize, true) && !c.isOf("MobileViT") { // which has no such step
		var ok1, ok2 bool
		mean, ok1 = perChannel(c.Mean, len(c.Mean))
		std, ok2 = perChannel(c.Std, len(c.Std))
		if !ok1 || !ok2 {
			return fmt.Errorf("image_mean is %v and image_std %v, expected three numbers each", c.Mean, c.Std)
		}
	}
	if !on(c.Rescale, true) {
		return errors.New("do_rescale is false: pixels up to 255 go into the network, which is not known here")
	}
	unit := 255 * factor
	for i := range mean {
		if c.Twice {
			std[i] *= std[i]
		}
		p.Mean[i], p.Std[i] = (offset+mean[i])/unit, std[i]/unit
	}
	return nil
}
