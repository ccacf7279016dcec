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
	name    string
	kind    globalKind
	dtype   DType // of storage classes and torch's dtypes
	unknown bool  // not in known: may be the reason if the file has no weights
}

type globalKind uint8

const (
	opaque           globalKind = iota // unknown or of no interest: calls return an object whose content is ignored
	makeDict                           // OrderedDict and others
	makeList                           // list, set, frozenset
	makeTuple                          // tuple, torch.Size
	encodeText                         // _codecs.encode: how Python 3 writes bytes for protocol 2
	emptyBytes                         // bytes(), how Python 3 writes no bytes for protocol 2
	numpyScalar                        // a NumPy number
	numpyReconstruct                   // an empty NumPy array, filled by BUILD
	numpyFromBuffer                    // a NumPy array from its bytes
	nestedStorage                      // a storage that torch.save wrote into a string
	storageClass                       // torch.FloatStorage and others
	dtypeValue                         // torch.float32 and others
	tensorV1                           // torch._utils._rebuild_tensor
	tensorV2                           // torch._utils._rebuild_tensor_v2
	tensorV3                           // torch._utils._rebuild_tensor_v3
	parameter                          // torch._utils._rebuild_parameter
	fromType                           // torch._tensor._rebuild_from_type_v2: a subclass of Tensor
	compiledModule                     // torch.compile(module)
	tracedModule                       // a module of torch.fx, a call with its attributes
	foreignTensor                      // quantised, sparse and other tensors that are not read
)

// known lists the callables that matter for a state dict, by module and name, after torch.load(weights_only=True)
// (torch/_weights_only_unpickler.py). All others are opaque: training scripts store settings of any class in addition
// to the weights, and no list of such classes would ever be complete.
var known = map[string]global{
	"collections.OrderedDict":                      {kind: makeDict},
	"collections.defaultdict":                      {kind: makeDict},
	"collections.Counter":                          {kind: makeDict},
	"builtins.dict":                                {kind: makeDict},
	"builtins.list":                                {kind: makeList},
	"builtins.set":                                 {kind: makeList},
	"builtins.frozenset":                           {kind: makeList},
	"builtins.tuple":                               {kind: makeTuple},
	"builtins.bytes":                               {kind: emptyBytes},
	"torch.Size":                                   {kind: makeTuple},
	"_codecs.encode":                               {kind: encodeText},
	"numpy.core.multiarray.scalar":                 {kind: numpyScalar},
	"numpy._core.multiarray.scalar":                {kind: numpyScalar},
	"numpy.core.multiarray._reconstruct":           {kind: numpyReconstruct},
	"numpy._core.multiarray._reconstruct":          {kind: numpyReconstruct},
	"numpy.core.numeric._frombuffer":               {kind: numpyFromBuffer},
	"numpy._core.numeric._frombuffer":              {kind: numpyFromBuffer},
	"torch._utils._rebuild_tensor":                 {kind: tensorV1},
	"torch._utils._rebuild_tensor_v2":              {kind: tensorV2},
	"torch._utils._rebuild_tensor_v3":              {kind: tensorV3},
	"torch._utils._rebuild_parameter":              {kind: parameter},
	"torch._utils._rebuild_parameter_with_state":   {kind: parameter},
	"torch.nn.parameter.Parameter":                 {kind: parameter},
	"torch._tensor._rebuild_from_type_v2":          {kind: fromType},
	"torch._dynamo.eval_frame.OptimizedModule":     {kind: compiledModule},
	"torch.fx.graph_module.reduce_graph_module":    {kind: tracedModule},
	"torch._utils._rebuild_qtensor":                {kind: foreignTensor},
	"torch._utils._rebuild_sparse_tensor":          {kind: foreignTensor},
	"torch._utils._rebuild_sparse_csr_tensor":      {kind: foreignTensor},
	"torch._utils._rebuild_nested_tensor":          {kind: foreignTensor},
	"torch._utils._rebuild_meta_tensor_no_storage": {kind: foreignTensor},
	"torch.storage._load_from_bytes":               {kind: nestedStorage},
	"torch.storage.UntypedStorage":                 {kind: storageClass, dtype: U8},
	"torch.storage._UntypedStorage":                {kind: storageClass, dtype: U8},
	"torch.UntypedStorage":                         {kind: storageClass, dtype: U8},
	"torch.QInt8Storage":                           {kind: storageClass, dtype: I8},
	"torch.QUInt8Storage":                          {kind: storageClass, dtype: U8},
	"torch.QInt32Storage":                          {kind: storageClass, dtype: I32},
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
			return &global{name: full, kind: storageClass, dtype: d}, nil
		}
		if d, ok := torchDTypes[name]; ok && module == "torch" {
			return &global{name: full, kind: dtypeValue, dtype: d}, nil
		}
	}
	if hostile(module, name) {
		return nil, &ForbiddenError{Name: printable(full)}
	}
	return &global{name: printable(full), kind: opaque, unknown: true}, nil
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
	switch g.kind {
	case makeDict:
		return u.newDict(g, args)
	case makeList:
		l := &list{}
		if len(args) > 0 {
			l.items = slices.Clone(sequence(args[0])) // APPENDS may follow
		}
		return l, u.charge(24 + 16*len(l.items))
	case makeTuple:
		if len(args) == 1 {
			return tuple(sequence(args[0])), u.charge(24)
		}
		return args, nil
	case encodeText:
		return u.latin1(args)
	case emptyBytes:
		if len(args) > 0 {
			return &object{class: g, args: args}, u.charge(64)
		}
		return []byte{}, u.charge(24)
	case numpyScalar:
		return numpyNumber(args), u.charge(16)
	case numpyReconstruct:
		return newArray(g, args), u.charge(64)
	case numpyFromBuffer:
		return u.arrayFrom(g, args)
	case nestedStorage:
		data, ok := arg(args, 0).([]byte)
		if !ok || u.fromBytes == nil {
			return nil, &ForbiddenError{Name: g.name}
		}
		return u.fromBytes(data)
	case tensorV1, tensorV2, tensorV3:
		t, err := rebuildTensor(g.kind, args)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", g.name, err)
		}
		u.tensors++
		return t, u.charge(160 + 16*len(t.Shape))
	case parameter:
		if t, ok := plain(arg(args, 0)).(*Tensor); ok {
			return t, nil
		}
		return &object{class: g, args: args}, u.charge(64)
	case fromType: // function, type, arguments, state
		inner, ok := arg(args, 0).(*global)
		innerArgs, ok2 := arg(args, 2).(tuple)
		if !ok || !ok2 || inner.kind == fromType {
			return nil, fmt.Errorf("%s: unexpected arguments", g.name)
		}
		return u.apply(inner, innerArgs)
	case opaque, foreignTensor:
		return &object{class: g, args: args}, u.charge(64)
	case compiledModule:
		m, err := u.compiled(args)
		return &object{class: g, items: m}, err
	case tracedModule:
		m, err := u.moduleOf(arg(args, 0))
		return &object{class: g, items: m}, err
	}
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

// latin1 is _codecs.encode: one byte for each code point.
func (u *unpickler) latin1(args tuple) (any, error) {
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
