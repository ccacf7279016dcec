package train

import (
	"fmt"
	"math"
	"time"
)

func percent(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) }

func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d < time.Second/10 {
		return fmt.Sprintf("%.0f ms", 1000*seconds)
	}
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", seconds)
	}
	return fmt.Sprintf("%d:%02d min", int(d.Minutes()), int(math.Round(d.Seconds()))%60)
}
