// Package house holds the tests of the project's structure: which room may import which (floors_test.go), that every
// exported name has a doc comment (docs_test.go), where strategies live (strategies_test.go). A room is a folder with
// its Go package; CONTRIBUTING.md says which change belongs in which room.
package house
