package weights

// A pickle of a whole model, as torch.save(model) writes it, holds every nn.Module as the name of its class and its
// attributes. Three of these, _parameters, _buffers and _modules, are dictionaries, and they are what a state dict is
// made of (torch.nn.Module.state_dict). They are read as data: the class is not looked for, and no code of it runs. How
// the layers are connected is code, and so is not in the file.

// The names of the attributes of torch.nn.Module that are read.
const (
	moduleParameters = "_parameters"
	moduleBuffers    = "_buffers"
	moduleChildren   = "_modules"
	moduleTransient  = "_non_persistent_buffers_set" // the names of buffers that a state dict leaves out
	modulePacked     = "_packed_params"              // the weight and bias of a quantised layer, an object of C++
)

// moduleOf makes a dictionary of a module's attributes, if they are those of one, else nil: its parameters, buffers and
// children by their names, in the order of a state dict.
func (u *unpickler) moduleOf(attributes any) (*dict, error) {
	state, ok := attributes.(*dict)
	if !ok {
		return nil, nil
	}
	for _, part := range []string{moduleParameters, moduleBuffers, moduleChildren} {
		if _, ok := state.get(part); !ok {
			return nil, nil
		}
	}
	m := &dict{module: true}
	v, _ := state.get(moduleTransient)
	transient := map[any]bool{}
	for _, name := range sequence(v) {
		if name, ok := name.(string); ok {
			transient[name] = true
		}
	}
	for _, part := range []string{moduleParameters, moduleBuffers, moduleChildren} {
		v, _ := state.get(part)
		inner, ok := v.(*dict)
		if !ok {
			continue // None in modules of TorchScript
		}
		for i, name := range inner.keys {
			if inner.values[i] == nil || part == moduleBuffers && transient[name] {
				continue
			}
			if err := u.set(m, name, inner.values[i]); err != nil {
				return nil, err
			}
		}
	}
	if packed, ok := state.get(modulePacked); ok {
		if err := u.set(m, modulePacked, packed); err != nil {
			return nil, err
		}
	}
	return m, u.charge(64)
}

// compiled is the module that torch.compile returns: a wrapper around the one that it was given.
func (u *unpickler) compiled(args tuple) (*dict, error) {
	m := &dict{module: true}
	return m, u.set(m, "_orig_mod", arg(args, 0))
}

// attributesOf returns the attributes of an object, such as fastai's Learner, which holds the model in one.
func attributesOf(v any) (*dict, bool) {
	o, ok := v.(*object)
	if !ok {
		return nil, false
	}
	d, ok := o.state.(*dict)
	return d, ok
}
