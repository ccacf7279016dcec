package plots

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/image/font/sfnt"
)

// fontSearch finds fonts of this machine for text whose script the font of drawings lacks. Fonts are opened only as far
// as such a text needs.
type fontSearch struct {
	// folders returns where the fonts are.
	folders func() []string

	mu    sync.Mutex
	files []string // font files that are not kept, in order of preference; nil until they are listed
	kept  []*sfnt.Font
	none  map[string]bool // texts and characters that no font has
}

// systemFonts are the fonts of this machine.
var systemFonts = &fontSearch{folders: fontFolders}

// fontFolders returns the usual folders of fonts on Linux, macOS and Windows.
func fontFolders() []string {
	folders := []string{"/usr/share/fonts", "/usr/local/share/fonts", "/System/Library/Fonts", "/Library/Fonts"}
	if windows := os.Getenv("WINDIR"); windows != "" {
		folders = append(folders, filepath.Join(windows, "Fonts"))
	}
	if home, err := os.UserHomeDir(); err == nil {
		folders = append(folders, filepath.Join(home, ".local", "share", "fonts"), filepath.Join(home, ".fonts"), filepath.Join(home, "Library", "Fonts"))
	}
	return folders
}

// find returns a font with a glyph for every character of s, nil if there is none.
func (f *fontSearch) find(s string) *sfnt.Font {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.none[s] || strings.ContainsFunc(s, func(r rune) bool { return f.none[string(r)] }) {
		return nil
	}
	for _, font := range f.kept {
		if covers(font, s) {
			return font
		}
	}
	if f.files == nil {
		f.none = map[string]bool{}
		f.files = fontFiles(f.folders())
	}
	absent := map[rune]bool{} // characters that no font has
	for _, r := range s {
		absent[r] = !slices.ContainsFunc(f.kept, func(font *sfnt.Font) bool { return covers(font, string(r)) })
	}
	for i, path := range f.files {
		if font := openFont(path, s, absent); font != nil {
			f.kept = append(f.kept, font)
			f.files = slices.Delete(f.files, i, i+1)
			return font
		}
	}
	f.none[s] = true
	for r, gone := range absent {
		if gone {
			f.none[string(r)] = true
		}
	}
	return nil
}

// fontFiles lists the font files in folders: upright text fonts first, so that a caption is not set in a light italic.
func fontFiles(folders []string) []string {
	files := []string{}
	for _, dir := range folders {
		// A folder that is absent or closed to us has no fonts for us.
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && slices.Contains([]string{".ttf", ".otf", ".ttc", ".otc"}, strings.ToLower(filepath.Ext(path))) {
				files = append(files, path)
			}
			return nil
		})
	}
	rank := func(path string) (n int) {
		name := strings.ToLower(filepath.Base(path))
		for _, special := range []string{"bold", "italic", "oblique", "light", "thin", "black", "heavy", "medium", "mono", "serif", "mincho", "emoji", "symbol"} {
			if strings.Contains(strings.ReplaceAll(name, "sansserif", ""), special) {
				n++
			}
		}
		return n
	}
	slices.SortStableFunc(files, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	return files
}

// openFont returns the first font of a file that has every character of s, nil if it has none, and takes from absent
// the characters that it has. A file that is no font, or whose outlines can't be read, has none. The file of a font
// stays open, since glyphs are read as they are drawn.
func openFont(path, s string, absent map[rune]bool) *sfnt.Font {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	fonts, err := sfnt.ParseCollectionReaderAt(file)
	if err != nil {
		file.Close()
		return nil
	}
	for i := range fonts.NumFonts() {
		font, err := fonts.Font(i)
		if err != nil {
			continue
		}
		if covers(font, s) && outlined(font, s) {
			return font
		}
		for r := range absent {
			if covers(font, string(r)) {
				absent[r] = false
			}
		}
	}
	file.Close()
	return nil
}

// outlined reports whether the glyphs of s can be drawn: fonts of coloured pictures have none.
func outlined(font *sfnt.Font, s string) bool {
	var b sfnt.Buffer
	for _, r := range s {
		if i, err := font.GlyphIndex(&b, r); err == nil && i != 0 {
			if _, err := font.LoadGlyph(&b, i, 64<<6, nil); err != nil {
				return false
			}
		}
	}
	return true
}
