package train

import (
	"fmt"
	"math"
	"time"
)

func percent(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) }

// duration is a time for a table, with two or three digits. It is rounded before the unit is chosen, so that no time is
// written as one that has passed into the next unit, such as 60 seconds.
func duration(seconds float64) string {
	if ms := math.Round(1000 * seconds); ms < 100 {
		return fmt.Sprintf("%.0f ms", ms)
	}
	if tenths := math.Round(10 * seconds); tenths < 100 {
		return fmt.Sprintf("%.1f s", tenths/10)
	}
	d := time.Duration(math.Round(seconds)) * time.Second
	if d < time.Minute {
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return fmt.Sprintf("%d:%02d min", int(d.Minutes()), int(d.Seconds())%60)
}

// wording is a text in the languages of figures.
type wording struct{ english, japanese string }
