package worker

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed rt/*.go rt/*.s
var rtFiles embed.FS

// Source returns the source of package rt, by file name, for build.Builder.Worker.
func Source() map[string]string {
	files := map[string]string{}
	entries, err := fs.ReadDir(rtFiles, "rt")
	if err != nil {
		panic(err) // embedded
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		data, err := fs.ReadFile(rtFiles, "rt/"+e.Name())
		if err != nil {
			panic(err)
		}
		files[e.Name()] = string(data)
	}
	return files
}
