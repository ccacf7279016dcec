package build

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// ModuleAround returns the module, and its folder, that may have a package, among the module around dir and those of
// the go.work around dir; empty if there is none. It reads the files' text alone.
func ModuleAround(dir, pkg string) (module, folder string) {
	for ; ; dir = filepath.Dir(dir) {
		for _, folder := range append([]string{dir}, workspaceOf(dir)...) {
			data, err := os.ReadFile(filepath.Join(folder, "go.mod"))
			if err != nil {
				continue
			}
			if module := modfile.ModulePath(data); module != "" && (pkg == module || strings.HasPrefix(pkg, module+"/")) {
				return module, folder
			}
		}
		if dir == filepath.Dir(dir) {
			return "", ""
		}
	}
}

// workspaceOf returns the folders of the modules that a folder's go.work uses.
func workspaceOf(dir string) (folders []string) {
	data, err := os.ReadFile(filepath.Join(dir, "go.work"))
	if err != nil {
		return nil
	}
	work, err := modfile.ParseWork("go.work", data, nil)
	if err != nil {
		return nil
	}
	for _, use := range work.Use {
		folder := filepath.FromSlash(use.Path)
		if !filepath.IsAbs(folder) {
			folder = filepath.Join(dir, folder)
		}
		folders = append(folders, folder)
	}
	return folders
}
