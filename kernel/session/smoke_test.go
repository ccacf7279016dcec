package session

import "testing"

func TestSmoke(t *testing.T) {
	s := newSession(t)
	for i, code := range []string{
		`fmt.Println("hello")`,
		"x := 41\nx + 1",
		"x := x + 1\nx",
		"type point struct{ x, y int }\nfunc (p point) norm() int { return p.x*p.x + p.y*p.y }\np := point{3, 4}\np.norm()",
		"p",
		"func (p point) double() point { return point{2 * p.x, 2 * p.y} }\np.double().norm()",
		"y := foo(3)",
		"for i := range 3 { z := i }\npanic(\"oops\")",
		"%who",
	} {
		out := &record{}
		err := s.Execute(t.Context(), &Cell{Code: code, Count: i + 1}, out)
		t.Logf("--- %s\n%s", code, out)
		if err != nil {
			t.Logf("ERROR %s\n", err.Name)
			for _, l := range err.Traceback {
				t.Log(l)
			}
		}
		t.Logf("%+v", s.LastTiming())
	}
}
