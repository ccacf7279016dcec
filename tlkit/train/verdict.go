package train

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/insight"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/plots"
)

func (w wording) figure() plots.Figure { return plots.TextIn(w.english, w.japanese) }

// and returns the text with a further sentence, which may be empty.
func (w wording) and(more wording) wording {
	switch {
	case more.english == "":
		return w
	case w.english == "":
		return more
	}
	return wording{w.english + " " + more.english, w.japanese + more.japanese}
}

// listed joins the parts of a list.
func listed(parts []wording) wording {
	var english, japanese []string
	for _, p := range parts {
		english, japanese = append(english, p.english), append(japanese, p.japanese)
	}
	return wording{strings.Join(english, ", "), strings.Join(japanese, "、")}
}

// Verdict summarises the table of the run in a few English sentences: the leading strategy, the differences within the
// noise of the validation set and the seeds, and the strategies that diverged, learned nothing or always name one
// class. Under the table of a notebook it stands in the language of figures ([plots.LanguageEnv]).
func (r *Run) Verdict() string { return r.verdict().english }

func (r *Run) verdict() wording {
	text := r.ranking().and(r.unfinished()).and(r.onlyClass()).and(r.frequentClass())
	for _, res := range r.Results {
		for _, one := range res.Seeds() {
			text = text.and(one.trouble(r.Config.Data.Classes))
		}
	}
	return text
}

// unfinished lists the trainings that have fewer epochs than the recipe, so that they are compared too early. The same
// call goes on with those that it names only.
func (r *Run) unfinished() wording {
	if r.Best() == nil {
		return wording{}
	}
	var going, left []wording
	for _, res := range r.Results {
		for _, one := range res.Seeds() {
			done, all := len(one.History), r.Config.Recipe.Epochs
			if one.complete(r.Config.Recipe) || done >= all {
				continue
			}
			text := wording{fmt.Sprintf("%s has %d of %d epochs", one.label(), done, all), fmt.Sprintf("%s は %d エポック中 %d エポック", one.labelJapanese(), all, done)}
			if r.goesOn(one) {
				going = append(going, text)
			} else {
				left = append(left, text)
			}
		}
	}
	var text wording
	if list := listed(going); len(going) > 0 {
		text = wording{
			"Not all is trained, so that this may change: " + list.english + "; the same call goes on.",
			"学習がまだ終わっていないので、変わることがあります（" + list.japanese + "）。同じ呼び出しで続きから学習します。",
		}
	}
	if list := listed(left); len(left) > 0 {
		text = text.and(wording{
			"Not all is trained equally long: " + list.english + "; a call that names " + itThem(len(left)) + ", too, goes on.",
			"学習したエポック数がそろっていません（" + list.japanese + "）。呼び出しにその戦略も加えると、続きから学習します。",
		})
	}
	return text
}

// goesOn reports whether the same call goes on with a training that has fewer epochs than the recipe. Where the call is
// not known, it is one that was cut off, since a training that ended may have been left out of the call.
func (r *Run) goesOn(one *Result) bool {
	if r.named == nil {
		return !one.Done
	}
	return slices.Contains(r.named, one.Strategy)
}

// soFar names a result whose training has not ended by its epochs, too.
func (r *Result) soFar() wording {
	if r.run == nil || r.complete(r.run.Config.Recipe) {
		return wording{r.label(), r.labelJapanese()}
	}
	done, all := len(r.History), r.run.Config.Recipe.Epochs
	return wording{fmt.Sprintf("%s, after %d of %d epochs,", r.label(), done, all), fmt.Sprintf("%s（%d エポック中 %d エポック）", r.labelJapanese(), all, done)}
}

// onlyClass says that all compared images are of one class, whose name for every image would score 100%.
func (r *Run) onlyClass() wording {
	best, classes := r.Best(), r.Config.Data.Classes
	if best == nil || len(classes) < 2 || len(best.Predictions.Labels) == 0 {
		return wording{}
	}
	labels := best.Predictions.Labels
	if slices.Max(labels) != slices.Min(labels) || labels[0] < 0 || labels[0] >= len(classes) {
		return wording{}
	}
	data := r.Config.Data
	return wording{
		fmt.Sprintf("All %s images (%d) are of class %q: this accuracy says nothing about other classes.", data.compared(), len(labels), classes[labels[0]]),
		fmt.Sprintf("%s画像（%d 枚）はすべてクラス「%s」なので、この正解率はほかのクラスについて何も示しません。", data.comparedJapanese(), len(labels), classes[labels[0]]),
	}
}

// frequentClass says that the best accuracy is no more than the share of the most frequent class, where that is far
// above an even share: naming that class for every image would score as much.
func (r *Run) frequentClass() wording {
	best, classes := r.Best(), r.Config.Data.Classes
	if best == nil || len(classes) < 2 {
		return wording{}
	}
	labels, counts := best.Predictions.Labels, make([]int, len(classes))
	for _, label := range labels {
		counts[label]++
	}
	most := slices.Index(counts, slices.Max(counts))
	share := float64(counts[most]) / float64(max(1, len(labels)))
	if share == 1 || share < 1.5/float64(len(classes)) || best.Score().Accuracy.Mean > share {
		return wording{}
	}
	balanced := percent(best.BalancedAccuracy())
	return wording{
		fmt.Sprintf("Naming the class %q for every image would score %s: compare balanced accuracies; that of %s is %s.", classes[most], percent(share), best.shown(), balanced),
		fmt.Sprintf("どの画像にもクラス「%s」と答えるだけで正解率は %s になります。クラス平均の正解率で比べてください（%s は %s）。", classes[most], percent(share), best.shown(), balanced),
	}
}

// ranking compares the strategies by accuracy.
func (r *Run) ranking() wording {
	best := r.Best()
	if best == nil {
		return wording{"No strategy has completed an epoch yet.", "1 エポックを終えた戦略はまだありません。"}
	}
	top := best.Score()
	close, behind := r.gaps(best)
	seeds := wording{"one seed each, so how much chance decides between seeds is not known", "シードは 1 つずつなので、シードによる偶然の大きさはわかりません"}
	if top.Seeds > 1 {
		seeds = wording{fmt.Sprintf("mean of %d seeds", top.Seeds), fmt.Sprintf("シード %d つの平均", top.Seeds)}
	}
	n, accuracy := len(best.Predictions.Labels), percent(top.Accuracy.Mean)
	image := 100 / float64(max(1, n))
	images, japanese := r.Config.Data.compared(), r.Config.Data.comparedJapanese()
	if len(close)+len(behind) == 0 {
		return wording{
			fmt.Sprintf("The %s accuracy of %s is %s (%s; one of %d images is %.2f points).", images, best.shown(), accuracy, seeds.english, n, image),
			fmt.Sprintf("%s画像での %s の正解率は %s です（%s。%d 枚のうち 1 枚は %.2f ポイント）。", japanese, best.shown(), accuracy, seeds.japanese, n, image),
		}
	}
	text := wording{
		fmt.Sprintf("%s has the highest %s accuracy, %s (%s; one of %d images is %.2f points)", best.shown(), images, accuracy, seeds.english, n, image),
		fmt.Sprintf("%s画像の正解率は %s が最も高く、%s です（%s。%d 枚のうち 1 枚は %.2f ポイント）。", japanese, best.shown(), accuracy, seeds.japanese, n, image),
	}
	near, far := listed(close), listed(behind)
	if len(close) > 0 && len(behind) == 0 {
		text.japanese += "ただし、これだけでは勝ちとは言えません。"
	}
	if len(behind) > 0 {
		text.japanese += "ノイズより大きい差をつけた相手: " + far.japanese + "。"
	}
	if len(close) > 0 {
		text.japanese += "差がノイズの範囲内の相手: " + near.japanese + "。"
	}
	switch {
	case len(behind) == 0:
		text.english += ", but that shows no winner: within the noise of it " + isAre(len(close)) + " " + near.english + "."
	case len(close) == 0:
		text.english += ", more than the noise above " + far.english + "."
	default:
		text.english += ", more than the noise above " + far.english + ", and not distinguishable from " + near.english + "."
	}
	return text
}

// gaps describes the other strategies, the best first: those within the noise of the best one, and those behind it.
func (r *Run) gaps(best *Result) (close, behind []wording) {
	rest := slices.DeleteFunc(slices.Clone(r.Results), func(o *Result) bool { return o == best || o.Score().Seeds == 0 })
	slices.SortStableFunc(rest, func(a, b *Result) int {
		return -int(math.Copysign(1, a.Score().Accuracy.Mean-b.Score().Accuracy.Mean))
	})
	for _, o := range rest {
		s := o.Score()
		gap, error := best.Score().Accuracy.Mean-s.Accuracy.Mean, noise(best, o)
		name, accuracy := o.shown(), percent(s.Accuracy.Mean)
		text := wording{
			fmt.Sprintf("%s (%s, %.1f points less; noise ±%.1f)", name, accuracy, 100*gap, 100*error),
			fmt.Sprintf("%s（%s、%.1f ポイント低い、ノイズ ±%.1f）", name, accuracy, 100*gap, 100*error),
		}
		if gap > error {
			behind = append(behind, text)
		} else {
			close = append(close, text)
		}
	}
	return close, behind
}

// trouble describes what went wrong in a training; it is empty if no problem is found.
func (r *Result) trouble(classes []string) wording {
	p := r.Predictions.Predicted
	switch {
	case r.Diverged != nil:
		return r.divergence()
	case len(classes) < 2:
		return wording{}
	case r.tooFast(len(classes)):
		epochs, guess, balanced := len(r.History), math.Log(float64(len(classes))), percent(r.BalancedAccuracy())
		last := r.History[epochs-1].TrainLoss
		return wording{
			fmt.Sprintf("%s shows no sign of learning in %d epochs: its training loss, %.3g in the last one, is far above that of guessing (%.2f), and its balanced accuracy, %s, is within the noise of guessing; try a smaller learning rate (FindLR).",
				r.label(), epochs, last, guess, balanced),
			fmt.Sprintf("%s には %d エポックで学習した様子がありません。最後のエポックの学習時の損失 %.3g は当てずっぽう（%.2f）よりはるかに大きく、クラス平均の正解率 %s も当てずっぽうのノイズの範囲内です。もっと小さい学習率（FindLR）を試してください。",
				r.labelJapanese(), epochs, last, guess, balanced),
		}
	case len(p) > 1 && slices.Max(p) == slices.Min(p) && slices.Max(r.Predictions.Labels) != slices.Min(r.Predictions.Labels):
		balanced, why := percent(r.BalancedAccuracy()), wording{"that of guessing", "当てずっぽうと同じです"}
		if !slices.Contains(r.Predictions.Labels, p[0]) {
			why = wording{"as none is of that class", "そのクラスの画像はありません"}
		}
		next := r.againstOneClass()
		return wording{
			fmt.Sprintf("%s names the class %q for every image: its balanced accuracy is %s, %s; %s.",
				r.soFar().english, classes[p[0]], balanced, why.english, next.english),
			fmt.Sprintf("%s はどの画像にもクラス「%s」と答えます。クラス平均の正解率は %s で、%s。%s。",
				r.soFar().japanese, classes[p[0]], balanced, why.japanese, next.japanese),
		}
	case r.learnedNothing(len(classes)):
		epochs, guess, balanced := len(r.History), math.Log(float64(len(classes))), percent(r.BalancedAccuracy())
		next := wording{"train longer, or try another learning rate (FindLR)", "もっと長く学習するか、別の学習率（FindLR）を試してください"}
		if r.run.Config.Recipe.warming() {
			next = r.warmUp()
		}
		return wording{
			fmt.Sprintf("%s shows no sign of learning in %d epochs: its training loss was never below that of guessing (%.2f), and its balanced accuracy, %s, is within the noise of guessing; %s.",
				r.label(), epochs, guess, balanced, next.english),
			fmt.Sprintf("%s には %d エポックで学習した様子がありません。学習時の損失は一度も当てずっぽう（%.2f）を下回らず、クラス平均の正解率 %s も当てずっぽうのノイズの範囲内です。%s。",
				r.labelJapanese(), epochs, guess, balanced, next.japanese),
		}
	}
	return wording{}
}

// divergence says where the training diverged, and what to try.
func (r *Result) divergence() wording {
	switch {
	case r.Diverged.Untrained:
		return wording{
			fmt.Sprintf("%s has %s, so that no learning rate helps: %s.", r.label(), r.Diverged, whyNotFinite(r.Diverged.Param)),
			fmt.Sprintf("%s の損失は学習を始める前から有限の数ではないので、どの学習率でも学習できません。モデルの重み%sと Preprocess を確認してください。", r.labelJapanese(), r.Diverged.Param),
		}
	case r.Diverged.Later:
		return wording{
			fmt.Sprintf("%s ended in epoch %d, in which the loss of the strategy became NaN or infinite while that of the labels was a number, so that no learning rate helps: %s.", r.label(), r.Diverged.Epoch, whyUndefined),
			fmt.Sprintf("%s は %d エポック目で終わりました。戦略の損失だけが有限の数ではなくなったので、どの学習率でも学習できません。%s", r.labelJapanese(), r.Diverged.Epoch, whyUndefinedJapanese),
		}
	case r.Diverged.Undefined != "":
		what := r.Diverged.undefined()
		return wording{
			fmt.Sprintf("%s ended in its first step, in which %s is NaN or infinite, so that no learning rate helps: %s.", r.label(), what.english, whyUndefined),
			fmt.Sprintf("%s は最初のステップで終わりました。%sが有限の数ではないので、どの学習率でも学習できません。%s", r.labelJapanese(), what.japanese, whyUndefinedJapanese),
		}
	case r.Diverged.Param != "":
		return wording{
			fmt.Sprintf("%s %s: try a smaller learning rate for it, or other weights, as %s.", r.label(), r.Diverged, whyNotFinite(r.Diverged.Param)),
			fmt.Sprintf("%s は %d エポック目に学習率 %g で発散しました。モデルの重み %s に有限でない値があります。重みを読み直すか、もっと小さい学習率を試してください。", r.labelJapanese(), r.Diverged.Epoch, r.Diverged.LearningRate, r.Diverged.Param),
		}
	case r.Diverged.Epoch < r.LastPhase:
		return wording{
			fmt.Sprintf("%s %s, before its last phase: try a smaller rate for those epochs (HeadRate or WarmupRate where the output layer is alone, else LearningRate).", r.label(), r.Diverged),
			fmt.Sprintf("%s は最後の段階の前、%d エポック目に学習率 %g で発散しました。そのエポックの学習率（出力層だけの段階では HeadRate か WarmupRate、ほかは LearningRate）をもっと小さくしてください。", r.labelJapanese(), r.Diverged.Epoch, r.Diverged.LearningRate),
		}
	case r.Diverged.OwnLoss:
		return wording{
			fmt.Sprintf("%s %s: try a smaller learning rate for it; if that does not help, %s.", r.label(), r.Diverged, whyUndefined),
			fmt.Sprintf("%s は %d エポック目に学習率 %g で発散しました。もっと小さい学習率を試してください。それでも発散するときは、%s", r.labelJapanese(), r.Diverged.Epoch, r.Diverged.LearningRate, whyUndefinedJapanese),
		}
	}
	return wording{
		fmt.Sprintf("%s %s: try a smaller learning rate for it.", r.label(), r.Diverged),
		fmt.Sprintf("%s は %d エポック目に学習率 %g で発散しました。もっと小さい学習率を試してください。", r.labelJapanese(), r.Diverged.Epoch, r.Diverged.LearningRate),
	}
}

// hasSteps reports whether the strategy trains in steps, at a learning rate, unlike KNN or AdaBN (Plan.Fit).
func (r *Result) hasSteps() bool { return r.LearningRate > 0 }

// againstOneClass says what to try with a strategy that names one class for every image.
func (r *Result) againstOneClass() wording {
	if !r.hasSteps() {
		return wording{
			"it has no training steps, which a learning rate or Recipe.ClassWeights would change: try a strategy that trains, such as Transfer, or a model whose features suit the images better (Rank)",
			"学習のステップがないので、学習率も Recipe.ClassWeights も効きません。Transfer のように学習する戦略か、画像に合う特徴量のモデル（Rank）を試してください",
		}
	}
	if r.run.Config.Recipe.warming() {
		return r.warmUp()
	}
	if r.run.Config.Recipe.ClassWeights != "" {
		return wording{"try another learning rate (FindLR)", "別の学習率（FindLR）を試してください"}
	}
	return wording{
		"try another learning rate (FindLR), or Recipe.ClassWeights if some classes have more training images than others",
		"別の学習率（FindLR）を試すか、学習画像の数がクラスによって違うときは Recipe.ClassWeights を試してください",
	}
}

// warmUp says what to do about a warm-up that is longer than the training.
func (r *Result) warmUp() wording {
	c := r.run.Config.Recipe
	return wording{
		fmt.Sprintf("its warm-up of %g epochs is longer than the training of %d: give a shorter Schedule.Warmup, or more epochs", c.Schedule.Warmup, c.Epochs),
		fmt.Sprintf("ウォームアップ（%g エポック）が学習（%d エポック）より長いので、Schedule.Warmup を短くするか、エポックを増やしてください", c.Schedule.Warmup, c.Epochs),
	}
}

// farAbove is how many times the training loss of guessing a loss is that no longer training brings down: the rate is
// too high.
const farAbove = 3

// tooFast reports whether the training loss of the last epoch is far above that of guessing, and the balanced accuracy
// no better than that of guessing: the learning rate is too high.
func (r *Result) tooFast(classes int) bool {
	return r.hasSteps() && len(r.History) > 0 && r.History[len(r.History)-1].TrainLoss > farAbove*math.Log(float64(classes)) && r.guesses(classes)
}

// guesses reports whether the balanced accuracy is within the noise of that of guessing.
func (r *Result) guesses(classes int) bool {
	return r.BalancedAccuracy() <= 1/float64(classes)+2*r.Predictions.guessingError(classes)
}

// learnedNothing reports whether the training loss stayed at or above that of uniform guessing, the logarithm of the
// number of classes, in every epoch, and the balanced accuracy of the best epoch is above that of guessing by no more
// than two standard errors: a loss with further terms may be high while the accuracy is good. One epoch is too short to
// tell, since its loss begins with that of a new head.
func (r *Result) learnedNothing(classes int) bool {
	if !r.hasSteps() || len(r.History) < 2 {
		return false
	}
	guess := math.Log(float64(classes))
	if slices.ContainsFunc(r.History, func(e Epoch) bool { return e.TrainLoss < 0.98*guess }) {
		return false
	}
	return r.guesses(classes)
}

// guessingError is the standard error of the balanced accuracy of uniform guesses. NaN means that there are no images.
func (p Predictions) guessingError(classes int) float64 {
	images := map[int]float64{}
	for _, label := range p.Labels {
		images[label]++
	}
	chance, sum := 1/float64(classes), 0.0
	for _, n := range images {
		sum += chance * (1 - chance) / n
	}
	return math.Sqrt(sum) / float64(len(images))
}

func itThem(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// Best returns the result with the highest validation accuracy in the best epoch, as the mean over its seeds; among
// equals, the one of the lowest loss. It returns nil if no strategy has completed an epoch.
func (r *Run) Best() *Result {
	var best *Result
	var top Score
	for _, res := range r.Results {
		s := res.Score()
		if s.Seeds > 0 && (best == nil || s.Accuracy.Mean > top.Accuracy.Mean || (s.Accuracy.Mean == top.Accuracy.Mean && s.Loss.Mean < top.Loss.Mean)) {
			best, top = res, s
		}
	}
	return best
}

// Outcome is the accuracy of the best strategy, of several seeds the mean, for [insight.Ranking.Against].
func (r *Run) Outcome() (insight.Outcome, error) {
	if r == nil || r.Best() == nil {
		return insight.Outcome{}, errors.New("tlkit: the run has no outcome: no strategy of it has completed an epoch yet; run Compare again to continue it")
	}
	m, d := r.Config.Model, r.Config.Data
	return insight.Outcome{Model: m.Name + " (" + m.Weights + ")", Accuracy: r.Best().Score().Accuracy.Mean, Data: d.Name, Fingerprint: d.Fingerprint}, nil
}
