package train_test

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/datasets"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/strategy"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/train"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// TestOddData: data, models and strategies that can't be trained are refused with a line that says why, and no panic.
func TestOddData(t *testing.T) {
	drawn := func(image *vision.Image) *datasets.Split {
		s, err := datasets.NewSplit(3, []string{"0", "1", "2"}, []int{0, 1, 2}, func(int) (*vision.Image, error) { return image, nil })
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	bad := pretrained(t)
	bad.Preprocess.Mean[0] = float32(math.NaN())
	for _, tt := range []struct {
		name   string
		change func(ds *datasets.Dataset)
		s      train.Strategy
		want   []string
	}{
		{"fewer class names than labels", func(ds *datasets.Dataset) { ds.Classes = ds.Classes[:2] }, strategy.Transfer{}, []string{"2 classes and 5 images of label 2", "from 0 to 1"}},
		{"validation images of other classes", func(ds *datasets.Dataset) { ds.Val = oldTask(t).Val }, strategy.Transfer{}, []string{"3 classes and 2 images of label 3"}},
		{"no image and no error", func(ds *datasets.Dataset) { ds.Train = drawn(nil) }, strategy.Transfer{}, []string{"no image and no error"}},
		{"an image of no pixels", func(ds *datasets.Dataset) { ds.Val = drawn(&vision.Image{}) }, strategy.Transfer{}, []string{"0 x 0 pixels"}},
		{"an image with too few bytes", func(ds *datasets.Dataset) {
			ds.Train = drawn(&vision.Image{Width: 8, Height: 8, Pix: make([]uint8, 10)})
		}, strategy.KNN{}, []string{"8 x 8 pixels has 10 bytes"}},
		{"no strategy", func(*datasets.Dataset) {}, nil, []string{"strategy 1 of 1 is nil", "tlkit.Transfer{}"}},
		{"a nil pointer", func(*datasets.Dataset) {}, (*strategy.DANN)(nil), []string{"strategy 1 of 1 is nil"}},
	} {
		ds, r := paint(t), quick(t)
		tt.change(ds)
		_, err := r.Compare(context.Background(), "r", ds, pretrained(t), tt.s)
		if err == nil {
			t.Errorf("%s: no error", tt.name)
			continue
		}
		wantError(t, err, tt.want...)
	}
	_, err := quick(t).Compare(context.Background(), "r", paint(t), bad, strategy.Transfer{})
	wantError(t, err, "Preprocess.Mean is [NaN")
}

// TestSharedNames: data with one name for two classes are trained as any other, with a warning, also when all is done.
func TestSharedNames(t *testing.T) {
	zoo.Register(tinySpec())
	m, r := pretrained(t), quick(t)
	plain := compare(t, r, "plain", paint(t), m, strategy.Transfer{})
	ds := paint(t)
	ds.Classes = []string{"crane", "maillot", "crane"}
	for range 2 {
		run := compare(t, r, "r", ds, m, strategy.Transfer{})
		if got, want := curve(run.Results[0].History), curve(plain.Results[0].History); !reflect.DeepEqual(got, want) {
			t.Errorf("history %+v, with other names %+v", got, want)
		}
		if len(run.Warnings) != 1 || !strings.Contains(run.Warnings[0], `several labels have the same class name ("crane")`) {
			t.Errorf("warnings %q", run.Warnings)
		}
		if got, err := run.Results[0].Model(); err != nil || !slices.Equal(got.Classes, ds.Classes) {
			t.Errorf("model %v, %v", got, err)
		}
		if _, err := run.Bundle(); err != nil {
			t.Error(err)
		}
	}
}

// TestOddNumbers puts numbers that nobody can mean into each field of a recipe: an error, or a training, and no panic.
// NaN and infinities are always an error.
func TestOddNumbers(t *testing.T) {
	m, ds, r := pretrained(t), paint(t), quick(t)
	r.Epochs = 1
	n := 0
	eachOdd(reflect.ValueOf(&r).Elem(), "Recipe.", func(what string, finite bool) {
		n++
		_, err := r.Compare(context.Background(), fmt.Sprint("r", n), ds, m, strategy.FineTune{}, strategy.KNN{})
		if err == nil && !finite {
			t.Errorf("%s is taken", what)
		}
	})
	if n < 120 {
		t.Errorf("only %d odd numbers were tried", n)
	}
}

// eachOdd calls f for each odd number in each field of a struct.
func eachOdd(v reflect.Value, path string, f func(what string, finite bool)) {
	for i := range v.NumField() {
		field, name := v.Field(i), path+v.Type().Field(i).Name
		numbers := []reflect.Value{field}
		switch field.Kind() {
		case reflect.Struct:
			eachOdd(field, name+".", f)
		case reflect.Array:
			for k := range field.Len() {
				numbers = append(numbers, field.Index(k))
			}
		}
		for _, number := range numbers {
			was := reflect.ValueOf(number.Interface())
			switch {
			case number.CanFloat():
				for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 1e300, 5e-324} {
					number.SetFloat(x)
					f(fmt.Sprintf("%s of %g", name, x), !math.IsNaN(x) && !math.IsInf(x, 0))
				}
			case number.CanInt():
				for _, x := range []int64{-1, math.MinInt64, math.MaxInt64, 1 << 40} {
					number.SetInt(x)
					f(fmt.Sprintf("%s of %d", name, x), true)
				}
			}
			number.Set(was)
		}
	}
}

// TestFittedMixed: a strategy without training steps takes recipes that vary or mix the training images, and few bytes
// of memory, at which the features of the validation images are kept and those of the training images are not: its
// figures are those of the images as they are.
func TestFittedMixed(t *testing.T) {
	ds, m, r := paint(t), sameTaskModel(t), quick(t)
	ds.Train = painted(t, 1, 60, nil)
	fitted := []train.Strategy{strategy.KNN{}, strategy.LogisticRegression{}, strategy.AdaBN{Batch: 4}}
	plain := compare(t, r, "plain", ds, m, fitted...)
	for name, change := range map[string]func(r *train.Recipe){
		"mixup":   func(r *train.Recipe) { r.Mixup = 0.2 },
		"cutmix":  func(r *train.Recipe) { r.CutMix = 1 },
		"augment": func(r *train.Recipe) { r.Augment = vision.StandardAugment() },
		"views":   func(r *train.Recipe) { r.Augment, r.Views = vision.StandardAugment(), 3 },
		"passes":  func(r *train.Recipe) { r.Passes = 3 },
		"memory":  func(r *train.Recipe) { r.MemoryLimit = 8 * 9 * 8 * 4 },
		"none":    func(r *train.Recipe) { r.MemoryLimit = 1 },
	} {
		r := r
		change(&r)
		run := compare(t, r, name, ds, m, fitted...)
		for i, res := range run.Results {
			got, want := res.History[0], plain.Results[i].History[0]
			if math.Abs(got.TrainLoss-want.TrainLoss) > 1e-4 || math.Abs(got.ValLoss-want.ValLoss) > 1e-4 || got.TrainAccuracy != want.TrainAccuracy {
				t.Errorf("%s, %s: %+v, want %+v", name, res.Strategy, got, want)
			}
		}
	}
}
