package project

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/compress"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// stored is the model as the program has it, and what its model card says about that.
type stored struct {
	model *zoo.Model
	facts []Fact
	note  string // a warning; "" for none
}

// small reports whether the project's file has fewer bits than the model.
func (o Options) small() bool { return o.Precision != "" && o.Precision != zoo.Float32 }

// modelFile returns the name of the model's file, which is the project's if it lies beside the program. Only
// .onnx holds whole numbers, and a network that the program does not know by its name: one that came from such
// a file, or one's own.
func (o Options) modelFile(name string, model *zoo.Model) string {
	if !o.Beside {
		name = "model"
	}
	if !model.Spec.BuiltIn() || o.Precision == zoo.Int8 {
		return name + ".onnx"
	}
	return name + ".safetensors"
}

// store writes the model's file. A model that does not know the bits of 16-bit images has those of the training images
// there.
func store(ctx context.Context, model *zoo.Model, file string, opts Options) (stored, error) {
	if bits := bitsOf(model, opts.Data); bits != model.Bits {
		model.Bits = bits
		defer func() { model.Bits = 0 }()
	}
	s := stored{model: model}
	var err error
	switch own := !model.Spec.BuiltIn(); {
	case opts.small():
		s, err = storeSmall(ctx, model, file, opts)
	case own:
		if _, err = model.ExportWith(ctx, file, zoo.ExportOptions{Graph: true}); err == nil {
			s.model, err = zoo.LoadExported(file)
		}
		if err != nil {
			err = fmt.Errorf("the program does not know the network %q by its name, and can't have it as an .onnx file: %w", model.Spec.Name, err)
		}
	default:
		err = model.Export(file)
	}
	if err == nil {
		err = os.Remove(file + ".json") // its content is in the model's metadata
	}
	if err != nil {
		return s, fmt.Errorf("project: %w", err)
	}
	return s, nil
}

// storeSmall writes the file in fewer bits, measures what that costs, and reads the model back with its rounding.
func storeSmall(ctx context.Context, model *zoo.Model, file string, opts Options) (stored, error) {
	o := compress.Options{Precision: opts.Precision, Float: opts.Float}
	if d := opts.Data; d != nil {
		o.Calibrate, o.Test = d.Train, validation(d)
	}
	if err := opts.checkSmall(model, o); err != nil {
		return stored{}, err
	}
	report, err := compress.Write(ctx, model, file, o)
	if err != nil {
		return stored{}, err
	}
	s := stored{note: report.Warning, facts: []Fact{{Name: "stored in", Value: fmt.Sprintf("%s: %.1f MB, %.1f MB in float32", report.Precision,
		float64(report.After.Bytes)/1e6, float64(report.Before.Bytes)/1e6)}}}
	if report.Images > 0 && !math.IsNaN(report.After.Accuracy) {
		s.facts = append(s.facts, Fact{Name: "accuracy as stored", Value: fmt.Sprintf("%.1f %% of %d images, %.1f %% in float32; %.1f %% are classified alike",
			100*report.After.Accuracy, report.Images, 100*report.Before.Accuracy, 100*report.Agreement)})
	}
	s.model, err = zoo.LoadExported(file)
	return s, err
}

// checkSmall returns an error for what package compress would refuse in words that a project does not have.
func (o Options) checkSmall(model *zoo.Model, c compress.Options) error {
	switch {
	case o.Precision == zoo.Int8 && (c.Calibrate == nil || c.Calibrate.Len() == 0):
		return errors.New("int8 needs training images for the ranges of activations: set ProjectOptions.Data to a data set that has some, or take float16 or bfloat16")
	case o.Precision != zoo.Int8 && len(o.Float) > 0:
		return fmt.Errorf("ProjectOptions.Float is %q, but with %s no layer computes in whole numbers; leave it out, or take int8", o.Float, o.Precision)
	case o.Data != nil && !slices.Equal(o.Data.Classes, model.Classes):
		return fmt.Errorf("ProjectOptions.Data has the classes %s, the model has %s; give the data set that the model was trained with", classList(o.Data.Classes), classList(model.Classes))
	}
	return nil
}
