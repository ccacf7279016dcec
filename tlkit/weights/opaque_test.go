package weights

import (
	"os"
	"path/filepath"
	"testing"
)

// TestOpaqueClasses: whatever class a training script keeps beside the weights, they are read, and what has no meaning
// here is neither executed nor refused.
func TestOpaqueClasses(t *testing.T) {
	four := make([]byte, 16)
	w := tensorPickle("FloatStorage", 4, 0, []int{2, 2}, []int{2, 1})
	text := func(s string) string { p := &pickler{}; p.text(s); return p.b.String() }
	beside := func(object string) string { // {"hyper_parameters": object, "state_dict": {"w": w}}
		return "\x80\x02}(" + text("hyper_parameters") + object + text("state_dict") + "}" + text("w") + w + "su."
	}
	class := func(module, name string) string { return "c" + module + "\n" + name + "\n" }
	for _, tt := range []struct{ name, pickle string }{
		{"a path of Python 3.13", beside(class("pathlib._local", "PosixPath") + "(" + text("data") + "tR")},
		{"argparse.Namespace", beside(class("argparse", "Namespace") + ")\x81}" + text("lr") + "K\x01sb")},
		{"OmegaConf", beside(class("omegaconf.dictconfig", "DictConfig") + ")\x81}" + text("_content") + "}" + text("a") + class("omegaconf.nodes", "AnyNode") + ")\x81ssb")},
		{"a class of the user's", beside(class("__main__", "Config") + ")\x81")},
		{"a function", beside(class("torch.nn.functional", "relu"))},
		{"functools.partial", beside(class("functools", "partial") + class("torch.optim.adamw", "AdamW") + "\x85R(" + class("torch.optim.adamw", "AdamW") + ")}NtR")},
		{"an enumeration", beside(class("builtins", "getattr") + "(" + class("my.module", "Kind") + text("A") + "tR")},
		{"what an unknown callable returned is called", beside(class("a", "b") + ")R)R")},
		{"a dictionary of an unknown class", beside(class("mmengine.config", "ConfigDict") + ")\x81" + text("a") + "K\x01s")},
		{"a list of an unknown class", beside(class("torch.nn.modules.container", "ParameterList") + ")\x81K\x01a")},
		{"NumPy 2", beside(class("numpy._core.multiarray", "_reconstruct") + "(" + class("numpy", "ndarray") + "K\x00\x85C\x01btRN0")},
		{"NumPy's random state", beside(class("numpy.random._pickle", "__randomstate_ctor") + ")R")},
		{"the weights in a dictionary of an unknown class", "\x80\x02" + class("my.module", "StateDict") + ")\x81" + text("w") + w + "s."},
		{"a tensor of a subclass", "\x80\x02}" + text("w") + class("torch._tensor", "_rebuild_from_type_v2") + "(" +
			class("torch._utils", "_rebuild_tensor_v2") + class("torchvision.tv_tensors", "Image") + tensorArguments(w) + "}tRs."},
		{"extra state of a layer", "\x80\x02}(" + text("w") + w + text("a._extra_state") + class("io", "BytesIO") + ")Ru."},
	} {
		for kind, data := range map[string][]byte{
			"zip":    zipFile(t, record{"a/data.pkl", []byte(tt.pickle)}, record{"a/data/0", four}, record{"a/version", []byte("3\n")}),
			"legacy": legacyFile(tt.pickle, []string{"0"}, []int64{4}, four),
		} {
			t.Run(tt.name+"/"+kind, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "x.pth")
				if err := os.WriteFile(path, data, 0o600); err != nil {
					t.Fatal(err)
				}
				sd, err := Open(path)
				if err != nil {
					t.Fatal(err)
				}
				defer sd.Close()
				if got, ok := sd.Get("w"); sd.Len() != 1 || !ok || got.Len() != 4 {
					t.Errorf("keys %q", sd.Keys())
				}
			})
		}
	}
}

// tensorArguments cuts the arguments out of the code of tensorPickle.
func tensorArguments(tensor string) string {
	const head = "ctorch._utils\n_rebuild_tensor_v2\n"
	return tensor[len(head) : len(tensor)-1]
}
