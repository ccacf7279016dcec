package csvfile

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWrite(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	rows := [][]string{{"file", "class"}, {"caf\xe9.png", "猫"}, {"a,\"b\"\n.png", "\ufffd\xff"}}
	if err := Write("~/found.csv", rows); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(home, "found.csv"))
	if want := "file,class\n" + `caf\xe9.png,猫` + "\n" + `"a,""b""` + "\n" + `.png",` + "\ufffd" + `\xff` + "\n"; err != nil || string(got) != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if err := Write(filepath.Join(home, "found.csv", "x"), rows); err == nil {
		t.Error("a file for a folder: no error")
	}
}
