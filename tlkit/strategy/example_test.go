package strategy_test

import (
	"fmt"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// A plan is all in which two strategies differ: here the variables that they train and the rate.
func ExampleTransfer() {
	for _, s := range []train.Strategy{strategy.Transfer{}, strategy.FineTune{}} {
		m, err := zoo.Load("resnet20.shapes")
		if err != nil {
			panic(err)
		}
		plan, err := s.Plan(m, train.Task{Classes: []string{"ant", "bee"}})
		if err != nil {
			panic(err)
		}
		_, trainable := m.NumParams()
		fmt.Println(s.Name(), trainable, plan.LearningRate)
	}
	// Output:
	// transfer 130 0.02
	// finetune 269202 0.01
}
