package nn

import (
	"fmt"
	"reflect"
	"runtime"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"
)

// NewModelExec is [model.NewExec] for build functions that may panic with any value. GoMLX makes an error of a panic
// with an error alone: another one would leave the compilation open, and Finalize would wait for its end for ever.
func NewModelExec[F model.ExecGraphFn](engine compute.Backend, store *model.Store, build F) (*model.Exec, error) {
	f := reflect.ValueOf(build)
	safe := reflect.MakeFunc(f.Type(), func(in []reflect.Value) (out []reflect.Value) {
		if err := Try(func() { out = f.Call(in) }); err != nil {
			panic(err)
		}
		return out
	})
	exec, err := model.NewExec(engine, store, safe.Interface().(F))
	if err != nil {
		return nil, err
	}
	return exec.WithName(runtime.FuncForPC(f.Pointer()).Name()), nil
}

// Try calls a function that builds a part of a graph, and returns what it panics with as an error.
func Try(build func()) error {
	switch v := exceptions.Try(build).(type) {
	case nil:
		return nil
	case error:
		return v
	default:
		return fmt.Errorf("panic: %v", v)
	}
}
