package zoo

import (
	"math"
	"testing"
)

// TestBicubicMatrix holds the weights against those of torch.nn.functional.interpolate(mode="bicubic",
// align_corners=False) in PyTorch 2.15, which were read off one-hot images.
func TestBicubicMatrix(t *testing.T) {
	for _, tt := range []struct {
		from, to  int
		antialias bool
		want      [][]float32
	}{
		{5, 3, false, [][]float32{{0.685185, 0.37037, -0.055555, 0, 0}, {0, 0, 1, 0, 0}, {0, 0, -0.055556, 0.370371, 0.685185}}},
		{5, 3, true, [][]float32{{0.584615, 0.446154, 0, -0.030769, 0}, {-0.037209, 0.246512, 0.581395, 0.246512, -0.037209}, {0, -0.030769, 0, 0.446154, 0.584615}}},
		{3, 7, false, [][]float32{{1.109329, -0.109329, 0}, {0.879009, 0.134111, -0.013119}, {0.419825, 0.685131, -0.104956}, {0, 1, 0},
			{-0.104956, 0.685131, 0.419825}, {-0.013119, 0.134111, 0.879009}, {0, -0.109329, 1.10933}}},
		{3, 7, true, [][]float32{{1.096154, -0.096154, 0}, {0.905817, 0.102493, -0.00831}, {0.440443, 0.626039, -0.066482}, {0, 1, 0},
			{-0.066482, 0.626039, 0.440443}, {-0.00831, 0.102493, 0.905817}, {0, -0.096154, 1.096154}}},
		{9, 2, true, [][]float32{{0.168831, 0.222886, 0.235972, 0.199527, 0.133731, 0.062066, 0.00801, -0.013758, -0.017264},
			{-0.017264, -0.013758, 0.00801, 0.062066, 0.133731, 0.199527, 0.235972, 0.222886, 0.168831}}},
	} {
		got := bicubicMatrix(tt.from, tt.to, tt.antialias)
		for i, row := range tt.want {
			for j, want := range row {
				if d := math.Abs(float64(got[i*tt.from+j] - want)); !(d < 2e-6) {
					t.Errorf("%d to %d, antialias %t: [%d][%d] is %g, PyTorch's %g", tt.from, tt.to, tt.antialias, i, j, got[i*tt.from+j], want)
				}
			}
		}
	}
}
