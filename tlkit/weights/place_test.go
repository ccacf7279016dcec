package weights

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestModules opens pickles of whole models: keys, order and values are those of PyTorch's state_dict().
func TestModules(t *testing.T) {
	net := []string{"0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked", "2.weight", "2.bias"}
	parts := []string{"scale", "mean"}
	for _, key := range net {
		parts = append(parts, "body."+key)
	}
	parts = append(parts, "again.weight", "again.bias")
	for _, tt := range []struct {
		name   string
		keys   []string
		nested string
		others []string
	}{
		{"whole_model.pth", net, "", nil},
		{"traced.zip.pth", net, "", nil},
		{"modules.zip.pth", parts, "model", []string{"ema"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sd := openFixture(t, tt.name)
			if !slices.Equal(sd.Keys(), tt.keys) {
				t.Errorf("keys %q, want %q", sd.Keys(), tt.keys)
			}
			if sd.Nested != tt.nested || !slices.Equal(sd.Others, tt.others) {
				t.Errorf("nested %q, others %q; want %q, %q", sd.Nested, sd.Others, tt.nested, tt.others)
			}
			prefix := ""
			if tt.nested != "" {
				prefix = "body."
			}
			checkTensor(t, sd, prefix+"0.weight", []int{3, 2, 3, 3}, halves(54))
			checkTensor(t, sd, tt.keys[len(tt.keys)-1], []int{2}, halves(2))
			if tt.nested != "" {
				checkTensor(t, sd, "mean", []int{2, 2}, halves(4))
				checkTensor(t, sd, "scale", []int{3}, halves(3))
				if sd.Metadata["epoch"] != "3" {
					t.Errorf("metadata %q", sd.Metadata)
				}
			}
		})
	}
}

// TestPlace holds the rule by which the state dict of a checkpoint is found, and what is said of the rest.
func TestPlace(t *testing.T) {
	text := func(s string) string { p := &pickler{}; p.text(s); return p.b.String() }
	w := tensorPickle("FloatStorage", 4, 0, []int{2, 2}, []int{2, 1})
	dict := func(pairs ...string) string { // names and values in turn
		s := "}("
		for i, p := range pairs {
			if i%2 == 0 {
				p = text(p)
			}
			s += p
		}
		return s + "u"
	}
	class := func(module, name string) string { return "c" + module + "\n" + name + "\n" }
	sd := dict("conv.weight", w)
	emptied := tensorPickle("FloatStorage", 4, 0, []int{0}, []int{1})
	module := func(tensor string) string {
		return class("my.net", "Net") + ")\x81" + dict("_parameters", dict("w", tensor), "_buffers", dict(), "_modules", dict()) + "b"
	}
	parent := class("my.net", "Outer") + ")\x81" + dict("_parameters", dict(), "_buffers", dict(), "_modules", dict("model", module(w), "net", module(w))) + "b"
	typed := func(dtype string) string { // a tensor of _rebuild_tensor_v3
		arguments := strings.TrimSuffix(tensorArguments(w), "t") + class("torch", dtype) + "t"
		return class("torch._utils", "_rebuild_tensor_v3") + arguments + "R"
	}
	qtensor := class("torch._utils", "_rebuild_qtensor") + ")R"
	packed := class("torch.ao.nn.quantized", "LinearPackedParams") + ")\x81" + dict("_parameters", dict(), "_buffers", dict("scale", w), "_modules", dict(),
		"_packed_params", class("torch", "ScriptObject")+")\x81(("+qtensor+"Nt"+text("__torch__.torch.classes")+"tb") + "b"
	optimizer := dict("state", dict("a", w), "param_groups", "]")
	for _, tt := range []struct {
		name, pickle, key string
		nested            string
		first             string   // the first key
		others            []string // or those that the error lists
		err               string
	}{
		{"a trained and an averaged one", dict("model", sd, "model_ema", sd), "", "model", "conv.weight", []string{"model_ema"}, ""},
		{"the average first", dict("state_dict_ema", sd, "state_dict", sd), "", "state_dict", "conv.weight", []string{"state_dict_ema"}, ""},
		{"the average alone", dict("model_ema", sd, "optimizer", optimizer), "", "model_ema", "conv.weight", nil, ""},
		{"the average by name", dict("model", sd, "model_ema", sd), "model_ema", "model_ema", "conv.weight", nil, ""},
		{"the average of a callback", dict("state_dict", sd, "callbacks", dict("EMA", dict("ema_state_dict", sd), "EarlyStopping", dict("best_score", w))), "", "state_dict", "conv.weight",
			[]string{"callbacks.EMA.ema_state_dict"}, ""},
		{"the average of a callback by name", dict("state_dict", sd, "callbacks", dict("EMA", dict("ema_state_dict", sd))), "callbacks.EMA.ema_state_dict", "callbacks.EMA.ema_state_dict", "conv.weight", nil, ""},
		{"two known names", dict("model", sd, "net", sd), "", "", "", []string{"model", "net"}, "choose one with Options.Key"},
		{"two unknown names", dict("student", sd, "teacher", sd), "", "", "", []string{"student", "teacher"}, "choose one with Options.Key"},
		{"generator and discriminator", dict("generator", dict("model", sd), "discriminator", sd), "", "", "", []string{"generator", "discriminator"}, "choose one"},
		{"deeper", dict("checkpoint", dict("model", sd, "ema", sd)), "", "checkpoint.model", "conv.weight", []string{"checkpoint.ema"}, ""},
		{"two, deeper", dict("checkpoint", dict("a", sd, "b", sd)), "", "", "", []string{"checkpoint.a", "checkpoint.b"}, "choose one"},
		{"a key above the state dict", dict("checkpoint", dict("model", sd), "b", sd), "checkpoint", "checkpoint.model", "conv.weight", nil, ""},
		{"a name with a dot", dict("a.b", sd, "c", sd), "a.b", "a.b", "conv.weight", nil, ""},
		{"a wrong key", dict("a", sd, "optimizer", optimizer), "b", "", "", []string{"a"}, `there is no dictionary "b"`},
		{"a state dict with company", dict("conv.weight", w, "model", dict("alpha", w)), "", "", "conv.weight", []string{"model"}, ""},
		{"optimizers of any name", dict("model", sd, "opt_g", optimizer), "", "model", "conv.weight", nil, ""},
		{"a loose tensor beside it", dict("queue", w, "model", sd), "", "model", "conv.weight", nil, ""},
		{"a module", module(w), "", "", "w", nil, ""},
		{"a module whose children have telling names", parent, "", "", "model.w", nil, ""},
		{"a compiled module", class("torch._dynamo.eval_frame", "OptimizedModule") + "(" + module(w) + "NtR", "", "", "w", nil, ""},
		{"an attribute of an object", class("fastai.learner", "Learner") + ")\x81" + dict("model", module(w), "opt", class("a", "B")+")\x81") + "b", "", "model", "w", nil, ""},
		{"a quantised parameter", module(qtensor), "", "", "", nil, "a quantised tensor; open the checkpoint"},
		{"the packed weights of a quantised layer", dict("conv.weight", w, "fc._packed_params._packed_params", "("+qtensor+"Nt", "fc.scale", w), "", "", "", nil,
			`"fc._packed_params._packed_params" holds a tensor of a kind that is not read (torch._utils._rebuild_qtensor): a quantised tensor`},
		{"the packed weights in a quantised module", packed, "", "", "", nil, "a quantised tensor"},
		{"a tensor of FSDP2", dict("w", class("torch._tensor", "_rebuild_from_type_v2")+"("+class("torch._utils", "_rebuild_wrapper_subclass")+
			class("torch.distributed.tensor", "DTensor")+")}tR"), "", "", "", nil, "options=StateDictOptions(full_state_dict=True)"},
		{"float8 of another kind", dict("w", typed("float8_e4m3fnuz")), "", "", "", nil,
			`"w" holds a tensor of a kind that is not read (torch.float8_e4m3fnuz): elements of a type that only PyTorch has; in Python, save its .float()`},
		{"it is beside the weights", dict("model", sd, "scales", dict("w", typed("float8_e8m0fnu"))), "model", "model", "conv.weight", nil, ""},
		{"a counter of averages", dict("state_dict", sd, "averaging_state", dict("n_averaged", tensorPickle("FloatStorage", 4, 0, nil, nil))), "", "state_dict", "conv.weight", nil, ""},
		{"quantised tensors alone", dict("epoch", "K\x03", "model", dict("w", qtensor)), "", "", "", nil, `"w" holds a tensor of a kind that is not read`},
		{"a tensor of FSDP1", dict("w", class("torch.distributed._shard.sharded_tensor.api", "ShardedTensor")+")\x81"), "", "", "", nil, "divided among processes"},
		{"a model of ZeRO-3", dict("module", dict("conv.weight", emptied), "ds_version", text("0.14")), "", "", "", nil,
			"without its weights, which are in the files of the optimizers beside it; run zero_to_fp32.py"},
		{"a model of ZeRO-3 with its buffers", dict("module", dict("bn.running_mean", w, "bn.running_var", w, "conv.weight", emptied), "ds_version", text("0.14")), "", "", "", nil,
			"without its weights"},
		{"a model of ZeRO-2 with an empty buffer", dict("module", dict("conv.weight", w, "queue", emptied), "ds_version", text("0.14")), "", "module", "conv.weight", nil, ""},
		{"a model of ZeRO-2", dict("module", sd, "ds_version", text("0.14")), "", "module", "conv.weight", nil, ""},
		{"an optimizer of ZeRO", dict("optimizer_state_dict", dict("zero_stage", "K\x03", "fp32_flat_groups", "]"+w+"a"), "ds_config", dict("a", "K\x01")), "", "", "", nil, "run zero_to_fp32.py"},
		{"a sparse parameter", dict("w", w, "v", class("torch._utils", "_rebuild_sparse_tensor")+")R"), "", "", "", nil, "save its .to_dense()"},
		{"an optimizer beside a number", dict("optimizer", optimizer, "epoch", "K\x03"), "", "", "", nil, "the state of an optimizer"},
		{"tensors in a list", dict("model", "]"+w+"a"), "", "", "", nil, "tensors (1), none of them under a name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.pth")
			data := zipFile(t, record{"a/data.pkl", []byte("\x80\x02" + tt.pickle + ".")}, record{"a/data/0", make([]byte, 16)})
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			sd, err := OpenWith(path, Options{Key: tt.key})
			if tt.err != "" {
				var key *KeyError
				if errors.As(err, &key) && !slices.Equal(key.Found, tt.others) || tt.others != nil && key == nil {
					t.Errorf("found %+v, want %q", key, tt.others)
				}
				if err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), path) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer sd.Close()
			if sd.Nested != tt.nested || sd.Keys()[0] != tt.first || !slices.Equal(sd.Others, tt.others) {
				t.Errorf("nested %q, keys %q, others %q", sd.Nested, sd.Keys(), sd.Others)
			}
		})
	}
}

// TestLegacyModule: the legacy form writes a module's class as a persistent id with the source text, which is not read.
func TestLegacyModule(t *testing.T) {
	text := func(s string) string { p := &pickler{}; p.text(s); return p.b.String() }
	class := "(" + text("module") + "cmy.net\nNet\n" + text("/home/me/net.py") + text("import os; os.system('ls')") + "tQ"
	w := tensorPickle("FloatStorage", 4, 0, []int{2, 2}, []int{2, 1})
	attributes := "}(" + text("_parameters") + "}" + text("w") + w + "s" + text("_buffers") + "}" + text("_modules") + "}ub"
	sd, err := OpenBytes("x.pth", legacyFile("\x80\x02"+class+")\x81"+attributes+".", []string{"0"}, []int64{4}, make([]byte, 16)))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(sd.Keys(), []string{"w"}) {
		t.Errorf("keys %q", sd.Keys())
	}
}

// TestSharedModules: modules that hold one another many times name tensors without end, and are refused.
func TestSharedModules(t *testing.T) {
	text := func(s string) string { p := &pickler{}; p.text(s); return p.b.String() }
	module := func(children string) string {
		return "cmy.net\nNet\n)\x81}(" + text("_parameters") + "}" + text("_buffers") + "}" + text("_modules") + "}(" + children + "uub"
	}
	inner := module(text("w") + tensorPickle("FloatStorage", 4, 0, []int{0}, []int{1}))
	p := "\x80\x02" + inner + "q\x01"
	for range 40 { // 2^40 tensors
		p += "0" + module(text("a")+"h\x01"+text("b")+"h\x01") + "q\x01"
	}
	_, err := OpenBytes("x.pth", zipFile(t, record{"a/data.pkl", []byte(p + ".")}, record{"a/data/0", make([]byte, 16)}))
	if err == nil || !strings.Contains(err.Error(), "no checkpoint of torch.save is like that") {
		t.Errorf("error %v", err)
	}
	cycle := "\x80\x02cmy.net\nNet\n)\x81q\x01}(" + text("_parameters") + "}" + text("_buffers") + "}" + text("_modules") + "}(" + text("a") + "h\x01u" + "ub."
	if _, err := OpenBytes("x.pth", zipFile(t, record{"a/data.pkl", []byte(cycle)})); err == nil || !strings.Contains(err.Error(), "nested more than") {
		t.Errorf("a module within itself: error %v", err)
	}
}
