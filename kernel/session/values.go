//go:build linux

package session

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
)

// A cell may end with several expressions: a, b or v, ok. Go has no such statement; the checker gets a call of a
// function that takes any values.

// severalValues is that function's name.
const severalValues = "values" + old

// parseValues parses a list of expressions as the arguments of a call; it returns nil if the text is no such list.
func parseValues(fset *token.FileSet, src *source, c chunk) *ast.File {
	text := []byte(blank(src.text))
	copy(text[c.start:c.end], src.text[c.start:c.end])
	// The list must be in one line to its end: Go would insert a semicolon at a line end.
	f, err := parser.ParseFile(fset, "", valuePrefix+string(text[:c.end])+")"+string(text[c.end:]), 0)
	if err != nil || valuesCall(f) == nil {
		return nil
	}
	return f
}

// valuesCall returns the call of which a list is parsed as the arguments; nil if the list itself has closed the call,
// as 1,)( does.
func valuesCall(f *ast.File) *ast.CallExpr {
	spec := f.Decls[0].(*ast.GenDecl).Specs[0].(*ast.ValueSpec)
	call, ok := spec.Values[0].(*ast.CallExpr)
	if !ok || len(f.Decls) > 1 || len(spec.Values) > 1 || len(call.Args) == 0 {
		return nil
	}
	if _, isName := call.Fun.(*ast.Ident); !isName {
		return nil
	}
	return call
}

// valuesStmt returns the statement for a parsed list, at the place of its expressions.
func valuesStmt(f *ast.File) ast.Stmt {
	args := valuesCall(f).Args
	name := ast.NewIdent(severalValues)
	name.NamePos = args[0].Pos()
	end := args[len(args)-1].End()
	return &ast.ExprStmt{X: &ast.CallExpr{Fun: name, Lparen: args[0].Pos(), Args: args, Rparen: end - 1}}
}

// severalValuesFunc returns the function's declaration for the checker.
func severalValuesFunc(pkg *types.Package) *types.Func {
	param := types.NewParam(token.NoPos, pkg, "", types.NewSlice(types.Universe.Lookup("any").Type()))
	return types.NewFunc(token.NoPos, pkg, severalValues, types.NewSignatureType(nil, nil, nil, types.NewTuple(param), nil, true))
}
