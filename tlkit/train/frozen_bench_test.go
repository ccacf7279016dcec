//go:build unix

package train

import (
	"syscall"
	"testing"
	"time"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// cpuTime is what the process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFrozen times a step that leaves stages frozen, in one graph and apart, in CPU time too, since a wall clock
// tells of the machine's other work:
//
//	go test ./tlkit/train -run '^$' -bench Frozen -cpu 1
func BenchmarkFrozen(b *testing.B) {
	for _, e := range engines(b) {
		for _, name := range []string{"mobilenet_v1_025", "resnet18"} {
			for _, s := range []Strategy{stagesFrom{rate: 0.02}, stagesFrom{map[string]string{"mobilenet_v1_025": "stage3", "resnet18": "layer4"}[name], 0.01}} {
				for _, how := range []string{"together", "apart"} {
					b.Run(e.Config+"/"+name+"/"+s.Name()+"/"+how, func(b *testing.B) {
						splitting(b, e.Backend.Name(), how == "apart")
						m, err := zoo.Load(name, zoo.LoadOptions{Weights: zoo.Random})
						if err != nil {
							b.Fatal(err)
						}
						stepper, err := Recipe{BatchSize: 8}.NewStepper(e.Backend, m, s)
						if err != nil {
							b.Fatal(err)
						}
						defer stepper.Close()
						for range 2 {
							if _, err := stepper.Step(); err != nil {
								b.Fatal(err)
							}
						}
						began := cpuTime()
						for b.Loop() {
							if _, err := stepper.Step(); err != nil {
								b.Fatal(err)
							}
						}
						b.ReportMetric(float64((cpuTime()-began).Milliseconds())/float64(b.N), "cpu-ms/op")
					})
				}
			}
		}
	}
}
