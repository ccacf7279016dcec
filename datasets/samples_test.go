package datasets

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"

	"github.com/tlkit-go/tlkit-notebooks/tlkit/vision"
)

// photos is a folder of images with their labels elsewhere: train/id0.png to id7.png, and a test image.
func photos(t *testing.T) files {
	f := files{}
	for i := range 8 {
		f[fmt.Sprintf("train/id%d.png", i)] = picture(t, "png", 500+i)
	}
	f["test/id9.png"] = picture(t, "png", 509)
	return f
}

// breeds are lines of images and labels, alternately pug and boxer.
func breeds(format, separator string) string {
	b := strings.Builder{}
	for i := range 8 {
		fmt.Fprintf(&b, format+"%s%s\n", i, separator, []string{"pug", "boxer"}[i%2])
	}
	return b.String()
}

// coco is COCO's JSON of images 0 to 7 with one category each, the first in two objects, and of image 9 with two. The
// categories begin with one above the others, as Roboflow writes it.
func coco(format string) string {
	var images, annotations []string
	add := func(image, category int) {
		annotations = append(annotations, fmt.Sprintf(`{"id": %d, "image_id": %d, "category_id": %d}`, len(annotations), 100+image, category))
	}
	for _, i := range []int{0, 1, 2, 3, 4, 5, 6, 7, 9} {
		images = append(images, fmt.Sprintf(`{"id": %d, "file_name": "`+format+`", "height": 8}`, 100+i, i))
		add(i, 7+2*(i%2))
	}
	add(0, 7)
	add(9, 7)
	return `{"info": {}, "categories": [{"id": 0, "name": "dogs"}, {"id": 7, "name": "pug"}, {"id": 9, "name": "boxer"}],` + "\n" +
		`"images": [` + strings.Join(images, ",\n") + `], "annotations": [` + strings.Join(annotations, ",") + `]}`
}

func TestFromCSV(t *testing.T) {
	withCache(t)
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("image\tbreed\n" + breeds("train/id%d.png", "\t"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, text    string
		columns       [2]string
		opts          Options
		train, val    int
		left, warning string // what the report and the warnings say
		err           string
	}{
		{"paths", "image,breed\n" + breeds("train/id%d.png", ","), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"Kaggle's: no folder, no extension", "id,breed\n" + breeds("id%d", ","), [2]string{"id", "breed"}, Options{}, 6, 2, "test/id9.png: not in the list", "", ""},
		{"byte order mark, semicolons, capitals", "\ufeffImage;Breed\n" + breeds("train/id%d.png", ";"), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"tabs", "image\tbreed\n" + breeds("train/id%d.png", "\t"), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"UTF-16", utf16, [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"quoted, more columns", "no,\"image\",\"breed\"\r\n" + strings.ReplaceAll(breeds("7,\"train/id%d.png\"", ","), "pug", `"pug, ""small"""`), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"Excel's first line, capitals in the extension", "sep=;\r\nimage;breed\n" + breeds("train/ID%d.PNG", ";"), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"a quote in a field", "image,breed\n" + strings.ReplaceAll(breeds("id%d", ","), "pug", `8" pug`), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"a quote that is not closed", "image,note,breed\n" + strings.Replace(breeds("id%d,\"blurry\"", ","), "\"blurry\"", "\"blurry", 1), [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "line 2 opens a quote (\") that it does not close, so that the lines up to 3"},
		{"a quote that is not closed up to the end", "image,breed,note\n" + breeds("id%d", ",") + "id9,pug,\"blurry\nid10,pug,good\n", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "line 10 opens a quote (\") that it does not close, so that the lines up to 11"},
		{"a quote that another line closes", "image,breed,note\n" + breeds("id%d.png", ",") + "id8.png,pug,\"blurry\nid9.png,pug,5\"\n", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "line 10 opens a quote (\") that may not be closed, so that the lines up to 11"},
		{"a text of several lines", "image,breed,note\n" + breeds("id%d", ",") + "id9,pug,\"blurry,\nand dark\"\n", [2]string{"image", "breed"}, Options{}, 7, 2, "", "", ""},
		{"a quote of several lines with names of images", "image,breed,crops\n" + breeds("id%d.png", ",") + "id9.png,pug,\"a_1.jpg\na_2.jpg\"\n", [2]string{"image", "breed"}, Options{}, 7, 2, "", "", ""},
		{"quotes in a text of several lines", "image,breed,note\n" + breeds("id%d", ",") + "id9,pug,\"He said \"hi\" twice\nthere\"\n", [2]string{"image", "breed"}, Options{}, 7, 2, "", "", ""},
		{"quotes in a text of several lines with commas", "image,breed,note\n" + breeds("id%d.png", ",") + "id9.png,pug,\"He said \"hi\" to all,\nand, well, left\"\n", [2]string{"image", "breed"}, Options{}, 7, 2, "", "", ""},
		{"a quote that is not closed, with other columns up to the end", "image,breed,note\n" + breeds("id%d", ",") + "id9,pug,\"blurry\nid10,pug\n", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "line 10 opens a quote (\") that it does not close, so that the lines up to 11"},
		{"Windows paths", "image,breed\n" + breeds(`.\train\id%d.png`, ","), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"without a first line", breeds("id%d.png", ","), [2]string{"1", "2"}, Options{}, 6, 2, "", "", ""},
		{"paths of another machine", "image,breed\n" + breeds("/content/drive/MyDrive/train/id%d.png", ","), [2]string{"image", "breed"}, Options{}, 6, 2, "", "8 paths of labels.csv are not those of this machine", ""},
		{"folders of another machine that are not here", "image,breed\n" + breeds("/old/cat/id%d.png", ","), [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "no such file"},
		{"paths of another machine's Windows", "image,breed\n" + breeds(`C:\Users\me\train\id%d.png`, ","), [2]string{"image", "breed"}, Options{}, 6, 2, "", "8 paths of labels.csv", ""},
		{"addresses of files", "image,breed\n" + breeds("file:///data/train/id%d.png", ","), [2]string{"image", "breed"}, Options{}, 6, 2, "", "8 paths of labels.csv", ""},
		{"escaped paths", "image,breed\n" + breeds("train%%2Fid%d.png", ","), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"Python's tuples", "image,breed\n" + strings.ReplaceAll(breeds("\"('train/id%d.png',)\"", ","), "id7.png',", "id7.png', 'id6.png'"), [2]string{"image", "breed"}, Options{}, 5, 2, "('train/id7.png', 'id6.png'): there is no such file", "1 file was left out", ""},
		{"a line end in a name", "image,breed\n" + breeds("id%d.png", ",") + "\"line\nend.png\",pug\n", [2]string{"image", "breed"}, Options{}, 7, 2, "", "", ""},
		{"a quote that is not closed before a name", "image,breed\n" + breeds("id%d.png", ",") + "\"id8.png,pug\nid9.png\",pug\n", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "line 10 opens a quote"},
		{"a comment first", "# made by hand\nimage,breed\n" + breeds("id%d.png", ","), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"comments first", "# made by hand\n\n# of dogs\r\n#\nimage;breed\n" + breeds("id%d.png", ";"), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"comments first, no names of columns", "# made by hand\n# of dogs\n" + breeds("id%d.png", ",") + "none.png,pug\n", [2]string{"1", "2"}, Options{}, 6, 2, "none.png: there is no such file (line 11 of labels.csv)", "1 file was left out", ""},
		{"comments alone", "# a\n# b\n", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "it has no column"},
		{"addresses of files that were downloaded", "image,breed\n" + breeds("gs://bucket/data/train/id%d.png", ","), [2]string{"image", "breed"}, Options{}, 6, 2, "", "8 paths of labels.csv are not those of this machine", ""},
		{"addresses with queries", "image,breed\n" + breeds("https://x.org/train/id%d.png?w=8&u=a/b", ","), [2]string{"image", "breed"}, Options{}, 6, 2, "", "8 paths of labels.csv", ""},
		{"addresses of other folders", "image,breed\n" + breeds("s3://bucket/other/id%d.png", ","), [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "an address on the network, which is not read"},
		{"images of Hugging Face", strings.ReplaceAll(breeds("{\"image\": {\"path\": \"train/id%d.png\", \"bytes\": null}, \"breed\": \"", ""), "\n", "\"}\n"), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"JSON of pairs", `[["id0.png", "pug"], ["id1.png", "cat"]]`, [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "it is JSON whose items are no objects; write a list"},
		{"labels that pandas lacks", "image,breed\n" + breeds("id%d.png", ",") + "id9,nan\n", [2]string{"image", "breed"}, Options{}, 6, 2, "test/id9.png: no label", "1 file was left out", ""},
		{"a byte of zero in another column", "image,breed,note\n" + breeds("id%d.png", ",") + "id9,pug,\x00\n", [2]string{"image", "breed"}, Options{}, 7, 2, "", "", ""},
		{"a byte of zero in a name", "image,breed\n" + breeds("id%d.png", ",") + "id9\x00,pug\n", [2]string{"image", "breed"}, Options{}, 6, 2, "the line has a byte of zero in a column that is read; write it anew (line 10 of labels.csv)", "1 file was left out", ""},
		{"a byte of zero in a label", "image,breed\n" + breeds("id%d.png", ",") + "id9,pu\x00g\n", [2]string{"image", "breed"}, Options{}, 6, 2, "the line has a byte of zero in a column that is read", "1 file was left out", ""},
		{"UTF-16 without a mark, other letters", "i\x00m\x00,\x00l\x00" + "\x31\x04" + "\n\x00", [2]string{"im", "l"}, Options{}, 0, 0, "", "", "it is UTF-16 without a byte order mark"},
		{"UTF-16 of the other order without a mark", "\x00i\x00m\x00,\x00l\x00\n", [2]string{"im", "l"}, Options{}, 0, 0, "", "", "it is UTF-16 without a byte order mark"},
		{"a workbook", "PK\x03\x04\x14\x00", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "a workbook (Excel, LibreOffice) or an archive"},
		{"JSON lines", strings.NewReplacer("\"pug", `"pug"}`, "\"boxer", `"boxer"}`).Replace(breeds(`{"file_name": "train/id%d.png", "n": 1, "label": "`, "")), [2]string{"file_name", "Label"}, Options{}, 6, 2, "", "", ""},
		{"a list of JSON objects", "\ufeff[\n" + strings.NewReplacer("\"pug", `"pug"},`, "\"boxer", `"boxer"},`).Replace(breeds(`{"image": "id%d", "breed": "`, "")) + `{"image": "id9", "breed": null}, {"breed": "pug",` + "\n" + `"image": "no"}]`, [2]string{"image", "breed"}, Options{}, 6, 2, "no: there is no such file (line 10 of labels.csv)", "2 files were left out", ""},
		{"JSON with lists of labels", strings.NewReplacer("\"pug", `["pug"]}`, "\"boxer", `{"choices": ["boxer"]}}`).Replace(breeds(`{"image": "id%d", "breed": "`, "")), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"JSON with a field per class", strings.NewReplacer("@pug", `"pug": 1, "boxer": false}`, "@boxer", `"pug": 0, "boxer": true}`).Replace(breeds(`{"image": "id%d", @`, "")), [2]string{"image", "pug,boxer"}, Options{}, 6, 2, "", "", ""},
		{"JSON with Python's NaN", strings.NewReplacer("\"pug", `"pug", "score": NaN}`, "\"boxer", `"boxer", "box": [-Infinity, Infinity]}`).Replace(breeds(`{"image": "id%d", "note": "\" -Infinity", "breed": "`, "")) + `{"image": "id9", "breed": NaN}`, [2]string{"image", "breed"}, Options{}, 6, 2, "test/id9.png: no label", "1 file was left out", ""},
		{"JSON without the field", `[{"image":"id0.png","breed":"pug"}]`, [2]string{"image", "bred"}, Options{}, 0, 0, "", "", `it has no field "bred"; did you mean "breed"?; its fields are image, breed`},
		{"JSON that is cut short", "{\"image\": \"id0.png\", \"breed\": \"pug\"}\n{\"image\": \"id1.png\", \"br", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "line 2: its JSON is no object of fields: "},
		{"a list of JSON that is cut short", "[{\"image\": \"id0.png\", \"breed\": \"pug\"}", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "line 1: its list of JSON objects has no end"},
		{"two lists of JSON objects", "[" + strings.NewReplacer("\"pug", `"pug"},`, "\"boxer", `"boxer"}]`+"\n[").Replace(breeds(`{"image": "id%d", "breed": "`, "")) + "]", [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"more behind a list of JSON objects", "[{\"image\": \"id0.png\",\n\"breed\": \"pug\"},]\nxyz", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "line 3: its JSON is no object of fields: invalid character 'x'"},
		{"pandas' JSON by columns", `{"image":{"0":"id0.png","1":"id1.png"},"breed":{"0":"pug","1":null}}`, [2]string{"image", "breed"}, Options{}, 0, 0, "", "", `pandas.read_json(FILE, orient="columns", dtype=False).to_csv(NEW, index=False)`},
		{"pandas' JSON by lists", `{"image": ["id0.png", "id1.png"], "breed": ["pug", "boxer"]}`, [2]string{"image", "breed"}, Options{}, 0, 0, "", "", `pandas.read_json(FILE, orient="columns", dtype=False).to_csv(NEW, index=False)`},
		{"pandas' JSON by index", `{"0":{"image":"id0.png","breed":"pug"},"1":{"image":"id1.png","breed":"boxer"}}`, [2]string{"image", "breed"}, Options{}, 0, 0, "", "", `pandas.read_json(FILE, orient="index", dtype=False).to_csv(NEW, index=False)`},
		{"pandas' JSON by split", `{"columns":["image","breed"],"index":[0],"data":[["id0.png","pug"]]}`, [2]string{"image", "breed"}, Options{}, 0, 0, "", "", `pandas.read_json(FILE, orient="split", dtype=False).to_csv(NEW, index=False)`},
		{"pandas' JSON by table", `{"schema":{"fields":[{"name":"image","type":"string"}]},"data":[{"image":"id0.png","breed":"pug"}]}`, [2]string{"image", "breed"}, Options{}, 0, 0, "", "", `pandas.read_json(FILE, orient="table", dtype=False).to_csv(NEW, index=False)`},
		{"one JSON object with lists", `{"image": ["id0.png"], "breed": ["pug"]}`, [2]string{"image", "breed"}, Options{}, 0, 0, "", "", `only one class, "pug"`},
		{"the lists of COCO's JSON", `{"info": {}, "categories": [{}, {}], "images": [{}, {}, {}], "annotations": []}`, [2]string{"images", "breed"}, Options{}, 0, 0, "", "", `it has no field "images": it is COCO's JSON, whose columns are "file_name" and "category"`},
		{"COCO's JSON without images", `{"info": {}, "categories": [], "images": [], "annotations": []}`, [2]string{"file_name", "category"}, Options{}, 0, 0, "", "", "it lists no images"},
		{"a table like COCO's JSON", `{"categories": {}, "images": 3, "annotations": []}`, [2]string{"file_name", "category"}, Options{}, 0, 0, "", "", "it is like COCO's JSON, but"},
		{"COCO's JSON", coco("id%d.png"), [2]string{"file_name", "category"}, Options{}, 6, 2, `id9.png: it has several labels, boxer, pug`, "1 file was left out", ""},
		{"COCO's JSON with a category that is not there", strings.Replace(coco("id%d.png"), `"category_id": 7}`, `"category_id": 8}`, 1), [2]string{"file_name", "category"}, Options{}, 0, 0, "", "", "annotation 1 has the category_id 8, which is none of its 3 categories"},
		{"Label Studio's JSON", `[{"id": 1, "data": {"image": "id0.png"}, "annotations": []}, {"id": 2, "data": {}, "annotations": []}]`, [2]string{"image", "choice"}, Options{}, 0, 0, "", "", "it is Label Studio's JSON; export it as CSV there"},
		{"JSON from names to labels", `{"id0.png": "pug", "id1.png": "boxer"}`, [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "it is a single JSON object; write a list with one object per image"},
		{"a web page", "<!DOCTYPE html>", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "a web page in place of the table"},
		{"splits", "image,breed,part\n" + strings.ReplaceAll(breeds("id%d.png", ","), "pug\n", "pug,train\n") + "id9,pug,Validation\n", [2]string{"image", "breed"}, Options{SplitColumn: "part"}, 8, 1, "", `class "boxer" has no images for validation`, ""},
		{"missing files and labels", "image,breed\nid100,pug\nid9,\n" + breeds("id%d", ","), [2]string{"image", "breed"}, Options{}, 6, 2, "id100: there is no such file (line 2 of labels.csv)", "2 files were left out", ""},
		{"two labels", "image,breed\n" + breeds("id%d", ",") + "id0,boxer\nid1,boxer\n", [2]string{"image", "breed"}, Options{}, 5, 2, `it is listed as "pug" (line 2 of labels.csv) and as "boxer" (line 10 of labels.csv)`, "1 file was left out", ""},
		{"a label once, nothing another time", "image,breed\nid0,\n" + breeds("id%d", ",") + "id1,\n", [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"a column per class", "image,pug,boxer\n" + strings.NewReplacer("pug", "1,0", "boxer", "0,1.0").Replace(breeds("id%d", ",")) + "id9,0,0\n", [2]string{"image", "pug, boxer"}, Options{}, 6, 2, "test/id9.png: no label", "1 file was left out", ""},
		{"a column per class, two set", "image,boxer,pug\n" + strings.NewReplacer("pug", "1,0", "boxer", "0,1").Replace(breeds("id%d", ",")) + "id9,1,1\n", [2]string{"image", "boxer,pug"}, Options{}, 6, 2, `id9: it has several labels, boxer, pug`, "1 file was left out", ""},
		{"a column per class, probabilities", "image,pug,boxer\nid0,0.3,0.7\n", [2]string{"image", "pug,boxer"}, Options{}, 0, 0, "", "", `line 2: column "pug" has "0.3"`},
		{"a column per class that is not there", "image,pug,boxer\nid0,1,0\n", [2]string{"image", "pug,boxr"}, Options{}, 0, 0, "", "", `did you mean "boxer"?`},
		{"two columns of one name", "image,breed,breed\nid0,pug,x\n", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", `it has several columns "breed"`},
		{"Excel's for Macintosh", strings.ReplaceAll("image,breed\n"+breeds("id%d", ","), "\n", "\r"), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"lists of labels", "image,breed\n" + strings.NewReplacer("pug", "['pug']", "boxer", `"[""boxer""]"`).Replace(breeds("id%d", ",")) + "id9,\"['pug', 'boxer']\"\n", [2]string{"image", "breed"}, Options{}, 6, 2, `id9: it has several labels, pug, boxer`, "1 file was left out", ""},
		{"lists of Label Studio", "image,breed\n" + strings.NewReplacer("pug", `"{""choices"": [""pug""]}"`, "boxer", "{'choices': ['boxer']}").Replace(breeds("id%d", ",")) + `id9,"{""choices"": [""pug"", ""boxer""]}"` + "\n", [2]string{"image", "breed"}, Options{}, 6, 2, `id9: it has several labels, pug, boxer`, "1 file was left out", ""},
		{"objects of one name", "image,breed\n" + strings.NewReplacer("pug", `"{""class"": ""\u0070ug""}"`, "boxer", "{'boxer'}").Replace(breeds("id%d", ",")), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"empty lists of labels", "image,breed\n" + breeds("id%d", ",") + `id9,"{""choices"": []}"` + "\n", [2]string{"image", "breed"}, Options{}, 6, 2, "test/id9.png: no label", "1 file was left out", ""},
		{"columns in the other order", "image,breed\n" + breeds("id%d.png", ","), [2]string{"breed", "image"}, Options{}, 0, 0, "", "", `column "breed" has pug, and column "image" has id0.png: give the column of the images first`},
		{"compressed", "\x1f\x8b\x08\x00", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "it is compressed with gzip"},
		{"addresses", "image,breed\nhttps://example.org/id0.png,pug\n", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "an address on the network, which is not read; download the images"},
		{"numbers of rows without a name", "\"image\",\"breed\"\n" + breeds("\"7\",\"id%d.png\"", ","), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"numbers of rows without a name, no extensions", "image,breed\n" + func() (lines string) {
			for i := range 8 {
				lines += fmt.Sprintf("%d,id%d,%s\n", i, i, []string{"pug", "boxer"}[i%2])
			}
			return lines
		}(), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"a separator in each label", "image,breed\n" + breeds("id%d.png", ",\"a\","), [2]string{"image", "breed"}, Options{}, 0, 0, "", "", `only one class, "a"`},
		{"separators behind the last column", "image,breed\n" + strings.ReplaceAll(breeds("id%d.png", ","), "\n", ",\n"), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"a separator in a label", "image,breed\n" + breeds("id%d.png", ",") + "id9.png,boxer, brown\n", [2]string{"image", "breed"}, Options{}, 7, 2, "", `1 lines have more fields than the first line names, such as line 10, whose label is read as "boxer"`, ""},
		{"R's write.table", "\"image\" \"breed\"\n" + strings.NewReplacer("pug", `"big pug"`, "boxer", `"boxer"`).Replace(breeds("\"1\" \"train/id%d.png\"", " ")), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"quoted, by blanks", "\"image\" \"breed\"\n" + strings.NewReplacer("pug", `"big pug"`, "boxer", `"boxer"`).Replace(breeds("\"train/id%d.png\"", " ")), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"a title above", "Dogs\n\nimage;breed\n" + breeds("id%d.png", ";") + "none.png;pug\n", [2]string{"image", "breed"}, Options{}, 6, 2, "none.png: there is no such file (line 12 of labels.csv)", "1 file was left out", ""},
		{"a title of several columns above", "\ufeffDogs,,\nimage,pug,boxer\n" + strings.NewReplacer("pug", "1,0", "boxer", "0,1").Replace(breeds("id%d.png", ",")), [2]string{"image", "pug,boxer"}, Options{}, 6, 2, "", "", ""},
		{"a title above, no such column", "Dogs\nimage,breed\n" + breeds("id%d.png", ","), [2]string{"image", "bread"}, Options{}, 0, 0, "", "", `it has no column "image"; its first line is Dogs`},
		{"Python's bytes", "image,breed\n" + strings.NewReplacer("pug", "b'pug'", "boxer", "b'boxer'").Replace(breeds("b'train/id%d.png'", ",")), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"NumPy's texts and Python's paths", "image,breed\n" + strings.NewReplacer("pug", "np.str_('pug')", "boxer", "np.str_('boxer')").Replace(breeds("PosixPath('train/id%d.png')", ",")), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"Excel's texts", "image,breed\n" + strings.NewReplacer("pug", `="pug"`, "boxer", `="boxer"`).Replace(breeds("id%d.png", ",")), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"a label file of MATLAB", "MATLAB 5.0 MAT-file, Platform: GLNXA64", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "it is a MATLAB file; write its names and labels as CSV, in Python from scipy.io.loadmat(FILE)"},
		{"a Feather file", "ARROW1\x00\x00", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "it is an Arrow (Feather) file; write it as CSV, in Python with pandas.read_feather(FILE).to_csv(NEW, index=False)"},
		{"a pickle", "\x80\x04\x95\x00", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "it is a pickle of Python; write it as CSV, in Python with pandas.read_pickle(FILE)"},
		{"a database", "SQLite format 3\x00", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "it is an SQLite database"},
		{"compressed with zstd", "\x28\xb5\x2f\xfd\x00", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "it is compressed with zstd; unpack it (unzstd)"},
		{"UTF-32", "\xff\xfe\x00\x00i\x00\x00\x00", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "it is UTF-32; save it as UTF-8"},
		{"images as text", "image,breed\n" + breeds(`"data:image/png;base64,iVBORw0KGgo%d"`, ","), [2]string{"image", "breed"}, Options{}, 0, 0, "", "", `the column "image" holds the images themselves: write them to files first`},
		{"an image as text among files", "image,breed\n" + breeds("id%d.png", ",") + "/9j/" + strings.Repeat("4AAQ", 30) + ",pug\n", [2]string{"image", "breed"}, Options{}, 6, 2, "an image written into the list itself", "1 file was left out", ""},
		{"a split column that says nothing", "image,part,breed\n" + breeds("id%d.png,", ","), [2]string{"image", "breed"}, Options{SplitColumn: "part"}, 6, 2, "", `column "part" says nothing for 8 images, such as train/id0.png: they are for training`, ""},
		{"rich text", `{\rtf1\ansi image,breed}`, [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "it is rich text (RTF)"},
		{"a column for the split that is not given", "image,breed,part\n" + strings.ReplaceAll(breeds("id%d.png", ","), "pug\n", "pug,train\n") + "id9,pug,Validation\n", [2]string{"image", "breed"}, Options{}, 7, 2, "", `column "part" has Validation, train and is not read: if it says what each image is for, give it as Options{SplitColumn: "part"}`, ""},
		{"is_valid that is not given", "image,is_valid,breed\n" + breeds("id%d.png,False", ",") + "id9,True,pug\n", [2]string{"image", "breed"}, Options{}, 7, 2, "", `column "is_valid" has False, True and is not read`, ""},
		{"JSON with a split that is not given", strings.NewReplacer("\"pug", `"pug", "split": "train"}`, "\"boxer", `"boxer", "split": "test"}`).Replace(breeds(`{"image": "id%d", "breed": "`, "")), [2]string{"image", "breed"}, Options{}, 6, 2, "", `column "split" has test, train and is not read`, ""},
		{"a column with one of the splits' words", "image,breed,part\n" + breeds("id%d.png", ",") + "id9,pug,train\n", [2]string{"image", "breed"}, Options{}, 7, 2, "", "", ""},
		{"no such column", "image,breed\nx,y\n", [2]string{"image", "bred"}, Options{}, 0, 0, "", "", `it has no column "bred"; did you mean "breed"?; its first line is image, breed`},
		{"blanks between columns", "image breed\n" + breeds("id%d.png", " "), [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "its first line is a single field, image breed: separate the columns by commas"},
		{"quotes around lines", `"image,breed"` + "\n" + `"id0.png,pug"` + "\n", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "without quotes around the whole line"},
		{"a full-width comma", "image\uff0cbreed\n" + breeds("id%d.png", "\uff0c"), [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "separate the columns by commas"},
		{"a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:00\n", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "get it with: git lfs pull"},
		{"addresses of Azure", "image,breed\n" + breeds("azureml://subscriptions/x/paths/train/id%d.png", ","), [2]string{"image", "breed"}, Options{}, 6, 2, "", "the files were found by the ends of the paths", ""},
		{"invisible characters in names", "image,breed\n" + breeds("\u200bid%d.png", ","), [2]string{"image", "breed"}, Options{}, 6, 2, "", "", ""},
		{"empty", "", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "the file is empty"},
		{"no lines", "image,breed\n", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "it lists no images"},
		{"no file there", "image,breed\nx1,pug\nx2,boxer\n", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "none of the 2 images that it lists is in"},
		{"Latin-1", "image,breed\nid0,caf\xe9\n", [2]string{"image", "breed"}, Options{}, 0, 0, "", "", "save it as UTF-8"},
		{"bad split", "image,breed,part\nid0,pug,fold3\n", [2]string{"image", "breed"}, Options{SplitColumn: "part"}, 0, 0, "", "", `the split of train/id0.png is "fold3"; expected train, val or test`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := photos(t)
			if strings.Contains(tt.text, "line\nend.png") {
				f["train/line\nend.png"] = picture(t, "png", 510)
			}
			f["labels.csv"] = []byte(tt.text)
			dir := f.dir(t)
			d, err := FromCSV(filepath.Join(dir, "labels.csv"), tt.columns[0], tt.columns[1], tt.opts)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Count(err.Error(), "datasets: ") != 1 {
					t.Errorf("got %v, error %v; want an error with %q", d, err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(d.Classes) != 2 || !slices.Contains(d.Classes, "boxer") || d.Train.Len() != tt.train || d.Val.Len() != tt.val || d.Name != "labels" {
				t.Errorf("got %v; want %d train and %d val", d, tt.train, tt.val)
			}
			if !strings.Contains(d.Report().String(), tt.left) || !strings.Contains(strings.Join(d.Warnings, "\n"), tt.warning) || (tt.warning == "") != (len(d.Warnings) == 0) {
				t.Errorf("report %v, warnings %q; want %q and %q", d.Report(), d.Warnings, tt.left, tt.warning)
			}
			readAll(t, d)
		})
	}
}

// One column of several that have a 1 per line together is read, with a warning.
func TestFromCSVOneOfSeveral(t *testing.T) {
	withCache(t)
	f := photos(t)
	f["labels.csv"] = []byte("image;pug;boxer;seen\n" + strings.NewReplacer("pug", "1;0;yes", "boxer", "0;1;no").Replace(breeds("id%d", ";")))
	p := filepath.Join(f.dir(t), "labels.csv")
	d, err := FromCSV(p, "image", "pug")
	if err != nil || !strings.Contains(strings.Join(d.Warnings, "\n"), `give them together, as "pug,boxer"`) {
		t.Errorf("%v, error %v", d, err)
	}
	if d, err = FromCSV(p, "image", "seen"); err != nil || len(d.Warnings) > 0 {
		t.Errorf("another column: %v, error %v", d, err)
	}
}

// macOS writes é as e and an accent; a list from another system has one letter. Files whose names differ in that alone
// are told apart.
func TestFromCSVDecomposed(t *testing.T) {
	withCache(t)
	f := files{}
	for i := range 4 {
		f[fmt.Sprintf("img/cafe\u0301%d.png", i)] = picture(t, "png", 800+i)
	}
	f["labels.csv"] = []byte("image,drink\nimg/caf\u00e90.png,tea\nCaf\u00e91,tea\nimg/cafe\u03012.png,milk\nimg/caf\u00e93.png,milk\n")
	p := filepath.Join(f.dir(t), "labels.csv")
	d, err := FromCSV(p, "image", "drink")
	if err != nil || d.Train.Len()+d.Val.Len() != 4 || len(d.Warnings) > 0 {
		t.Fatalf("%v, error %v", d, err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(p), "img", "caf\u00e90.png"), picture(t, "png", 810), 0o644); err != nil {
		t.Fatal(err)
	}
	if d, err = FromCSV(p, "image", "drink"); err != nil || !slices.Contains(append(allNames(d.Train), allNames(d.Val)...), "img/caf\u00e90.png") || d.Train.Len()+d.Val.Len() != 4 {
		t.Errorf("with both names: %v, error %v", d, err)
	}
	if _, err := FromCSV("https://example.org/labels.csv", "image", "drink"); err == nil || !strings.Contains(err.Error(), "download the list") {
		t.Errorf("an address: %v", err)
	}
}

// A name without a folder that two files fit is not guessed.
func TestFromCSVAmbiguousName(t *testing.T) {
	withCache(t)
	f := photos(t)
	f["test/id0.png"] = picture(t, "png", 600)
	f["labels.csv"] = []byte("id,breed\n" + breeds("id%d", ","))
	p := filepath.Join(f.dir(t), "labels.csv")
	d, err := FromCSV(p, "id", "breed")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(d.Report().String(), "id0: several files fit: test/id0.png, train/id0.png (line 2 of labels.csv)") {
		t.Errorf("report:\n%v", d.Report())
	}
	if d, err := FromCSV(p, "id", "breed", Options{Dir: filepath.Join(filepath.Dir(p), "train")}); err != nil || d.Train.Len()+d.Val.Len() != 8 {
		t.Errorf("with the folder said: %v, error %v", d, err)
	}
}

func TestFromPattern(t *testing.T) {
	withCache(t)
	flat := func(names ...string) files {
		f := files{}
		for i, n := range names {
			f[n] = picture(t, "png", 700+i)
		}
		return f
	}
	for _, tt := range []struct {
		name, pattern    string
		files            files
		opts             Options
		classes          []string
		train, val, left int
		err              string
	}{
		{"cat.0.jpg", "{class}.*.png", flat("train/cat.0.png", "train/cat.1.png", "train/dog.0.png", "train/dog.1.png", "test1/1.png"), Options{}, []string{"cat", "dog"}, 2, 2, 1, ""},
		{"capitals in extensions", "{class}.*.Png", flat("cat.0.png", "cat.1.PNG", "dog.0.Png", "dog.1.png"), Options{}, []string{"cat", "dog"}, 2, 2, 0, ""},
		{"pets", "{class}_*.png", flat("great_pyrenees_1.png", "great_pyrenees_2.png", "pug_1.png", "pug_27.png"), Options{}, []string{"great_pyrenees", "pug"}, 2, 2, 0, ""},
		{"folders are splits", "{class}.*.png", flat("train/cat.0.png", "train/dog.0.png", "val/cat.1.png", "val/dog.1.png"), Options{}, []string{"cat", "dog"}, 2, 2, 0, ""},
		{"folders said", "{class}.*.png", flat("one/cat.0.png", "one/dog.0.png", "two/cat.1.png", "two/dog.1.png", "three/cat.9.png"), Options{Train: "one", Val: "two"}, []string{"cat", "dog"}, 2, 2, 1, ""},
		{"splits in the name", "{split}-{class}-*.png", flat("train-cat-0.png", "train-dog-0.png", "val-cat-1.png", "val-dog-1.png"), Options{}, []string{"cat", "dog"}, 2, 2, 0, ""},
		{"path", "*/{class}-?.png", flat("x/cat-0.png", "x/cat-1.png", "x/dog-0.png", "x/dog-1.png", "cat-2.png"), Options{}, []string{"cat", "dog"}, 2, 2, 1, ""},
		{"regular expression", `([a-z]+)\d+\.png$`, flat("cat0.png", "cat1.png", "dog0.png", "dog1.png"), Options{}, []string{"cat", "dog"}, 2, 2, 0, ""},
		{"named group", `^(?P<split>train|val)/(\d+)-(?P<class>\w+)`, flat("train/0-cat.png", "train/1-dog.png", "val/0-cat.png", "val/1-dog.png"), Options{}, []string{"cat", "dog"}, 2, 2, 0, ""},
		{"parentheses in names", "{class} (*).png", flat("cat (0).png", "cat (1).png", "dog (0).png", "dog (1).png"), Options{}, []string{"cat", "dog"}, 2, 2, 0, ""},
		{"any number of folders", "**/{class}.*.png", flat("cat.0.png", "a/cat.1.png", "a/b/dog.0.png", "dog.1.png"), Options{}, []string{"cat", "dog"}, 2, 2, 0, ""},
		{"folders between", "{class}/**/*.png", flat("cat/0.png", "cat/a/1.png", "dog/a/b/0.png", "dog/1.png"), Options{}, []string{"cat", "dog"}, 2, 2, 0, ""},
		{"the folder of a program", "([^/]+)/[^/]+$", flat("cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png", "node_modules/x/img/0.png"), Options{}, []string{"cat", "dog"}, 2, 2, 1, ""},
		{"the folder of a program, named", "mlruns/{class}/*", flat("mlruns/cat/0.png", "mlruns/cat/1.png", "mlruns/dog/0.png", "mlruns/dog/1.png", "x/0.png"), Options{}, []string{"cat", "dog"}, 2, 2, 1, ""},
		{"the class twice", "{class}_{class}.png", flat("cat_0.png"), Options{}, nil, 0, 0, 0, "has {class} twice"},
		{"the class twice in an expression", `(?P<class>cat)|(?P<class>dog)`, flat("cat_0.png"), Options{}, nil, 0, 0, 0, "twice"},
		{"no class", "*.png", flat("a.png"), Options{}, nil, 0, 0, 0, "says no class"},
		{"bad expression", "([a-z.png", flat("a.png"), Options{}, nil, 0, 0, 0, "the pattern"},
		{"fits nothing", "{class}-*.png", flat("a.png", "b.png"), Options{}, nil, 0, 0, 0, "none of the 2 files fits"},
		{"some in splits", "{class}.*.png", flat("train/cat.0.png", "train/dog.0.png", "more/cat.1.png", "more/dog.1.png"), Options{}, nil, 0, 0, 0, "some images lie in train and others elsewhere"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, p := range []string{tt.files.dir(t), tt.files.zip(t)} {
				d, err := FromPattern(p, tt.pattern, tt.opts)
				if tt.err != "" {
					if err == nil || !strings.Contains(err.Error(), tt.err) {
						t.Errorf("got %v, error %v; want an error with %q", d, err, tt.err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(d.Classes, tt.classes) || d.Train.Len() != tt.train || d.Val.Len() != tt.val || len(d.Report()) != tt.left {
					t.Errorf("%v, %d left out; want %d, %d, %d", d, len(d.Report()), tt.train, tt.val, tt.left)
				}
				readAll(t, d)
			}
		})
	}
}

// Files with the extension in capitals may bring a class that differs from another in case alone: a warning names both.
func TestFromPatternCase(t *testing.T) {
	withCache(t)
	f := files{}
	for i, name := range []string{"cat.0.png", "dog.0.png", "cat.1.png", "dog.1.png", "CAT.2.PNG", "dog.2.PNG"} {
		f[name] = picture(t, "png", 700+i)
	}
	d, err := FromPattern(f.dir(t), "{class}.*.png")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(d.Classes, []string{"CAT", "cat", "dog"}) || d.Train.Len()+d.Val.Len() != 6 {
		t.Errorf("%v, classes %q", d, d.Classes)
	}
	if !slices.ContainsFunc(d.Warnings, func(w string) bool { return strings.Contains(w, `"CAT", "cat" differ in case`) }) {
		t.Errorf("warnings %q; want one of CAT and cat", d.Warnings)
	}
}

func TestFromSamples(t *testing.T) {
	withCache(t)
	dir := photos(t).dir(t)
	var samples []Sample
	for i := range 8 {
		samples = append(samples, Sample{Path: fmt.Sprintf("train/id%d.png", i), Class: []string{"pug", "boxer"}[i%2]})
	}
	samples = append(samples, Sample{Path: filepath.Join(dir, "test", "id9.png"), Class: "pug", Split: "test"}, Sample{Path: "gone.png", Class: "pug"})
	d, err := FromSamples("dogs", samples, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.Len() != 6 || d.Val.Len() != 2 || d.Test.Len() != 1 || d.Test.Name(0) != "test/id9.png" || d.Name != "dogs" {
		t.Errorf("got %v, test image %q", d, d.Test.Name(0))
	}
	if len(d.Report()) != 1 || d.Report()[0].Path != "gone.png" || !strings.Contains(d.Report()[0].Reason, "can't be read") {
		t.Errorf("report %v", d.Report())
	}
	readAll(t, d)
	samples = append(samples, Sample{Class: "pug"}, Sample{Path: "https://example.org/a.png", Class: "pug"})
	if d, err = FromSamples("dogs", samples, Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"sample 10: no path is given", "https://example.org/a.png: an address on the network, which is not read"} {
		if !strings.Contains(d.Report().String(), want) {
			t.Errorf("report %v, want %q", d.Report(), want)
		}
	}
	if _, err := FromSamples("none", nil); err == nil || !strings.Contains(err.Error(), "no samples") {
		t.Errorf("no samples: %v", err)
	}
}

func TestMustForms(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone")
	for name, f := range map[string]func(){
		"ImageFolder": func() { MustImageFolder(gone) },
		"FromCSV":     func() { MustFromCSV(gone, "a", "b") },
		"FromPattern": func() { MustFromPattern(gone, "{class}.*") },
		"FromSamples": func() { MustFromSamples("x", nil) },
	} {
		func() {
			defer func() {
				if _, ok := recover().(error); !ok {
					t.Errorf("Must%s did not panic with its error", name)
				}
			}()
			f()
		}()
	}
}

// FuzzCSV wants no panic, and rows with as many fields as were asked for.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"image,label\na.jpg,cat\n", "\ufeffimage;label\n\"a;b\";\"c\"\"d\"\n", "\xff\xfei\x00m\x00", "a\tb\n1\t2\n", "1,2\n,\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, wanted := range [][]string{{"image", "label"}, {"1", "2"}} {
			rows, err := readTable(data, wanted)
			if (err == nil) != (len(rows) > 0) {
				t.Fatalf("%d rows with error %v", len(rows), err)
			}
			for _, r := range rows {
				if len(r.fields) != len(wanted) || r.line < 1 {
					t.Fatalf("row %+v", r)
				}
			}
		}
	})
}

// FuzzPattern wants no panic and no empty class.
func FuzzPattern(f *testing.F) {
	f.Add("{class}.*.jpg", "train/cat.0.jpg")
	f.Add(`(?P<class>\w+)-`, "cat-1.png")
	f.Fuzz(func(t *testing.T, text, name string) {
		p, err := compilePattern(text)
		if err != nil {
			return
		}
		if class, _, ok := p.match(name); ok && class == "" {
			t.Fatalf("%q gives %q an empty class", text, name)
		}
	})
}

func TestReadLimited(t *testing.T) {
	p := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(p, make([]byte, 11), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readLimited(p, 10); err == nil {
		t.Error("a file beyond the limit was read")
	}
	if data, err := readLimited(p, 11); err != nil || len(data) != 11 {
		t.Errorf("%d bytes, error %v", len(data), err)
	}
}

// TestTooManyClasses: a class that takes in the number of the image is named.
func TestTooManyClasses(t *testing.T) {
	withCache(t)
	f := files{}
	for i, n := range []string{"cat.0.png", "cat.1.png", "dog.0.png", "dog.1.png"} {
		f[n] = picture(t, "png", 700+i)
	}
	d, err := FromPattern(f.dir(t), "{class}.*")
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(d.Warnings, "\n"); len(d.Classes) != 4 || !strings.Contains(text, `every image has a class of its own, such as "cat.0"`) {
		t.Errorf("classes %q, warnings %q", d.Classes, d.Warnings)
	}
}

// TestBlankSeparated: lists of Caffe's kind have a blank before the label, and names may have some.
func TestBlankSeparated(t *testing.T) {
	for _, tt := range []struct {
		text   string
		wanted []string
		want   []row
	}{
		{"pics/my image 1.jpg 0\n\npics/2.jpg 1\r\n", []string{"1", "2"}, []row{{line: 1, fields: []string{"pics/my image 1.jpg", "0"}}, {line: 3, fields: []string{"pics/2.jpg", "1"}}}},
		{"0 pics/2.jpg\n", []string{"2", "1"}, []row{{line: 1, fields: []string{"pics/2.jpg", "0"}}}},
		{"a.jpg,cat 1\n", []string{"1", "2"}, []row{{line: 1, fields: []string{"a.jpg", "cat 1"}}}},
		{"dog, red 1.jpg 0\n", []string{"1", "2"}, []row{{line: 1, fields: []string{"dog, red 1.jpg", "0"}}}},
	} {
		if got, err := readTable([]byte(tt.text), tt.wanted); err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: %v, %v; want %v", tt.text, got, err, tt.want)
		}
	}
	for _, text := range []string{"one\ntwo\n", "a b c\n"} {
		if got, err := readTable([]byte(text), []string{"1", "3"}); err == nil {
			t.Errorf("%q: %v, want an error", text, got)
		}
	}
}

// TestNewSplitPanics: a panic of the function is the error of that image.
func TestNewSplitPanics(t *testing.T) {
	pictures := []*vision.Image{vision.New(2, 2)}
	s, err := NewSplit(1, []string{"first", "second"}, []int{0, 0}, func(i int) (*vision.Image, error) { return pictures[i], nil })
	if err != nil {
		t.Fatal(err)
	}
	if m, err := s.Image(0); m == nil || err != nil {
		t.Errorf("image 0: %v, %v", m, err)
	}
	if _, err := s.Image(1); err == nil || !strings.Contains(err.Error(), "image 1 (second): runtime error: index out of range") {
		t.Errorf("image 1: %v", err)
	}
}

// runs are the numbers below n, from first on and on from 0, as in the runs of pixels of a mask.
func runs(n, first int) string {
	b := strings.Builder{}
	for i := range n {
		fmt.Fprintf(&b, "%d ", (first+i)%n)
	}
	return strings.TrimSpace(b.String())
}

// TestDoubtfulLabels: labels that join classes, or differ for every image, are read as they are and said.
func TestDoubtfulLabels(t *testing.T) {
	withCache(t)
	for _, tt := range []struct {
		labels []string
		want   string
	}{
		{[]string{"scab", "frog", "scab frog", "scab"}, `"scab frog" is read as a class of its own, and its parts are classes, too`},
		{[]string{"a|b", "b", "a", "b"}, `"a|b" is read as a class of its own`},
		{[]string{"haze primary", "clear primary", "agriculture clear primary road", "cloudy", "cloudy"}, `"agriculture clear primary road" is read as a class of its own: if it names several classes`},
		{[]string{`"a, c"`, `"c, b"`, `"a, b"`, `"a, c"`}, `"a, b" is read as a class of its own`},
		{[]string{"a;c", "c;b", "a;b", "a;c"}, `"a;b" is read as a class of its own`},
		{[]string{"a+c", "c+b", "a+b", "a+c"}, `"a+b" is read as a class of its own`},
		{[]string{"a/c", "c/b", "a/b", "a/c"}, `"a/b" is read as a class of its own`},
		{[]string{"a & c", "c & b", "a & b", "a & c"}, `"a & b" is read as a class of its own`},
		{[]string{"golden retriever", "flat retriever", "golden retriever", "golden eagle"}, ""},
		{[]string{"tree frog", "pine tree", "tree frog", "pine tree"}, ""},
		{[]string{"bison bison", "bison bonasus", "bison bison", "bison bonasus"}, ""},
		{[]string{"dog/pug", "dog/beagle", "dog/pug", "dog/beagle"}, ""},
		{[]string{`"Tomato, blight"`, `"Tomato, healthy"`, `"Potato, blight"`, `"Potato, blight"`}, ""},
		{[]string{"left + cat", "right + cat", "left + cat", "right + cat"}, ""},
		{[]string{"R&B", "Drum & Bass", "R&B", "R&B"}, ""},
		{[]string{"0.13", "1.52", "0.77", "3.01"}, "each of the 4 images has a class of its own"},
		{[]string{"a|c", "b|c", "a|c", "b|c"}, `"a|c" is read as a class of its own`},
		{[]string{"a|a", "b", "a|a", "b"}, `"a|a" is read as a class of its own`},
		{[]string{"0", "0.0", "1", "1"}, `class names "0", "0.0" are the same number: they are 2 classes`},
		{[]string{"01", "1", "2", "2"}, `class names "01", "1" are the same number`},
		{[]string{"a", "a\u200b", "b", "b"}, `class names "a", "a\u200b" differ in case, blanks or invisible characters alone`},
		{[]string{"a", "\"a\nid1,b", "b", "b\""}, `goes over several lines: perhaps a quote in the list is not closed`},
		{[]string{`"{""id"": 1, ""name"": ""a""}"`, `"{""id"": 2, ""name"": ""b""}"`, `"{""id"": 1, ""name"": ""a""}"`, `"{""id"": 2, ""name"": ""b""}"`}, "is read as a class of its own, and is a JSON object: write the field that is the label alone"},
		{[]string{"a", "N/A", "b", "b"}, `"N/A" is read as a class: if it means that there is no label`},
		{[]string{"a", "unlabeled", "b", "b"}, `"unlabeled" is read as a class: if it means that there is no label`},
		{[]string{"a", "?", "None", "b"}, `"?", "None" are read as classes: if they mean that there is no label`},
		{[]string{"0", "1", "2", "-1"}, `"-1" is read as a class: if it means that there is no label`},
		{[]string{"0.0", "2.0", "-1.0", "-1.0"}, `"-1.0" is read as a class`},
		{[]string{"0", "1", "-1", "-1"}, ""}, // neutral, positive, negative
		{[]string{"0.0", "1.0", "-1.0", "-1.0"}, ""},
		{[]string{"-1", "1", "-1", "1"}, ""},
		{[]string{"-1", "-2", "0", "0"}, ""},
		{[]string{"-1", "cold", "-1", "cold"}, ""},
		{[]string{"unlabeled bottle", "bottle", "bottle", "unlabeled bottle"}, ""},
		{[]string{"nun", "unknown", "nun", "other"}, ""},
		{[]string{"1.5", "1.25", "1.5", "1.25"}, ""},
		{[]string{"great dane", "pug", "great dane", "pug"}, ""},
		{[]string{runs(40, 1), runs(40, 2), runs(40, 1), runs(40, 2)}, ""},     // masks
		{[]string{runs(3e5, 1), runs(3e5, 2), runs(3e5, 1), runs(3e5, 2)}, ""}, // large ones, which take no time
	} {
		f := photos(t)
		text := "image,label\n"
		for i, label := range tt.labels {
			text += fmt.Sprintf("id%d,%s\n", i, label)
		}
		f["labels.csv"] = []byte(text)
		d, err := FromCSV(filepath.Join(f.dir(t), "labels.csv"), "image", "label", Options{ValFraction: -1})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(d.Warnings, "\n"); !strings.Contains(got, tt.want) || (tt.want == "") != (got == "") {
			t.Errorf("%q: warnings %q, want %q", tt.labels, d.Warnings, tt.want)
		}
	}
}

// A field of megabytes, as of a broken file, leaves messages short.
func TestLongFields(t *testing.T) {
	withCache(t)
	f := photos(t)
	long := strings.Repeat("x", 1<<20)
	f["labels.csv"] = []byte("image,label\nid0,a\nid1,b\n" + long + ",a\n")
	dir := f.dir(t)
	d, err := FromCSV(filepath.Join(dir, "labels.csv"), "image", "label")
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(d.Warnings, "\n"); len(text) > 1000 || !strings.Contains(text, "xxx... (there is no such file") {
		t.Errorf("%d bytes of warnings", len(text))
	}
	if err := os.WriteFile(filepath.Join(dir, "labels.csv"), []byte(long), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := FromCSV(filepath.Join(dir, "labels.csv"), "image", "label"); err == nil || len(err.Error()) > 1000 {
		t.Errorf("error of %d bytes", len(fmt.Sprint(err)))
	}
}

// Paths that lead upwards are read from the list's folder, or found by their ends; UTF-16 without its mark is named.
func TestPathsUpwards(t *testing.T) {
	withCache(t)
	f := photos(t)
	f["lists/labels.csv"] = []byte("image,label\n../train/id0.png,a\n../train/id1.png,b\n../../train/id2.png,a\n")
	dir := f.dir(t)
	d, err := FromCSV(filepath.Join(dir, "lists", "labels.csv"), "image", "label", Options{Dir: dir, ValFraction: -1})
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.Len() != 3 || !strings.Contains(strings.Join(d.Warnings, " "), "1 paths of labels.csv are not those of this machine") {
		t.Errorf("%v, warnings %q", d, d.Warnings)
	}
	if err := os.WriteFile(filepath.Join(dir, "wide.csv"), []byte("i\x00m\x00,\x00l\x00\n\x00"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := FromCSV(filepath.Join(dir, "wide.csv"), "im", "l"); err == nil || !strings.Contains(err.Error(), "it is UTF-16 without a byte order mark") {
		t.Errorf("error %v", err)
	}
}

// TestPathsOutside: a path that names a file outside of the images' folder never labels an image of the same name
// inside.
func TestPathsOutside(t *testing.T) {
	withCache(t)
	f := files{}
	for i := range 4 {
		f[fmt.Sprintf("train/%d.png", i)] = picture(t, "png", 500+i)
		f[fmt.Sprintf("test/%d.png", i)] = picture(t, "png", 600+i)
	}
	dir := f.dir(t)
	outside := "it lies outside of " + filepath.Join(dir, "train")
	for _, tt := range []struct {
		name, text  string
		opts        Options
		want        []string // image label
		left, fails string
	}{
		{"beside good rows", "0.png,a\n1.png,b\n../test/0.png,b\n../test/2.png,b\n", Options{}, []string{"0.png a", "1.png b"}, outside, ""},
		{"absolute", "0.png,a\n1.png,b\n" + dir + "/test/0.png,b\n" + dir + "/test/2.png,b\n", Options{}, []string{"0.png a", "1.png b"}, outside, ""},
		{"a detour", "0.png,a\n1.png,b\n./x/../../test/0.png,b\n", Options{}, []string{"0.png a", "1.png b"}, outside, ""},
		{"down again", "../train/0.png,a\n./../train/1.png,b\n", Options{}, []string{"0.png a", "1.png b"}, "", ""},
		{"another folder", "../test/0.png,a\n../test/1.png,b\n", Options{Dir: filepath.Join(dir, "test")}, []string{"0.png a", "1.png b"}, "", ""},
		{"only", "../test/0.png,a\n../test/1.png,b\n", Options{}, nil, "", outside},
		{"gone", "../gone/0.png,a\n../gone/1.png,b\n", Options{}, nil, "", noSuchFile},
	} {
		list := filepath.Join(dir, "train", "only.csv")
		if err := os.WriteFile(list, []byte("image,label\n"+tt.text), 0o666); err != nil {
			t.Fatal(err)
		}
		tt.opts.ValFraction = -1
		d, err := FromCSV(list, "image", "label", tt.opts)
		if err != nil || tt.fails != "" {
			if tt.fails == "" || !strings.Contains(fmt.Sprint(err), tt.fails) {
				t.Errorf("%s: error %v, want %q", tt.name, err, tt.fails)
			}
			continue
		}
		var got []string
		for i, name := range allNames(d.Train) {
			got = append(got, name+" "+d.Classes[d.Train.Label(i)])
		}
		text := fmt.Sprint(d.Report(), d.Warnings)
		if !slices.Equal(got, tt.want) || !strings.Contains(text, tt.left) || strings.Contains(text, "of this machine") {
			t.Errorf("%s: %q, want %q; %s", tt.name, got, tt.want, text)
		}
	}
}

// TestColumnNumbers: once a wanted column is not a name of the first line, numbers count columns, whatever
// values that line has.
func TestColumnNumbers(t *testing.T) {
	for _, tt := range []struct {
		text   string
		wanted []string
		want   []string // line: fields; or the error
	}{
		{"a.png,3,cat\nb.png,1,dog\n", []string{"1", "3"}, []string{"1 a.png cat", "2 b.png dog"}},
		{"a.png,2,1\nb.png,1,2\n", []string{"1", "2"}, []string{"1 a.png 2", "2 b.png 1"}},
		{"a.png,1,0\nb.png,0,1\n", []string{"1", "2,3"}, []string{"1 a.png 2", "2 b.png 3"}},
		{"a;2;train\nb;1;val\n", []string{"1", "2", "3"}, []string{"1 a 2 train", "2 b 1 val"}},
		{"0,1,2\n0,a,cat\n1,b,dog\n", []string{"1", "2"}, []string{"2 a cat", "3 b dog"}}, // pandas' names
		{"id,1,2\na,1,0\nb,0,1\n", []string{"id", "1,2"}, []string{"2 a 1", "3 b 2"}},
		{"image,label\na,cat\n", []string{"image", "2"}, []string{"2 a cat"}}, // the first line holds names
		{"id,1,2\na,1,0\n", []string{"id", "1,2,3"}, []string{"column 1 is the name of one column and the number of another"}},
		{"a.png,1,cat\n", []string{"1", "4"}, []string{"it has no column 4: not all of 1, 4 are names of its first line, so numbers are those of its columns, 1 to 3"}},
	} {
		rows, err := readLabels([]byte(tt.text), tt.wanted)
		var got []string
		for _, r := range rows {
			got = append(got, fmt.Sprint(r.line)+" "+strings.Join(r.fields, " "))
		}
		if err != nil {
			if len(tt.want) != 1 || !strings.HasPrefix(err.Error(), tt.want[0]) {
				t.Errorf("%q %q: error %v, want %q", tt.text, tt.wanted, err, tt.want)
			}
		} else if !slices.Equal(got, tt.want) {
			t.Errorf("%q %q: %q, want %q", tt.text, tt.wanted, got, tt.want)
		}
	}
}

// TestOneOfSeveral: the columns of zeros and ones are named where each line has one set, and many other columns cost no
// further readings of the table.
func TestOneOfSeveral(t *testing.T) {
	note := func(text string, wanted ...string) string {
		t.Helper()
		rows, err := readLabels([]byte(text), wanted)
		if err != nil {
			t.Fatal(err)
		}
		return oneOfSeveral([]byte(text), wanted, rows)
	}
	for _, tt := range []struct {
		text, want string
		wanted     []string
	}{
		{"image,cat,dog,age\na,1,0,7\nb,0,1,8\n,,,9\n", `together, as "cat,dog"`, []string{"image", "cat"}},
		{"image,cat,dog,dog\na,1,0,0\nb,0,1,1\n", "", []string{"image", "cat"}}, // no name of its own
		{"image,cat,dog\na,1,1\nb,0,1\n", "", []string{"image", "cat"}},
		{"image,cat,dog\na,1,0\nb,0,0\n", "", []string{"image", "cat"}},
		{"image,cat,test\na,1,0\nb,0,1\n", "", []string{"image", "cat", "test"}}, // the split's column
		{"a,1,0\nb,0,1\n", "", []string{"1", "2"}},
	} {
		if got := note(tt.text, tt.wanted...); !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}

	const lines, features = 20, 300
	var b strings.Builder
	b.WriteString("image,sick")
	for i := range features {
		fmt.Fprintf(&b, ",f%d", i)
	}
	for i := range lines {
		fmt.Fprintf(&b, "\nid%d,%d%s", i, i%2, strings.Repeat(",0.5", features))
	}
	data, wanted := []byte(b.String()), []string{"image", "sick"}
	rows, err := readLabels(data, wanted)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(1, func() { oneOfSeveral(data, wanted, rows) }); n > 20*lines+features {
		t.Errorf("%.0f allocations for %d lines of %d columns", n, lines, features)
	}
}

// TestSplitValues: the words of a split's column are fastai's, or the options name them; none is guessed.
func TestSplitValues(t *testing.T) {
	withCache(t)
	folds := []string{"0", "1", "2", "0", "1", "2", "3", "3"}
	yesNo := []string{"False", "False", "True", "True", "False", "False", "False", "False"}
	vertex := []string{"TRAINING", "TRAINING", "VALIDATION", "VALIDATION", "TEST", "TEST", "UNASSIGNED", "UNASSIGNED"}
	usual := []string{"Train", "Train", "Val", "Val", "Train", "Train", "Train", "Train"}
	for _, tt := range []struct {
		column           string
		values           []string
		opts             Options
		train, val, test int
		err              string
	}{
		{"is_valid", yesNo, Options{}, 6, 2, 0, ""},
		{"valid", []string{"0", "0", "1", "1", "0", "0", "0", "0"}, Options{}, 6, 2, 0, ""},
		{"isValidation", []string{"FALSE", "FALSE", "TRUE", "TRUE", "", "", "", ""}, Options{}, 6, 2, 0, ""},
		{"part", yesNo, Options{}, 0, 0, 0, `is "False"; expected train, val or test; there are False, True: say what they mean, such as Options{Val: "True"}`},
		{"is_train", yesNo, Options{}, 0, 0, 0, `there are False, True: say what they mean, such as Options{Val: "False"}`},
		{"train", []string{"0", "0", "1", "1", "0", "0", "0", "0"}, Options{}, 0, 0, 0, `there are 0, 1: say what they mean, such as Options{Val: "0"}`},
		{"is_training_image", []string{"0", "0", "1", "1", "0", "0", "0", "0"}, Options{}, 0, 0, 0, `there are 0, 1: say what they mean, such as Options{Val: "0"}`},
		{"is_valid", []string{"no", "No", "yes", "Yes", "no", "no", "no", "no"}, Options{}, 6, 2, 0, ""},
		{"is_val", []string{"n", "n", "y", "y", "n", "n", "n", "n"}, Options{}, 6, 2, 0, ""},
		{"is_train", []string{"yes", "yes", "no", "no", "yes", "yes", "yes", "yes"}, Options{}, 0, 0, 0, `there are no, yes: say what they mean, such as Options{Val: "no"}`},
		{"is_test", []string{"no", "no", "yes", "yes", "no", "no", "no", "no"}, Options{}, 0, 0, 0, `there are no, yes: say what they mean, such as Options{Test: "yes"}`},
		{"is_test", yesNo, Options{}, 0, 0, 0, `there are False, True: say what they mean, such as Options{Test: "True"}`},
		{"is_train", yesNo, Options{Train: "False", Test: "True", ValFraction: -1}, 6, 2, 2, ""},
		{"is_valid", yesNo, Options{Val: "False"}, 2, 6, 0, ""},
		{"fold", folds, Options{}, 0, 0, 0, `there are 0, 1, 2, 3: say what they mean, such as Options{Val: "0"} (the others are then for training)`},
		{"fold", folds, Options{Val: "1"}, 6, 2, 0, ""},
		{"fold", folds, Options{Val: "1", Test: "3"}, 4, 2, 2, ""},
		{"fold", folds, Options{Train: "0, 2", Val: "1"}, 4, 2, 0, ""},
		{"fold", folds, Options{Val: "7"}, 0, 0, 0, `the options name "7" for val, which is no split of an image; expected one of 0, 1, 2, 3`},
		{"fold", folds, Options{Val: "1", Test: "1"}, 0, 0, 0, `the options name "1" for both val and test`},
		{"ml_use", vertex, Options{}, 0, 0, 0, `is "UNASSIGNED"; expected train, val or test; there are TEST, TRAINING, UNASSIGNED, VALIDATION: say what they mean, such as Options{Val: "UNASSIGNED"}`},
		{"ml_use", vertex, Options{Train: "UNASSIGNED"}, 4, 2, 2, ""},
		{"use", usual, Options{Train: "train"}, 6, 2, 0, ""},
		{"use", usual, Options{Train: "train", Val: "val", Test: "test"}, 6, 2, 0, ""},
		{"use", usual, Options{Test: "val"}, 0, 0, 0, `the options name "val" for test, which is no split of an image`},
		{"fold", folds, Options{Train: "train", Val: "1"}, 0, 0, 0, `the options name "train" for train, which is no split of an image`},
		{"", vertex, Options{Val: "1"}, 0, 0, 0, `the options name "1" for val, but the list says no splits; give their column as Options.SplitColumn`},
	} {
		f := photos(t)
		text := "image,label," + tt.column + "\n"
		var samples []Sample
		for i, v := range tt.values {
			text += fmt.Sprintf("train/id%d.png,%d,%s\n", i, i%2, v)
			samples = append(samples, Sample{Path: fmt.Sprintf("train/id%d.png", i), Class: fmt.Sprint(i % 2), Split: v})
		}
		f["labels.csv"] = []byte(text)
		tt.opts.SplitColumn = tt.column
		dir := f.dir(t)
		d, err := FromCSV(filepath.Join(dir, "labels.csv"), "image", "label", tt.opts)
		checkSplits := func(from string) {
			switch {
			case tt.err != "" || err != nil:
				if tt.err == "" || err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("%s, %s %v: error %v, want %q", from, tt.column, tt.opts, err, tt.err)
				}
			case d.Train.Len() != tt.train || d.Val.Len() != tt.val || (d.Test != nil) != (tt.test > 0) || d.Test != nil && d.Test.Len() != tt.test:
				t.Errorf("%s, %s %v: %v, want %d, %d, %d", from, tt.column, tt.opts, d, tt.train, tt.val, tt.test)
			}
		}
		checkSplits("FromCSV")
		if split, _ := looseSplit(tt.column); split != "" && tt.opts.Val+tt.opts.Train == "" || tt.column == "" {
			continue // samples have no column
		}
		tt.opts.Dir = dir
		d, err = FromSamples("mine", samples, tt.opts)
		checkSplits("FromSamples")
	}
}

// TestNoneFound: the advice for a list of whose images none is there follows the cause; Options.Dir is one of several.
func TestNoneFound(t *testing.T) {
	withCache(t)
	for _, tt := range []struct{ column, first, want string }{
		{"id", "7", "images/0007.png is there: the list has lost the zeros in front"},
		{"id", "7.png", "images/0007.png is there: the list has lost the zeros in front"},
		{"id", "12.0", "images/12.png is there: pandas has written whole numbers as fractions"},
		{"pixels", strings.Repeat("70 80 82 72 ", 12), `the column "pixels" holds pixels`},
		{"pixel0", "0", `the column "pixel0" holds pixels`},
		{"1x1", "255", `the column "1x1" holds pixels`},
		{"image", "gs://bucket/cat.png", "these are addresses: download the images"},
		{"image", "cat.png", "set Options.Dir to their folder, or write their names as those of the files there, such as "},
		{"PetID", "a000b", "images/a000b-1.png is there: the list has a part of the images' names; write the whole names, with a line for each image"},
		{"id", "000b.png", "set Options.Dir to their folder"},
		{"id", "x77", "images/train_x77.png is there: the list has a part"},
		{"image", "twice.png", "give the longer paths"},
		{"image", "/data/upload/1/8f0a1b2c-12.png", "images/12.png is there: Label Studio has put a code before the names"},
		{"image", "data/images/12.png", "images/12.png is there: the list has other folders before the name"},
	} {
		f := files{}
		f.add(t, "images", 1)
		for _, name := range []string{"images/0007.png", "images/12.png", "a/twice.png", "b/twice.png", "images/a000b-1.png", "images/a000b-2.png", "images/train_x77.png"} {
			f[name] = f["images/00.png"]
		}
		f["labels.csv"] = []byte(tt.column + ",label\n" + tt.first + ",x\n" + tt.first + ",y\n")
		_, err := FromCSV(filepath.Join(f.dir(t), "labels.csv"), tt.column, "label")
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "Options.Dir") && !strings.Contains(tt.want, "Options.Dir") {
			t.Errorf("%s, %q: error %v, want %q", tt.column, short(tt.first), err, tt.want)
		}
	}
}

// TestPathsFromAbove: the advice for paths that begin in a folder above the list's names that folder.
func TestPathsFromAbove(t *testing.T) {
	withCache(t)
	f := photos(t)
	f["labels.csv"] = []byte("image,breed\n")
	dir := f.dir(t)
	list := filepath.Join(dir, "labels.csv")
	if err := os.WriteFile(list, []byte("image,breed\n"+breeds(filepath.Base(dir)+"/train/id%d.png", ",")), 0o644); err != nil {
		t.Fatal(err)
	}
	above := filepath.Dir(dir)
	_, err := FromCSV(list, "image", "breed")
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("set Options.Dir to %q, in which the paths of the list begin", above)) {
		t.Errorf("error %v", err)
	}
	if d, err := FromCSV(list, "image", "breed", Options{Dir: above}); err != nil || d.Train.Len() != 6 {
		t.Errorf("as it says: %v, %v", d, err)
	}
}

// TestBlankLists: a list that only blanks separate is read so that its images are files, with blanks in the classes'
// names, with more columns, comments and a number of lines.
func TestBlankLists(t *testing.T) {
	withCache(t)
	for name, tt := range map[string]struct {
		line    func(i int) string
		head    string
		columns [2]string
		classes []string
	}{
		"last":           {func(i int) string { return fmt.Sprintf("train/id%d.png %d", i, i%2) }, "", [2]string{"1", "2"}, []string{"0", "1"}},
		"FGVC":           {func(i int) string { return fmt.Sprintf("id%d %s", i, []string{"British Aerospace", "Boeing"}[i%2]) }, "", [2]string{"1", "2"}, []string{"Boeing", "British Aerospace"}},
		"FGVC's words":   {func(i int) string { return fmt.Sprintf("id%d %s", i, []string{"Fokker 50", "Boeing 737"}[i%2]) }, "", [2]string{"1", "2"}, []string{"Boeing 737", "Fokker 50"}},
		"Pets":           {func(i int) string { return fmt.Sprintf("id%d %d 1 %d", i, 1+i%2, i) }, "#Image CLASS-ID SPECIES BREED ID\n#ID: 1:37 class ids\n", [2]string{"1", "2"}, []string{"1", "2"}},
		"Pets' third":    {func(i int) string { return fmt.Sprintf("id%d %d %d %d", i, i, 1+i%2, i) }, "#Image CLASS-ID SPECIES BREED ID\n", [2]string{"1", "3"}, []string{"1", "2"}},
		"CelebA":         {func(i int) string { return fmt.Sprintf("id%d.png %2d  1", i, 1-i%2*2) }, "8\nMale Young \n", [2]string{"1", "2"}, []string{"-1", "1"}},
		"FGVC's numbers": {func(i int) string { return fmt.Sprintf("id%d %s", i, []string{"737", "Cessna 560"}[i%2]) }, "", [2]string{"1", "2"}, []string{"737", "Cessna 560"}},
		"other order":    {func(i int) string { return fmt.Sprintf("%d   train/id%d.png", i%2, i) }, "", [2]string{"2", "1"}, []string{"0", "1"}},
	} {
		f := photos(t)
		text := tt.head
		for i := range 8 {
			text += tt.line(i) + "\n"
		}
		f["list.txt"] = []byte(text)
		d, err := FromCSV(filepath.Join(f.dir(t), "list.txt"), tt.columns[0], tt.columns[1])
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !slices.Equal(d.Classes, tt.classes) || d.Train.Len()+d.Val.Len() != 8 {
			t.Errorf("%s: %v, classes %q, want %q", name, d, d.Classes, tt.classes)
		}
	}
}

// TestBlankListsOfMoreColumns: a list with words after a number, or with an uneven line, is no list of two columns.
func TestBlankListsOfMoreColumns(t *testing.T) {
	withCache(t)
	for name, text := range map[string]string{
		"split":  "id0.png 0 train\nid1.png 1 test\nid2.png 0 train\n",
		"boxes":  "id0.png 12 30 40 50 cat\nid1.png 7 8 9 10 dog\n",
		"uneven": "id0 1 1 1\nid1 2 1\nid2 1 1 2\n",
		"head":   "Young Male\nid0.png 1 -1\nid1.png -1 -1\nid2.png 1 1 1\n",
	} {
		f := photos(t)
		f["list.txt"] = []byte(text)
		d, err := FromCSV(filepath.Join(f.dir(t), "list.txt"), "1", "2")
		if err == nil || !strings.Contains(err.Error(), "images that it lists is in") {
			t.Errorf("%s: got %v, error %v", name, d, err)
		}
	}
}

// A pattern's {split} takes words that the options name.
func TestPatternSplitValues(t *testing.T) {
	withCache(t)
	f := files{}
	for _, fold := range []string{"fold1", "fold2", "fold3"} {
		f.add(t, fold+"/a", 2)
		f.add(t, fold+"/b", 2)
	}
	dir := f.dir(t)
	if _, err := FromPattern(dir, "{split}/{class}/*"); err == nil || !strings.Contains(err.Error(), `there are fold1, fold2, fold3: say what they mean, such as Options{Val: "fold1"}`) {
		t.Errorf("error %v", err)
	}
	if d, err := FromPattern(dir, "{split}/{class}/*", Options{Train: "fold1,fold2", Val: "fold3"}); err != nil || d.Train.Len() != 8 || d.Val.Len() != 4 {
		t.Errorf("two folds for training: %v, %v", d, err)
	}
	if d, err := FromPattern(dir, "{split}/{class}/*", Options{Val: "fold1"}); err != nil || d.Train.Len() != 8 || d.Val.Len() != 4 {
		t.Errorf("%v, error %v", d, err)
	}
}

// TestSeparators: of the separators that give the columns that one counts by which the images' column has names of
// files.
func TestSeparators(t *testing.T) {
	for _, tt := range []struct {
		text   string
		wanted []string
		want   string // line: fields
	}{
		{"i0.png;dog, red\ni1.png;cat\n", []string{"1", "2"}, "1 i0.png dog, red|2 i1.png cat"},
		{"i0.png\tdog; red, or brown\n", []string{"1", "2"}, "1 i0.png dog; red, or brown"},
		{"i0.png|dog,red;x\n", []string{"1", "2"}, "1 i0.png dog,red;x"},
		{"i0;dog, red\ni1;cat, red\n", []string{"1", "2"}, "1 i0 dog, red|2 i1 cat, red"}, // no extensions
		{"dog, red;i0.png\n", []string{"2", "1"}, "1 i0.png dog, red"},
		{"a, b.png;dog\n", []string{"1", "2"}, "1 a, b.png dog"},
		{"i0.png,dog;red\ni1.png,cat;red\n", []string{"1", "2"}, "1 i0.png dog;red|2 i1.png cat;red"},
		{"i0,dog|red\n", []string{"1", "2"}, "1 i0 dog|red"},
		{"sep=;\r\na,b;c,d\r\n", []string{"1", "2"}, "2 a,b c,d"}, // the first line is a line
	} {
		rows, err := readTable([]byte(tt.text), tt.wanted)
		var got []string
		for _, r := range rows {
			got = append(got, fmt.Sprint(r.line)+" "+strings.Join(r.fields, " "))
		}
		if text := strings.Join(got, "|"); err != nil || text != tt.want {
			t.Errorf("%q: %q, error %v; want %q", tt.text, text, err, tt.want)
		}
	}
}
