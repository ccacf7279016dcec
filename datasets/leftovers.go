package datasets

import (
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// programFolders are names that programs give to folders of their own, which may hold pictures: packages of JavaScript
// and Python, compiled files, logs of trainings. None is a word for a class.
var programFolders = map[string]bool{"node_modules": true, "bower_components": true, "site-packages": true, "dist-packages": true, "__pycache__": true,
	"wandb": true, "mlruns": true, "mlartifacts": true, "lightning_logs": true, "tb_logs": true, "catboost_info": true}

// programMarks are files by which a folder of any name is known to be a program's: environments of Python and conda,
// a run of tlkit and of YOLO.
var programMarks = []string{"pyvenv.cfg", "conda-meta/history", "run.json", "args.yaml"}

const programReason = "the folder of a program, which holds no images of the data; if it does, name it in the options"

// dropPrograms leaves out the folders of programs beside those of classes, unless one of some paths or patterns names
// it.
func (t *tree) dropPrograms(named ...string) {
	found := t.programs()
	maps.DeleteFunc(found, func(dir string, _ bool) bool {
		return slices.ContainsFunc(named, func(p string) bool {
			return strings.Contains("/"+filepath.ToSlash(p)+"/", "/"+path.Base(dir)+"/")
		})
	})
	if len(found) == 0 {
		return
	}
	within := func(p string) bool {
		for ; p != ""; p = parent(p) {
			if found[p] {
				return true
			}
		}
		return false
	}
	t.files = slices.DeleteFunc(t.files, func(f file) bool { return within(f.path) })
	t.left = slices.DeleteFunc(t.left, func(l LeftOut) bool { return within(l.Path) })
	maps.DeleteFunc(t.dirs, func(dir string, _ bool) bool { return within(dir) })
	for _, dir := range slices.Sorted(maps.Keys(found)) {
		if !within(parent(dir)) {
			t.left = append(t.left, LeftOut{dir, programReason})
		}
	}
}

// programs are the folders of programs. One that holds all files is none: the data may lie in an environment's folder.
func (t *tree) programs() map[string]bool {
	found := map[string]bool{}
	for dir := range t.dirs {
		if isProgram(path.Base(dir)) {
			found[dir] = true
		}
	}
	for _, f := range t.files {
		for _, mark := range programMarks {
			if dir, ok := strings.CutSuffix(f.path, "/"+mark); ok {
				found[dir] = true
			}
		}
	}
	maps.DeleteFunc(found, func(dir string, _ bool) bool {
		return !slices.ContainsFunc(t.files, func(f file) bool { return !strings.HasPrefix(f.path, dir+"/") })
	})
	return found
}

// isProgram reports whether a folder's name is a program's.
func isProgram(name string) bool {
	name = strings.ToLower(name)
	return programFolders[name] || strings.HasSuffix(name, ".dist-info") || strings.HasSuffix(name, ".egg-info")
}
