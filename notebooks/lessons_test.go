package notebooks_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tlkit-go/tlkit-notebooks/internal/testutil"
)

// lesson is what a test expects of an executed lesson in addition to its table of claims.
type lesson struct {
	name string
	// short lessons are executed by every go test, on pure Go; the others, and all on ONNX Runtime, by -tags slow.
	short bool
	// oneEngine lessons compute nothing that differs between engines.
	oneEngine bool
	// charts and pictures are the least numbers of charts, alone or in a figure of several, and of pictures.
	charts, pictures int
	// calibration is the number of further charts where the photographs are there: of probabilities that are all right,
	// as those of the drawings in their place, none is drawn.
	calibration int
	// makes are the files that the lesson leaves in the folder.
	makes []string
}

var lessons = []lesson{
	{name: "00_quickstart.ipynb", short: true, charts: 2, pictures: 2},
	{name: "01_go_cells.ipynb", short: true, oneEngine: true},
	{name: "02_transfer_and_finetuning.ipynb", charts: 2, pictures: 1},
	{name: "03_freezing_and_rates.ipynb", charts: 4, pictures: 1},
	{name: "04_how_much_data.ipynb", charts: 2},
	{name: "05_domain_adaptation.ipynb", short: true, charts: 2, pictures: 1},
	{name: "06_without_forgetting.ipynb", charts: 2},
	{name: "07_rcnn.ipynb", short: true, pictures: 2},
	{name: "08_your_own_pictures.ipynb", charts: 1, calibration: 1, pictures: 2, makes: []string{"lesson-pictures", "lesson-pictures-flat"}},
	{name: "09_out_of_the_notebook.ipynb", charts: 2, makes: []string{"sketches.onnx", "sketches.onnx.json", "sketches.pth", "sketches.pth.json"}},
	{name: "10_what_the_network_sees.ipynb", charts: 4, pictures: 5},
	{name: "11_long_work.ipynb", short: true, charts: 3},
	{name: "12_engines.ipynb", short: true},
}

// TestLessons executes each lesson as a reader would and compares what comes out with what its text promises.
func TestLessons(t *testing.T) {
	for _, l := range lessons {
		t.Run(strings.TrimSuffix(l.name, ".ipynb"), func(t *testing.T) {
			if !l.short {
				needsSlow(t)
			}
			for _, engine := range engines() {
				t.Run(engine, func(t *testing.T) {
					if engine != "go" && l.oneEngine {
						t.Skip("the lesson computes nothing that differs between engines")
					}
					needsEngine(t, engine)
					l.test(t, engine)
				})
			}
		})
	}
}

func (l lesson) test(t *testing.T, engine string) {
	t.Setenv("GOMLX_BACKEND", engine)
	wanted := l.charts
	if photographs(t) {
		wanted += l.calibration
	}
	t.Cleanup(func() {
		for _, f := range l.makes {
			os.RemoveAll(f)
		}
	})
	n := execute(t, l.name)
	if _, charts, pictures := plain(n); charts < wanted || pictures < l.pictures {
		t.Errorf("%d charts and %d pictures, want at least %d and %d", charts, pictures, wanted, l.pictures)
	}
	keepsClaims(t, l.name, n)
}

// photographs lets lessons find the photographs of ../shared/data, and reports whether they are there. Where they are
// not, nothing is downloaded in their place: a section with photographs then says what it lacks.
func photographs(t *testing.T) bool {
	t.Helper()
	dir, err := testutil.Find("data")
	if err != nil {
		t.Setenv("TLKIT_OFFLINE", "1")
		return false
	}
	t.Setenv("TLKIT_DATA", dir)
	return true
}

// TestGoNB executes the quickstart in GoNB's dialect on both kernels.
func TestGoNB(t *testing.T) {
	needsSlow(t)
	for _, kernel := range []string{"tlkit", "gonb-tlkit"} {
		t.Run(kernel, func(t *testing.T) {
			n := execute(t, "gonb.ipynb", kernel)
			if _, charts, pictures := plain(n); charts < 2 || pictures < 2 {
				t.Errorf("%d charts and %d pictures, want at least 2 of each", charts, pictures)
			}
			keepsClaims(t, "gonb.ipynb", n)
		})
	}
}

// dialect matches what a lesson for live cells does not need.
var dialect = regexp.MustCompile(`(?m)^(%%\s*$|var \w+ = )`)

// longLine matches a line of code that is wider than a cell in a window of 1280 pixels.
var longLine = regexp.MustCompile(`(?m)^.{99,}$`)

// removed matches the name of a file or folder that a lesson removes.
var removed = regexp.MustCompile(`os\.Remove(?:All)?\("([^"]*)"`)

// TestForm: every lesson is in the table of lessons, has claims, says what it is for and how long it takes, has two to
// four exercises with solutions that run, names its sources and what to read next, is written for live cells, and
// removes nothing that a reader may have put there.
func TestForm(t *testing.T) {
	paths, err := filepath.Glob("[0-9][0-9]_*.ipynb")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no lessons here (%v)", err)
	}
	for _, path := range paths {
		if !slices.ContainsFunc(lessons, func(l lesson) bool { return l.name == path }) {
			t.Errorf("%s is not in the table of lessons", path)
		}
		if len(claimsOf(t, path)) == 0 {
			t.Errorf("%s has no table of claims", path)
		}
		var words string
		solutions := 0
		n := read(t, path)
		for _, c := range n.Cells {
			if line := longLine.FindString(string(c.Source)); line != "" && c.CellType == "code" {
				t.Errorf("%s: cell %s has a line of more than 98 characters, which JupyterLab cuts off beside its file browser: %q", path, c.ID, line)
			}
			if m := removed.FindStringSubmatch(string(c.Source)); m != nil && !strings.HasPrefix(m[1], "lesson-") {
				t.Errorf("%s: cell %s removes %q, which may be the reader's; give what lessons make names that begin with lesson-", path, c.ID, m[1])
			}
			switch {
			case c.CellType == "markdown":
				words += string(c.Source) + "\n"
			case dialect.MatchString(string(c.Source)):
				t.Errorf("%s: cell %s has %q; live cells need neither", path, c.ID, dialect.FindString(string(c.Source)))
			case slices.Contains(c.Metadata.Tags, "solution"):
				solutions++
			}
		}
		for _, want := range []string{"**Goal:**", "**Time:**", "**Before:**"} {
			if !strings.Contains(string(n.Cells[0].Source), want) {
				t.Errorf("%s: the first cell has no %s", path, want)
			}
		}
		for _, want := range []string{"\n## Exercises\n", "\n## Sources\n", "\n**Next:** "} {
			if !strings.Contains(words, want) {
				t.Errorf("%s has no %q", path, strings.TrimSpace(want))
			}
		}
		if solutions < 2 || solutions > 4 {
			t.Errorf("%s has %d cells with the tag solution, want 2 to 4", path, solutions)
		}
	}
}

// link matches the file of a relative link in Markdown.
var link = regexp.MustCompile(`\]\(([^):#]+)\)`)

// TestLinks: lessons link to files that are there.
func TestLinks(t *testing.T) {
	paths, err := filepath.Glob("*.ipynb")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no notebooks here (%v)", err)
	}
	for _, path := range paths {
		for _, c := range read(t, path).Cells {
			if c.CellType != "markdown" {
				continue
			}
			for _, m := range link.FindAllStringSubmatch(string(c.Source), -1) {
				if _, err := os.Stat(m[1]); err != nil {
					t.Errorf("%s: cell %s links to %s, which is not there", path, c.ID, m[1])
				}
			}
		}
	}
}
