package compress

import (
	"fmt"
	"math"
	"strings"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/tables"
	"github.com/tlkit-go/tlkit-notebooks/tlkit/zoo"
)

// Bundle shows the report as a table, for notebooks.
func (r *Report) Bundle() (map[string]any, error) { return r.table().Bundle() }

// String returns the table as text.
func (r *Report) String() string {
	bundle, err := r.Bundle()
	if err != nil {
		return err.Error()
	}
	return bundle["text/plain"].(string)
}

func (r *Report) table() tables.Table {
	rows := [][]string{{"file", megabytes(r.Before.Bytes), megabytes(r.After.Bytes)}}
	if r.Images > 0 {
		rows = append(rows, []string{fmt.Sprintf("accuracy on %d images", r.Images), percent(r.Before.Accuracy), percent(r.After.Accuracy)},
			[]string{"classified alike", "", percent(r.Agreement)})
	}
	if r.After.ImagesPerSecond > 0 {
		rows = append(rows, []string{"images per second", fmt.Sprintf("%.0f", r.Before.ImagesPerSecond),
			fmt.Sprintf("%.0f (%.1f times)", r.After.ImagesPerSecond, r.After.ImagesPerSecond/r.Before.ImagesPerSecond)})
	}
	var words []tables.Cell
	if r.After.ImagesPerSecond > 0 {
		words = append(words, tables.Cell{Row: len(rows) - 1, Column: 2})
	}
	rows = append(rows, []string{"computed by", r.Engine, r.Engine})
	caption := []string{r.File + ": " + r.how()}
	if r.Warning != "" {
		caption = append(caption, "Warning: "+r.Warning+".")
	}
	return tables.Table{Columns: []string{"", string(zoo.Float32), string(r.Precision)}, Rows: rows,
		Options: tables.Options{Caption: strings.Join(caption, " "), Align: "lrr", Words: []int{0}, WordCells: words}}
}

// how says in a sentence what is stored how.
func (r *Report) how() string {
	switch r.Precision {
	case zoo.Int8:
		ranges := map[string]string{"largest": "the largest of the images", "mean": "the mean of the images", "90 %": "90 of 100 images stay within", "75 %": "75 of 100 images stay within"}
		text := fmt.Sprintf("%d layers compute in whole numbers; ranges of activations: %s", r.Tensors, ranges[r.Ranges])
		if r.Equalized {
			text += "; channels were scaled to like ranges"
		}
		return text + "."
	case zoo.Float32:
		return "as trained."
	}
	return fmt.Sprintf("%d weights are stored in 16 bits and computed in float32.", r.Tensors)
}

func megabytes(n int64) string { return fmt.Sprintf("%.2f MB", float64(n)/1e6) }

func percent(share float64) string {
	if math.IsNaN(share) {
		return ""
	}
	return fmt.Sprintf("%.1f%%", 100*share)
}
