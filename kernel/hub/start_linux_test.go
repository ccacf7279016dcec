package hub

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestHideError: the advice about containers is for a missing right alone, and the option is one that old kernels take.
func TestHideError(t *testing.T) {
	for cause, container := range map[error]bool{unix.EPERM: true, unix.EINVAL: false, unix.ENOSPC: false} {
		err := hideError(fmt.Errorf("mounting /proc: %w", cause))
		if !strings.Contains(err.Error(), cause.Error()) || strings.Contains(err.Error(), "container") != container {
			t.Errorf("%v: %v", cause, err)
		}
	}
	if hideOption != "hidepid=2" {
		t.Errorf("%q; Linux before 5.8 takes numbers only", hideOption)
	}
}
