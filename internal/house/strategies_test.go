package house_test

import (
	"go/ast"
	"path"
	"strings"
	"testing"
)

const strategyRoom = "tlkit/strategy"

// plain are rooms of plain functions of numbers and texts, which anyone can write: they open no door.
var plain = map[string]bool{"internal/numbers": true, "internal/logistic": true, "internal/sentence": true}

// TestStrategiesLiveInTheirRoom holds that every strategy (a type with the methods Name and Plan) lives in
// tlkit/strategy, one to a file, and uses nothing that a user's own strategy could not use: no internal
// package and no linkname.
func TestStrategiesLiveInTheirRoom(t *testing.T) {
	found := 0
	for _, s := range sources(t) {
		types := strategyTypes(s.file)
		found += len(types)
		if len(types) > 0 && s.room() != strategyRoom && strings.HasPrefix(s.path, "tlkit/") {
			t.Errorf("%s declares the strategy %s; strategies live in %s", s.path, strings.Join(types, ", "), strategyRoom)
		}
		if s.room() != strategyRoom {
			continue
		}
		if len(types) > 1 {
			t.Errorf("%s declares %d strategies (%s); give each a file of its own", s.path, len(types), strings.Join(types, ", "))
		}
		for _, room := range s.imports() {
			if strings.Contains("/"+room+"/", "/internal/") && !plain[room] {
				t.Errorf("%s imports %s, which a user's own strategy can't", s.path, room)
			}
		}
		for _, c := range s.file.Comments {
			for _, line := range c.List {
				if strings.HasPrefix(line.Text, "//go:linkname") {
					t.Errorf("%s: %s is a private door", s.path, line.Text)
				}
			}
		}
	}
	if found < 15 {
		t.Errorf("%d strategies found, want at least the 15 that are there", found)
	}
}

// strategyTypes lists the types of a file that have the methods Name and Plan.
func strategyTypes(f *ast.File) []string {
	methods := map[string]int{}
	var order []string
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Name.Name != "Name" && fn.Name.Name != "Plan" {
			continue
		}
		receiver := receiverName(fn)
		if receiver == "" {
			continue
		}
		if methods[receiver]++; methods[receiver] == 2 {
			order = append(order, receiver)
		}
	}
	return order
}

// TestOneStrategyOneFile holds that a strategy's file bears its name, so that it is found by it.
func TestOneStrategyOneFile(t *testing.T) {
	for _, s := range sources(t) {
		if s.room() != strategyRoom {
			continue
		}
		for _, name := range strategyTypes(s.file) {
			file := strings.ReplaceAll(strings.TrimSuffix(path.Base(s.path), ".go"), "_", "")
			lower := strings.ToLower(name)
			if !strings.Contains(lower, file) && !strings.Contains(file, lower) {
				t.Errorf("%s declares %s; name the file after the strategy", s.path, name)
			}
		}
	}
}
