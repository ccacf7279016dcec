package insight

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/internal/numbers"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Diagram draws a network's stages from the image on, coloured by what training does with them: frozen,
// trained, or new, for the stages named by fresh ("head", after the output layer was replaced). A stage that is
// partly frozen says so.
func Diagram(s *zoo.Summary, fresh ...string) plots.Figure {
	var list []plots.NetworkStage
	for _, st := range s.Stages {
		shape := strings.ReplaceAll(fmt.Sprint(st.Out), " ", ", ")
		box := plots.NetworkStage{Name: st.Name, Detail: fmt.Sprintf("%s, %s parameters", shape, numbers.Thousands(st.Params)), State: plots.StageTrained}
		switch {
		case slices.Contains(fresh, st.Name):
			box.State = plots.StageNew
		case st.Trainable == 0:
			box.State = plots.StageFrozen
		case st.Trainable < st.Params:
			box.Detail += fmt.Sprintf(", %s frozen", numbers.Thousands(st.Params-st.Trainable))
		}
		list = append(list, box)
	}
	return plots.Network(fmt.Sprintf("%s (%s)", s.Model, s.Weights), list)
}
