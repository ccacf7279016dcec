//go:build !unix

package detached

import (
	"errors"
	"os"
)

var errUnix = errors.New("detached: trainings in processes of their own need Linux or macOS; train in the notebook with Compare")

func spawn(_, _ []string, _, _ string, _ *os.File) error { return errUnix }

func takeLock(string) (*os.File, error) { return nil, errUnix }

func locked(string) (bool, error) { return false, errUnix }
