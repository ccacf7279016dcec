package optional

import "testing"

type sizeOptions struct{ Width int }

func TestOne(t *testing.T) {
	for _, c := range []struct {
		opts []sizeOptions
		want sizeOptions
		err  string
	}{
		{nil, sizeOptions{}, ""},
		{[]sizeOptions{{3}}, sizeOptions{3}, ""},
		{[]sizeOptions{{3}, {4}}, sizeOptions{}, "zoo: Resize takes at most one sizeOptions, got 2"},
	} {
		got, err := One("zoo: Resize", c.opts)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%v: %v, %v; want %v, %q", c.opts, got, err, c.want, c.err)
		}
	}
}
