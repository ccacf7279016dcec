package zoo

import (
	"slices"
	"strings"
)

// NotebookWords lists the possible values of a string argument (arg counts from 0) or field (arg is -1) of this
// package: names of models, weight sets and stages. A notebook's kernel completes with them.
func NotebookWords(fn string, arg int) []string {
	switch strings.TrimPrefix(fn, "Must") {
	case "Load", "Info":
		if arg == 0 {
			return modelWords()
		}
	case "LoadOptions.Weights":
		words := []string{"random"}
		for _, s := range registry() {
			for _, w := range s.Weights {
				words = append(words, w.Name)
			}
		}
		return sorted(words)
	case "Model.Freeze", "Model.Features", "Model.ImageFeatures":
		return StageWords()
	}
	return nil
}

// modelWords are the names by which [Load] finds models: bare, and with each weight set.
func modelWords() []string {
	var words []string
	for name, s := range registry() {
		words = append(words, name)
		for _, w := range s.Weights {
			words = append(words, name+"."+w.Name)
		}
	}
	return sorted(words)
}

// StageWords are the names of stages that some model of the zoo has, sorted.
func StageWords() []string {
	var words []string
	for _, s := range registry() {
		if s.Graph != nil || s.Build == nil {
			continue
		}
		for _, stage := range s.Build().Stages {
			words = append(words, stage.Name)
		}
	}
	return sorted(words)
}

func sorted(words []string) []string {
	slices.Sort(words)
	return slices.Compact(words)
}

// NotebookWords lists the model's stages for the methods that take one; see the function of that name.
func (m *Model) NotebookWords(fn string, arg int) []string {
	switch {
	case fn == "Freeze" && arg == 0, (fn == "Features" || fn == "ImageFeatures") && arg == 1:
		return m.Stages()
	}
	return nil
}
