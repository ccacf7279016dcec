package weights

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Spec is a tensor that a model expects: its Key and Shape, in the layout of the file.
type Spec struct {
	Key   string
	Shape []int
}

// ShapeMismatch is a Key whose shape differs: the model has Want, the file Got.
type ShapeMismatch struct {
	Key       string
	Want, Got []int
}

// MismatchError lists every difference between a model and a state dict. The message shortens long lists;
// the fields are complete.
type MismatchError struct {
	Source     string          // the file, "" if the state dict was made in memory
	Missing    []string        // expected, not in the state dict; in the model's order
	Unexpected []string        // in the state dict, not expected; in the file's order
	Misshapen  []ShapeMismatch // in both, with different shapes
	Matched    int             // number of keys in order
	// Prefix was removed from the file's keys before, and Layout is the library whose names for the layers were tried;
	// "" for none and for the model's own.
	Prefix, Layout string
}

// maxListed is the number of names of each kind that the message shows.
const maxListed = 8

func (e *MismatchError) Error() string {
	var b strings.Builder
	b.WriteString("weights: ")
	if e.Source != "" {
		b.WriteString(e.Source + ": ")
	}
	fmt.Fprintf(&b, "the state dict does not fit the model (%d keys do%s)", e.Matched, e.tried())
	section := func(title string, n int, item func(int) string) {
		if n == 0 {
			return
		}
		fmt.Fprintf(&b, "; %d %s: ", n, title)
		for i := range min(n, maxListed) {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(item(i))
		}
		if n > maxListed {
			fmt.Fprintf(&b, " and %d more", n-maxListed)
		}
	}
	section("missing", len(e.Missing), func(i int) string { return e.Missing[i] })
	section("unexpected", len(e.Unexpected), func(i int) string { return printable(e.Unexpected[i]) })
	section("of another shape", len(e.Misshapen), func(i int) string {
		m := e.Misshapen[i]
		return fmt.Sprintf("%s (model %v, file %v)", m.Key, m.Want, m.Got)
	})
	b.WriteString(e.hint())
	return b.String()
}

// tried describes the names under which the keys were compared.
func (e *MismatchError) tried() string {
	var s string
	if e.Prefix != "" {
		s += fmt.Sprintf(" after the prefix %q is removed", printable(e.Prefix))
	}
	if e.Layout != "" {
		s += " with the names of " + e.Layout
	}
	return s
}

// part is how the parts of a checkpoint in several files are named: model-00001-of-00002.safetensors.
var part = regexp.MustCompile(`-\d{5}-of-\d{5}\.`)

// hint describes a pattern in the lists: a common prefix, or no match at all.
func (e *MismatchError) hint() string {
	if part.MatchString(e.Source) && len(e.Unexpected)+len(e.Misshapen) == 0 {
		return "; by its name the file is one part of several: open their index (.index.json)"
	}
	if i := slices.IndexFunc(e.Unexpected, IsAdapter); i >= 0 && len(e.Missing) > 0 {
		return fmt.Sprintf("; %s is part of an adapter (LoRA), which changes a model that the file lacks: in Python, merge it into the model (merge_and_unload) and save that", printable(e.Unexpected[i]))
	}
	if i := slices.IndexFunc(e.Unexpected, func(key string) bool { return strings.HasSuffix(key, "_flat_param") }); i >= 0 {
		return fmt.Sprintf("; %s holds the weights of layers in a row, or one process's part of them (FSDP): in Python, save the state dict as StateDictType.FULL_STATE_DICT", printable(e.Unexpected[i]))
	}
	if i := slices.IndexFunc(e.Unexpected, func(key string) bool { return strings.HasSuffix(key, "._variance") }); i >= 0 {
		return fmt.Sprintf("; %s is a name of PaddlePaddle: in Python, convert the model to ONNX (paddle2onnx), and load that file", printable(e.Unexpected[i]))
	}
	if i := slices.IndexFunc(e.Unexpected, ofQuantisation); i >= 0 {
		return fmt.Sprintf("; %s is of a network that torch.ao.quantization has prepared, in which layers are joined: open the checkpoint from before that", printable(e.Unexpected[i]))
	}
	if i := slices.IndexFunc(e.Misshapen, ShapeMismatch.channels); i >= 0 && len(e.Misshapen)+len(e.Missing) == 1 {
		m := e.Misshapen[i]
		return fmt.Sprintf("; its first layer is for images of %d channels, and the images here have %d: if red, green and blue are the first, keep these in Python, sd[KEY] = sd[KEY][:, :3], and save sd", m.Got[1], m.Want[1])
	}
	if e.Matched == 0 && len(e.Missing) > 0 && len(e.Unexpected) > 0 {
		// All keys behind a prefix: a model within a model.
		want := e.Missing[0]
		for _, k := range e.Unexpected {
			prefix, ok := strings.CutSuffix(k, want)
			if ok && prefix != "" && !slices.ContainsFunc(e.Unexpected, func(k string) bool { return !strings.HasPrefix(k, prefix) }) {
				return fmt.Sprintf("; every key begins with %q: remove it with StateDict.Strip", printable(prefix))
			}
		}
		return "; not one name fits"
	}
	return ""
}

// channels reports whether the shapes are those of a first convolution for RGB images and for images of more channels.
func (m ShapeMismatch) channels() bool {
	return len(m.Want) == 4 && len(m.Got) == 4 && m.Want[1] == 3 && m.Got[1] > 3 &&
		m.Want[0] == m.Got[0] && slices.Equal(m.Want[2:], m.Got[2:])
}

// ofQuantisation reports whether a key is of an observer of torch.ao.quantization.
func ofQuantisation(key string) bool {
	return strings.Contains(key, "activation_post_process.") || strings.Contains(key, "fake_quant")
}

// IsAdapter reports whether a key is of the low-rank matrices of an adapter, by the names of PEFT, diffusers and kohya.
func IsAdapter(key string) bool {
	return strings.Contains(key, "lora_A") || strings.Contains(key, "lora_B") || strings.Contains(key, "lora_down") || strings.Contains(key, "lora_up")
}

// isBookkeeping reports whether a key is BatchNorm's counter of batches, which inference does not use and files older
// than PyTorch 0.4.1 do not have.
func isBookkeeping(key string) bool {
	return key == "num_batches_tracked" || strings.HasSuffix(key, ".num_batches_tracked")
}

// Match compares the tensors that a model expects with those of a state dict and returns nil or a *MismatchError with
// all differences. num_batches_tracked is ignored on both sides.
func Match(want []Spec, sd *StateDict) error {
	e := &MismatchError{Source: sd.Source}
	wanted := make(map[string]bool, len(want))
	for _, w := range want {
		wanted[w.Key] = true
		if isBookkeeping(w.Key) {
			continue
		}
		t, ok := sd.Get(w.Key)
		switch {
		case !ok:
			e.Missing = append(e.Missing, w.Key)
		case !slices.Equal(t.Shape, w.Shape):
			e.Misshapen = append(e.Misshapen, ShapeMismatch{Key: w.Key, Want: w.Shape, Got: t.Shape})
		default:
			e.Matched++
		}
	}
	for _, k := range sd.Keys() {
		if !wanted[k] && !isBookkeeping(k) {
			e.Unexpected = append(e.Unexpected, k)
		}
	}
	if len(e.Missing)+len(e.Unexpected)+len(e.Misshapen) == 0 {
		return nil
	}
	return e
}
