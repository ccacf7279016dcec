package train

import "time"

// Progress returns the number of epochs that the run's strategies have done, with all seeds, and the number that they
// will have done when all is trained. A training that ended counts as whole: by Recipe.EarlyStop, or at fewer epochs
// than the recipe has now, since a call with more epochs trains only the strategies that it names.
func (r *Run) Progress() (done, total int) {
	for _, res := range r.Results {
		for _, one := range res.Seeds() {
			total += r.Config.Recipe.Epochs
			if one.over() {
				done += r.Config.Recipe.Epochs
			} else {
				done += min(len(one.History), r.Config.Recipe.Epochs)
			}
		}
	}
	return done, total
}

// TimeLeft estimates how long the rest of the run's training takes, from the epochs so far. ok is false
// before the first epoch.
func (r *Run) TimeLeft() (d time.Duration, ok bool) {
	var queue []*Result
	for _, res := range r.Results {
		queue = append(queue, res.Seeds()...)
	}
	seconds, ok := timeLeft(queue, nil, r.Config.Recipe.Epochs, 0, 0)
	return time.Duration(seconds * float64(time.Second)), ok
}
