package weights

import (
	"errors"
	"fmt"
)

// textGlobal is GLOBAL.
func (u *unpickler) textGlobal(byte) error {
	module, name, err := u.twoLines()
	if err != nil {
		return err
	}
	return u.pushGlobal(module, name)
}

// twoLines reads a module and a name.
func (u *unpickler) twoLines() (module, name string, err error) {
	if module, err = u.line(); err != nil {
		return "", "", err
	}
	name, err = u.line()
	return module, name, err
}

func (u *unpickler) stackGlobal(byte) error {
	items, err := u.popN(2)
	if err != nil {
		return err
	}
	module, ok1 := items[0].(string)
	name, ok2 := items[1].(string)
	if !ok1 || !ok2 {
		return errors.New("a callable whose name is no string; the pickle is damaged")
	}
	return u.pushGlobal(module, name)
}

// instance is INST: module and name, then arguments above the mark.
func (u *unpickler) instance(byte) error {
	module, name, err := u.twoLines()
	if err != nil {
		return err
	}
	args, err := u.popMark()
	if err != nil {
		return err
	}
	if args, err = u.keep(args); err != nil {
		return err
	}
	if err := u.pushGlobal(module, name); err != nil {
		return err
	}
	return u.call(tuple(args))
}

// object is OBJ: class and arguments above the mark.
func (u *unpickler) object(byte) error {
	items, err := u.popMark()
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return errUnderflow
	}
	if items, err = u.keep(items); err != nil {
		return err
	}
	if err := u.push(items[0]); err != nil {
		return err
	}
	return u.call(tuple(items[1:]))
}

func (u *unpickler) reduce(byte) error {
	v, err := u.pop()
	if err != nil {
		return err
	}
	return u.callWith(v)
}

// newObjectWithNames is NEWOBJ_EX: class, arguments, keyword arguments.
func (u *unpickler) newObjectWithNames(byte) error {
	items, err := u.popN(2)
	if err != nil {
		return err
	}
	return u.callWith(items[0])
}

// callWith calls the callable on top of the stack with a tuple.
func (u *unpickler) callWith(v any) error {
	args, ok := v.(tuple)
	if !ok {
		return fmt.Errorf("a call with a %s for arguments; the pickle is damaged", kindOf(v))
	}
	return u.call(args)
}

// build is BUILD. An OrderedDict's attributes (_metadata) and a Parameter's are irrelevant to the weights; an object's
// state may be a NumPy type's byte order, or the attributes of a module.
func (u *unpickler) build(byte) error {
	state, err := u.pop()
	if err != nil {
		return err
	}
	target, err := u.top()
	if err != nil {
		return err
	}
	o, ok := target.(*object)
	if !ok {
		return nil
	}
	o.state = state
	if o.class.role == numpyArray {
		return u.buildArray(o, state)
	}
	m, err := u.moduleOf(state)
	if m != nil {
		o.items = m
	}
	return err
}

// persistentID is BINPERSID.
func (u *unpickler) persistentID(byte) error {
	id, err := u.pop()
	if err != nil {
		return err
	}
	return u.pushPersistent(id)
}

func (u *unpickler) pushPersistent(id any) error {
	if u.persistent == nil {
		return errors.New("a storage where none can be")
	}
	v, err := u.persistent(id)
	if err != nil {
		return err
	}
	return u.pushNew(v, 160)
}

func (u *unpickler) pushGlobal(module, name string) error {
	g, err := findGlobal(module, name)
	if err != nil {
		return err
	}
	if g.unknown && u.unknown == "" {
		u.unknown = g.name
	}
	return u.pushNew(g, 64)
}

// call replaces the callable on top of the stack by its result.
func (u *unpickler) call(args tuple) error {
	callee, err := u.pop()
	if err != nil {
		return err
	}
	if o, ok := callee.(*object); ok { // the result of an opaque callable may be callable, too
		return u.pushNew(&object{class: &global{name: o.class.name, unknown: o.class.unknown}, args: args}, 64)
	}
	g, ok := callee.(*global)
	if !ok {
		return fmt.Errorf("a call of a %s; the pickle is damaged", kindOf(callee))
	}
	v, err := u.apply(g, args)
	if err != nil {
		return err
	}
	return u.push(v)
}
