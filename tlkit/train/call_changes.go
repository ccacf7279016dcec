package train

import (
	"fmt"
	"slices"
)

// differences lists how the images, the model and the recipe of a stored run differ from the call's.
func (c *call) differences(old Config) []string {
	var all []string
	differ := func(what string, was, now any) {
		if was != now {
			all = append(all, fmt.Sprintf("%s: %v, now %v", what, was, now))
		}
	}
	same, _ := c.data.Matches(old.Data.Fingerprint)
	switch {
	case c.renamed(old) != "":
	case old.Data.Name != c.config.Data.Name:
		differ("the data set", old.Data.Name, c.config.Data.Name)
		all = append(all, c.imagesChanged(old.Data)...)
	case !same:
		if all = c.imagesChanged(old.Data); len(all) == 0 {
			all = append(all, "the images of "+c.config.Data.Name+" (names, labels, contents or how files are decoded) have changed")
		}
	}
	differ("the model", old.Model.Name, c.config.Model.Name)
	differ("the weights", old.Model.Weights, c.config.Model.Weights)
	switch now := c.config.Model; {
	case len(all) > 0:
	case old.Model.Graph != "" && now.Graph != "" && old.Model.Graph != now.Graph:
		all = append(all, "the network of "+now.Name+" is read otherwise: its file has changed, or this version of TLKit takes other tensors of it for constants (see CHANGELOG.md)")
	case old.Model.Digest != now.Digest:
		all = append(all, "the values of the weights of "+now.Name+" have changed")
	}
	if len(all) == 0 {
		for _, d := range fieldDifferences(asJSON(old.Model.Preprocess), asJSON(c.config.Model.Preprocess)) {
			all = append(all, "the preprocessing of "+c.config.Model.Name+", "+d)
		}
	}
	return append(all, old.Recipe.plain().differences(c.config.Recipe.plain())...)
}

// imagesChanged says how the images of a data set of the same name differ from those of a stored run.
func (c *call) imagesChanged(old DataConfig) (all []string) {
	now := c.config.Data
	if !slices.Equal(written(old.Classes), written(now.Classes)) {
		all = append(all, fmt.Sprintf("the classes of %s: %s", now.Name, changedNames(written(old.Classes), written(now.Classes))))
	}
	if old.Train != now.Train || old.Val != now.Val {
		all = append(all, fmt.Sprintf("%s: %d training and %d %s images, now %d and %d", now.Name, old.Train, old.Val, now.compared(), now.Train, now.Val))
	}
	return all
}

// changedNames says how two lists of names differ.
func changedNames(was, now []string) string {
	without := func(all, some []string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(some, name) })
	}
	gone, added := without(was, now), without(now, was)
	switch {
	case len(gone)+len(added) == 0:
		return "they have another order"
	case len(added) == 0:
		return brief(gone) + " no longer"
	case len(gone) == 0:
		return brief(added) + " new"
	}
	return brief(gone) + " no longer, " + brief(added) + " new"
}

// renamed says that the data have another name than in a stored run, and are the same images: their folder was moved or
// renamed. It is "" if the name is the same, or if it cannot be known.
func (c *call) renamed(old Config) string {
	if same, note := c.data.Matches(old.Data.Fingerprint); !same || note != "" || old.Data.Name == c.config.Data.Name || !c.data.CoversContents() {
		return ""
	}
	return fmt.Sprintf("the images are those of %s, which the run was made with, under the name of %s now; its results are used", old.Data.Name, c.data.Name)
}
