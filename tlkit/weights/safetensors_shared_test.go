package weights

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestSharedNames: a tensor has all names that the metadata of safetensors.torch.save_model gives it; other metadata
// names nothing, and a small file can't name its tensors without end.
func TestSharedNames(t *testing.T) {
	const w = `"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`
	sd, err := OpenBytes("x.safetensors", safetensorsFile(`{"__metadata__":{"z.w":"w","a.w":"w","w":"w","format":"pt","v":"none","best":"w","a.w2":"w","a.":"w"},`+w+`}`, 8))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"w", "a.w", "z.w"}; !slices.Equal(sd.Keys(), want) {
		t.Errorf("keys %q, want %q", sd.Keys(), want)
	}
	if tied, _ := sd.Get("z.w"); !slices.Equal(tied.Shape, []int{2}) {
		t.Errorf("shape %v", tied.Shape)
	}
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprintf(`"%d.w":"w"`, i))
	}
	const n = 1 << 20
	large := strings.NewReplacer("[2]", fmt.Sprintf("[%d]", n/4), "[0,8]", fmt.Sprintf("[0,%d]", n)).Replace(w)
	_, err = OpenBytes("x.safetensors", safetensorsFile(`{"__metadata__":{`+strings.Join(names, ",")+`},`+large+`}`, n))
	if err == nil || !strings.Contains(err.Error(), "further names") {
		t.Errorf("a hundred names of one tensor: error %v", err)
	}
}
