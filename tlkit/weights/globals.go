package weights

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// ForbiddenError reports that a pickle names a callable that no honest checkpoint has, such as os.system, or an unknown
// one that holds its weights, as in the pickle of a whole model. Nothing of the file was executed.
type ForbiddenError struct {
	Path string // the file
	Name string // the callable, as "os.system"
	// Unknown: the callable is no known attack, but a class or function whose result is not read, and no weights were
	// found outside it.
	Unknown bool
}

func (e *ForbiddenError) Error() string {
	why := "which no state dict needs"
	if e.Unknown {
		why = "which is not known here, and holds no weights beside it"
	}
	return fmt.Sprintf("weights: %s: its pickle asks for %q, %s; nothing was executed. "+
		"If the file is from a source you trust and holds a whole model, save its state dict in Python "+
		"(torch.save(model.state_dict(), ...)) and open that", e.Path, e.Name, why)
}

// global is a class or function that a pickle may name.
type global struct {
	name string
	// call returns the value of a call; nil means an object whose content is ignored.
	call    func(u *unpickler, g *global, args tuple) (any, error)
	role    globalRole
	dtype   DType  // of storages and dtypes
	advice  string // of foreign tensors: what they are, and what to do
	unknown bool   // not in known: may be the reason if the file has no weights
}

// globalRole is the meaning of a global, or of an object of its class, where others look at it.
type globalRole uint8

const (
	noRole        globalRole = iota
	storageRole              // torch.FloatStorage and others
	dtypeRole                // torch.float32 and others
	numpyArray               // an array that BUILD fills
	foreignTensor            // a quantised, sparse or other tensor that is not read
)

// The kinds of tensors that several callables make.
const (
	quantisedTensor = "a quantised tensor; open the checkpoint that the quantised model was made from, or in Python, save its .dequantize()"
	sparseTensor    = "a sparse tensor; in Python, save its .to_dense()"
	dividedTensor   = "a tensor that is divided among processes (FSDP's DTensor), or of another subclass; in Python, save its .full_tensor(), " +
		"or the whole state dict: torch.distributed.checkpoint.state_dict.get_model_state_dict(MODEL, options=StateDictOptions(full_state_dict=True))"
)

// known lists the callables that matter for a state dict, by module and name, after torch.load(weights_only=True)
// (torch/_weights_only_unpickler.py). All others are opaque: training scripts store settings of any class in addition
// to the weights, and no list of such classes would ever be complete.
var known = map[string]global{
	"collections.OrderedDict":                      {call: (*unpickler).newDict},
	"collections.defaultdict":                      {call: (*unpickler).newDict},
	"collections.Counter":                          {call: (*unpickler).newDict},
	"builtins.dict":                                {call: (*unpickler).newDict},
	"builtins.list":                                {call: (*unpickler).newList},
	"builtins.set":                                 {call: (*unpickler).newList},
	"builtins.frozenset":                           {call: (*unpickler).newList},
	"builtins.tuple":                               {call: (*unpickler).newTuple},
	"builtins.bytes":                               {call: (*unpickler).newBytes},
	"torch.Size":                                   {call: (*unpickler).newTuple},
	"_codecs.encode":                               {call: (*unpickler).latin1},
	"numpy.core.multiarray.scalar":                 {call: (*unpickler).numpyScalar},
	"numpy._core.multiarray.scalar":                {call: (*unpickler).numpyScalar},
	"numpy.core.multiarray._reconstruct":           {role: numpyArray},
	"numpy._core.multiarray._reconstruct":          {role: numpyArray},
	"numpy.core.numeric._frombuffer":               {call: (*unpickler).arrayFrom},
	"numpy._core.numeric._frombuffer":              {call: (*unpickler).arrayFrom},
	"torch._utils._rebuild_tensor":                 {call: (*unpickler).tensor},
	"torch._utils._rebuild_tensor_v2":              {call: (*unpickler).tensor},
	"torch._utils._rebuild_tensor_v3":              {call: (*unpickler).typedTensor},
	"torch._utils._rebuild_parameter":              {call: (*unpickler).parameter},
	"torch._utils._rebuild_parameter_with_state":   {call: (*unpickler).parameter},
	"torch.nn.parameter.Parameter":                 {call: (*unpickler).parameter},
	"torch._tensor._rebuild_from_type_v2":          {call: (*unpickler).fromType},
	"torch._dynamo.eval_frame.OptimizedModule":     {call: (*unpickler).compiledModule},
	"torch.fx.graph_module.reduce_graph_module":    {call: (*unpickler).tracedModule},
	"torch._utils._rebuild_qtensor":                {role: foreignTensor, advice: quantisedTensor},
	"torch._utils._rebuild_wrapper_subclass":       {role: foreignTensor, advice: dividedTensor},
	"torch._utils._rebuild_sparse_tensor":          {role: foreignTensor, advice: sparseTensor},
	"torch._utils._rebuild_sparse_csr_tensor":      {role: foreignTensor, advice: sparseTensor},
	"torch._utils._rebuild_nested_tensor":          {role: foreignTensor, advice: "a nested tensor; in Python, save its .to_padded_tensor(0)"},
	"torch._utils._rebuild_meta_tensor_no_storage": {role: foreignTensor, advice: "a meta tensor, which has no values: save the model after its weights are loaded"},
	"torch.storage._load_from_bytes":               {call: (*unpickler).nestedStorage},
	"torch.storage.UntypedStorage":                 storageClass(U8),
	"torch.storage._UntypedStorage":                storageClass(U8),
	"torch.UntypedStorage":                         storageClass(U8),
	"torch.QInt8Storage":                           storageClass(I8),
	"torch.QUInt8Storage":                          storageClass(U8),
	"torch.QInt32Storage":                          storageClass(I32),

	"torch.distributed._shard.sharded_tensor.api.ShardedTensor": {role: foreignTensor, advice: dividedTensor},
}

// storageClass returns a class of storages, which only the ids of storages name.
func storageClass(d DType) global {
	return global{call: (*unpickler).noCall, role: storageRole, dtype: d}
}

// torchDTypes are the names of element types within module torch.
var torchDTypes = map[string]DType{
	"float32": F32, "float": F32, "float64": F64, "double": F64, "float16": F16, "half": F16, "bfloat16": BF16,
	"float8_e4m3fn": F8E4M3, "float8_e5m2": F8E5M2,
	"int64": I64, "long": I64, "int32": I32, "int": I32, "int16": I16, "short": I16, "int8": I8, "uint8": U8,
	"uint16": U16, "uint32": U32, "uint64": U64, "bool": Bool, "complex64": C64, "complex128": C128,
}

// hostileModules and hostileBuiltins are the names that attacks call. Nothing would be executed, but the user of such a
// file should be warned.
var (
	hostileModules = []string{
		"os", "posix", "nt", "sys", "subprocess", "shutil", "socket", "runpy", "importlib", "pty", "commands", "webbrowser",
		"ctypes", "code", "codeop", "bdb", "pdb", "timeit", "marshal", "pip", "asyncio", "multiprocessing", "signal",
	}
	hostileBuiltins = []string{
		"eval", "exec", "execfile", "compile", "open", "file", "input", "raw_input", "breakpoint", "__import__", "apply",
		"globals", "locals", "vars",
	}
)

// hostile reports whether no honest checkpoint names the callable.
func hostile(module, name string) bool {
	outer, _, _ := strings.Cut(module, ".")
	full := module + "." + name
	const longest = 1000
	return len(full) > longest || !utf8.ValidString(full) ||
		slices.Contains(hostileModules, outer) || module == "builtins" && slices.Contains(hostileBuiltins, name)
}

// findGlobal finds the callable that GLOBAL or a similar opcode names. Unknown ones are opaque.
func findGlobal(module, name string) (*global, error) {
	switch module { // Python 2's names
	case "__builtin__":
		module = "builtins"
	case "copy_reg":
		module = "copyreg"
	}
	full := module + "." + name
	if g, ok := known[full]; ok {
		g.name = full
		return &g, nil
	}
	switch module {
	case "torch", "torch.cuda":
		if d, ok := dtypeByStorage(name); ok {
			g := storageClass(d)
			g.name = full
			return &g, nil
		}
		if d, ok := torchDTypes[name]; ok && module == "torch" {
			return &global{name: full, call: (*unpickler).noCall, role: dtypeRole, dtype: d}, nil
		}
	}
	if hostile(module, name) {
		return nil, &ForbiddenError{Name: printable(full)}
	}
	return &global{name: printable(full), unknown: true}, nil
}

// printable makes a name from a file fit for a message.
func printable(s string) string {
	if len(s) > 200 {
		s = s[:200] + "..."
	}
	return strings.ToValidUTF8(s, "?")
}

// apply calls g.
func (u *unpickler) apply(g *global, args tuple) (any, error) {
	if g.call == nil {
		return u.opaque(g, args)
	}
	return g.call(u, g, args)
}

// opaque returns an object whose content is ignored.
func (u *unpickler) opaque(g *global, args tuple) (any, error) {
	return &object{class: g, args: args}, u.charge(64)
}

// noCall is for what no pickle calls.
func (u *unpickler) noCall(g *global, _ tuple) (any, error) {
	return nil, fmt.Errorf("a call of %s; the pickle is damaged", g.name)
}

// newDict makes a dictionary: from another one, from pairs as Python 2 writes them (OrderedDict([[k, v], ...])), or an
// empty one for a call with a factory (defaultdict).
func (u *unpickler) newDict(g *global, args tuple) (any, error) {
	for _, a := range args {
		if d, ok := a.(*dict); ok {
			return d, nil
		}
	}
	d := &dict{}
	for _, a := range args {
		pairs, ok := a.(*list)
		if !ok {
			continue
		}
		for _, p := range pairs.items {
			kv := sequence(p)
			if len(kv) != 2 {
				return nil, fmt.Errorf("%s of a list whose items are no pairs", g.name)
			}
			if err := u.set(d, kv[0], kv[1]); err != nil {
				return nil, err
			}
		}
	}
	return d, u.charge(64)
}

// newList makes a list, or a set as a list. APPENDS may follow.
func (u *unpickler) newList(_ *global, args tuple) (any, error) {
	l := &list{}
	if len(args) > 0 {
		l.items = slices.Clone(sequence(args[0]))
	}
	return l, u.charge(24 + 16*len(l.items))
}

// newTuple makes a tuple, or a torch.Size as a tuple.
func (u *unpickler) newTuple(_ *global, args tuple) (any, error) {
	if len(args) == 1 {
		return tuple(sequence(args[0])), u.charge(24)
	}
	return args, nil
}

// newBytes is bytes(), how Python 3 writes no bytes for protocol 2.
func (u *unpickler) newBytes(g *global, args tuple) (any, error) {
	if len(args) > 0 {
		return u.opaque(g, args)
	}
	return []byte{}, u.charge(24)
}

// latin1 is _codecs.encode, how Python 3 writes bytes for protocol 2: one byte for each code point.
func (u *unpickler) latin1(_ *global, args tuple) (any, error) {
	s, ok := arg(args, 0).(string)
	if !ok {
		return nil, errors.New("_codecs.encode without a string")
	}
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return nil, errors.New("_codecs.encode of a character outside latin1")
		}
		b = append(b, byte(r))
	}
	return b, u.charge(len(b) + 24)
}

// numpyScalar is a NumPy number.
func (u *unpickler) numpyScalar(_ *global, args tuple) (any, error) {
	return numpyNumber(args), u.charge(16)
}

// nestedStorage is a storage that torch.save wrote into a string.
func (u *unpickler) nestedStorage(g *global, args tuple) (any, error) {
	data, ok := arg(args, 0).([]byte)
	if !ok || u.fromBytes == nil {
		return nil, &ForbiddenError{Name: g.name}
	}
	return u.fromBytes(data)
}

// tensor is torch._utils._rebuild_tensor and _rebuild_tensor_v2.
func (u *unpickler) tensor(g *global, args tuple) (any, error) { return u.rebuild(g, args, false) }

// typedTensor is torch._utils._rebuild_tensor_v3.
func (u *unpickler) typedTensor(g *global, args tuple) (any, error) {
	if t, ok := arg(args, 6).(*global); ok && t.unknown && strings.HasPrefix(t.name, "torch.") { // float8_e4m3fnuz, int4 and others
		return &object{class: &global{name: t.name, role: foreignTensor, advice: "elements of a type that only PyTorch has; in Python, save its .float()"}}, u.charge(64)
	}
	return u.rebuild(g, args, true)
}

// rebuild makes and counts a tensor.
func (u *unpickler) rebuild(g *global, args tuple, typed bool) (any, error) {
	t, err := rebuildTensor(args, typed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", g.name, err)
	}
	u.tensors++
	return t, u.charge(160 + 16*len(t.Shape))
}

// parameter is a tensor that torch trains.
func (u *unpickler) parameter(g *global, args tuple) (any, error) {
	if t, ok := tensorOf(arg(args, 0)).(*Tensor); ok {
		return t, nil
	}
	return u.opaque(g, args)
}

// fromType is torch._tensor._rebuild_from_type_v2(function, type, arguments, state): a subclass of Tensor.
func (u *unpickler) fromType(g *global, args tuple) (any, error) {
	inner, ok := arg(args, 0).(*global)
	innerArgs, ok2 := arg(args, 2).(tuple)
	if !ok || !ok2 || inner.name == g.name {
		return nil, fmt.Errorf("%s: unexpected arguments", g.name)
	}
	return u.apply(inner, innerArgs)
}

// compiledModule is torch.compile(module).
func (u *unpickler) compiledModule(g *global, args tuple) (any, error) {
	m, err := u.compiled(args)
	return &object{class: g, items: m}, err
}

// tracedModule is a module of torch.fx, a call with its attributes.
func (u *unpickler) tracedModule(g *global, args tuple) (any, error) {
	m, err := u.moduleOf(arg(args, 0))
	return &object{class: g, items: m}, err
}

// arg returns an argument, nil if there are fewer.
func arg(args tuple, i int) any {
	if i >= len(args) {
		return nil
	}
	return args[i]
}

// sequence returns the items of a tuple or list, else nil.
func sequence(v any) []any {
	switch v := v.(type) {
	case tuple:
		return v
	case *list:
		return v.items
	}
	return nil
}

// numpyNumber decodes numpy.core.multiarray.scalar(dtype, bytes); nil if its type is not a simple one.
func numpyNumber(args tuple) any {
	o, ok := arg(args, 0).(*object)
	b, ok2 := arg(args, 1).([]byte)
	if !ok || !ok2 {
		return nil
	}
	if state, ok := o.state.(tuple); ok && arg(state, 1) == any(">") {
		return nil
	}
	code, _ := arg(o.args, 0).(string)
	le := binary.LittleEndian
	switch {
	case code == "f8" && len(b) == 8:
		return math.Float64frombits(le.Uint64(b))
	case code == "f4" && len(b) == 4:
		return float64(math.Float32frombits(le.Uint32(b)))
	case code == "i8" && len(b) == 8:
		return int64(le.Uint64(b))
	case code == "i4" && len(b) == 4:
		return int64(int32(le.Uint32(b)))
	}
	return nil
}
