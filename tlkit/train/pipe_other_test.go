//go:build !unix

package train_test

import "errors"

func pipe(string) error { return errors.ErrUnsupported }
