package train

import (
	"fmt"
	"math"
	"strings"
	"time"
)

func percent(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) }

// thousands writes 269722 as "269,722".
func thousands(n int) string {
	s := fmt.Sprint(n)
	var b strings.Builder
	for i, d := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

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
