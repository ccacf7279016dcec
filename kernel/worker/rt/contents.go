//go:build linux

package rt

import (
	"container/list"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// ownText returns the text of a value that says more than its fields: the text of a library's type whose methods need a
// pointer (strings.Builder, big.Int), the value of an atomic, the entries of a sync.Map and the elements of a
// list.List.
func (p *printer) ownText(v reflect.Value, depth int) bool {
	t := v.Type()
	if !v.CanInterface() || t.Kind() != reflect.Struct || t.Name() == "" || ofCells(t) {
		return false
	}
	if !v.CanAddr() {
		copied := reflect.New(t).Elem()
		copied.Set(v)
		v = copied
	}
	switch x := v.Addr().Interface().(type) {
	case *sync.Map:
		p.value(reflect.ValueOf(entriesOf(x)), depth)
	case *list.List:
		p.value(reflect.ValueOf(elementsOf(x)), depth)
	case fmt.Stringer:
		p.write(limitedSprint(x))
	default:
		load := v.Addr().MethodByName("Load")
		if t.PkgPath() != "sync/atomic" || !load.IsValid() || load.Type().NumIn() != 0 {
			return false
		}
		p.value(load.Call(nil)[0], depth+1)
	}
	return true
}

// ofCells reports whether a type is declared in a cell.
func ofCells(t reflect.Type) bool {
	return strings.HasPrefix(t.PkgPath(), "nb/")
}

func entriesOf(m *sync.Map) map[any]any {
	all := map[any]any{}
	m.Range(func(k, v any) bool {
		all[k] = v
		return len(all) < maxText // more are not shown
	})
	return all
}

func elementsOf(l *list.List) []any {
	all := []any{}
	for e := l.Front(); e != nil && len(all) < maxText; e = e.Next() {
		all = append(all, e.Value)
	}
	return all
}

// lacksMethods reports whether a struct, or what a pointer to one points to, has an embedded interface or pointer that
// is nil: its own text may then be one of that field, which is not there.
func lacksMethods(v reflect.Value) bool {
	v = reflect.Indirect(v)
	if v.Kind() != reflect.Struct {
		return false
	}
	for i := range v.NumField() {
		f := v.Field(i)
		if v.Type().Field(i).Anonymous && (f.Kind() == reflect.Interface || f.Kind() == reflect.Pointer) && f.IsNil() {
			return true
		}
	}
	return false
}
