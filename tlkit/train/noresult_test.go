package train_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
)

// TestNoResult: Run.Best gives nil before the first epoch, as when a comparison is stopped at once. No method of it
// panics, and those that can return an error say what to do.
func TestNoResult(t *testing.T) {
	run := &train.Run{Results: []*train.Result{{Strategy: "transfer"}}}
	none := run.Best()
	if none != nil {
		t.Fatalf("before the first epoch the best result is %v", none.Strategy)
	}
	v := reflect.ValueOf(none)
	for i := range v.NumMethod() {
		method := v.Type().Method(i)
		t.Run(method.Name, func(t *testing.T) {
			var args []reflect.Value
			for k := range v.Method(i).Type().NumIn() {
				args = append(args, reflect.Zero(v.Method(i).Type().In(k)))
			}
			call := v.Method(i).Call
			if method.Type.IsVariadic() {
				call = v.Method(i).CallSlice
			}
			out := call(args)
			if len(out) == 0 || !method.Type.Out(method.Type.NumOut()-1).Implements(reflect.TypeFor[error]()) {
				return
			}
			err, _ := out[len(out)-1].Interface().(error)
			if err == nil || !strings.Contains(err.Error(), "no strategy of the run has completed an epoch yet; run Compare again") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
