package train

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// budget is the time limit of this process's trainings.
var budget struct {
	sync.Mutex
	length time.Duration
	end    time.Time // zero without a limit
}

// Budget sets the time, from now on, after which trainings of this process stop and save. Set it at the top of a
// notebook whose session ends at a known time, somewhat below that: Budget(80*time.Minute) where a session lasts 90
// minutes. Compare then returns an *[InterruptedError] with the field Budget, and the same call goes on in the next
// session. FindLR, of at most 100 steps, takes no part. Zero or less takes the limit away. Budget returns the time at
// which trainings stop; the zero time without a limit.
func Budget(d time.Duration) time.Time {
	budget.Lock()
	defer budget.Unlock()
	budget.length, budget.end = 0, time.Time{}
	if d > 0 {
		budget.length, budget.end = d, time.Now().Add(d)
	}
	return budget.end
}

// budgetError is the cause of a context that ended with the budget.
type budgetError struct{ length time.Duration }

func (e *budgetError) Error() string { return fmt.Sprintf("the time budget of %s has ended", e.length) }

// withBudget returns a context that ends with the budget, too.
func withBudget(ctx context.Context) (context.Context, context.CancelFunc) {
	budget.Lock()
	defer budget.Unlock()
	if budget.end.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadlineCause(ctx, budget.end, &budgetError{budget.length})
}
