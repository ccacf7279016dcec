//go:build linux

package session

// More sequences: magics, and names that a cell gets wrong.
func init() {
	sequences = append(sequences, []sequence{
		{"members of types that embed or point to themselves", []step{
			{code: "type Node struct { *Node; Value int }\nn := Node{Value: 1}\nn.Valeu", fail: "did you mean Value?"}, {code: "type A struct{ *B; Wide int }\ntype B struct{ *A }\nvar a A\na.Wiide", fail: "did you mean Wide?"},
			{code: "type Node struct { *Node; Value int }\nn := &Node{Value: 1}\nn.Node = n\nn.Value", want: "=> 1"}, {code: "type P *P\nvar p P\np = &p\np != nil", want: "=> true"}, {code: "n", want: "Value:1"}, {code: "p", want: "=> "}, {code: "type L []L\nl := L{nil}\nl[0] = l\nl", want: "=> "},
			{code: "type M map[string]M\nm := M{}\nm[\"a\"] = m\nm", want: "=> "}, {code: "type F func() F\nvar f F\nf == nil", want: "=> true"}, {code: "%who", want: "Node"}, {code: "l[0].x", fail: "l[0].x undefined"}, {code: "var v any\nv = &v\nv", want: "=> "}}},
	}...)
}
