package kernel

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// theme selects JupyterLab's light or dark theme. The server keeps it for the tests that follow.
func (b browserPage) theme(name string, light bool) {
	b.t.Helper()
	b.text(`window.jupyterapp.commands.execute("apputils:change-theme", { theme: "JupyterLab ` + name + `" }), ""`)
	b.wait("the theme", `document.body.dataset.jpThemeLight === "`+strconv.FormatBool(light)+`" && !document.getElementById("jupyterlab-splash")`)
}

// TestForm moves the fields of a form in JupyterLab: the picture below changes, the slider that is being dragged stays,
// many moves lead to few runs and to the last value, and a run by hand has the values of the text.
func TestForm(t *testing.T) {
	p, _ := installed(t)
	needLive(t, p, KernelName)
	page := openNotebook(t, p, "form.ipynb", KernelName)
	page.text(pageRun)
	page.wait("the form", `document.querySelector(".tlkit-form fieldset")?.disabled === false && `+pageIdle)
	count := `document.querySelectorAll("#bars rect").length`
	page.wait("the bars of the text", count+` === 3`)
	page.theme("Light", true)
	page.shot("light")

	// A drag: an input event for each step, all from one slider.
	page.text(`(async () => {
		const slider = window.tlkitSlider = document.querySelector(".tlkit-form input[type=range]");
		for (let n = 4; n <= 17; n++) {
			slider.value = n;
			slider.dispatchEvent(new Event("input", { bubbles: true }));
			await new Promise(done => setTimeout(done, 20));
		}
	})(), ""`)
	page.wait("the last value's bars", count+` === 17 && `+pageIdle)
	if page.text(`String(document.querySelector(".tlkit-form input[type=range]") === window.tlkitSlider)`) != "true" {
		t.Error("the slider was made anew under the hand")
	}
	page.text(`((select) => { select.value = "seagreen"; select.dispatchEvent(new Event("change")); return ""; })(document.querySelector(".tlkit-form select"))`)
	page.wait("the other colour", `document.querySelector("#bars rect").getAttribute("fill") === "seagreen" && `+count+` === 17 && `+pageIdle)
	page.do("the box", chromedp.Click(`.tlkit-form input[type=checkbox]`))
	page.wait("the box's value", pageOutput+`.includes("bars 17 true") && `+pageIdle)
	page.text(`((date) => { date.value = "2026-12-24"; date.dispatchEvent(new Event("change")); return ""; })(document.querySelector(".tlkit-form input[type=date]"))`)
	page.wait("the other day", pageOutput+`.includes("bars 17 true 24") && document.querySelector(".tlkit-form strong").textContent === "bars" && `+pageIdle)
	page.theme("Dark", false)
	page.shot("dark")
	page.runCell("runs")
	page.wait("the count", `/\n\d+$/.test(`+pageOutput+`.trimEnd()) && `+pageIdle)
	runs, err := strconv.Atoi(page.text(pageOutput + `.trimEnd().split("\n").at(-1)`))
	if err != nil || runs < 5 || runs > 13 {
		t.Errorf("18 changes made %d runs (%v), want the first, one for each of the last three, and some for the drag", runs, err)
	}

	page.text(`((panel) => { panel.content.activeCellIndex = 1; window.jupyterapp.commands.execute("notebook:run-cell"); return ""; })(` + pagePanel + `)`)
	page.wait("the text's values", count+` === 3 && document.querySelector(".tlkit-form input[type=range]")?.value === "3" && `+pageIdle)
	page.theme("Light", true)
	if n := page.text(`String(document.querySelectorAll(".tlkit-form").length)`); n != "1" {
		t.Errorf("%s forms below the cell, want 1", n)
	}
	page.text(`window.jupyterapp.commands.execute("notebook:clear-all-cell-outputs"), ""`)
	page.wait("no form without its output", `!document.querySelector(".tlkit-form")`)

	// A slider shows the value of the run, also one between its steps; fields of one name have one value.
	page.runCell(`rate := 5 //@param {min:0, max:9, step:3}
fmt.Println("rate", rate)
rate = 4 //@param {min:0, max:9}
fmt.Println("then", rate)`)
	shown := `[...document.querySelectorAll(".tlkit-form output")].map((e) => e.textContent).join()`
	page.wait("the values of the text", shown+` === "5,4" && `+pageOutput+`.includes("rate 5\nthen 4") && `+pageIdle)
	page.text(`((slider) => { slider.value = 9; slider.dispatchEvent(new Event("input", { bubbles: true })); return ""; })(document.querySelector(".tlkit-form input[type=range]"))`)
	page.wait("one value of both", shown+` === "9,9" && `+pageOutput+`.includes("rate 9\nthen 9") && `+pageIdle)
}

// TestFormHeadless: without a front end, a field is a comment.
func TestFormHeadless(t *testing.T) {
	p, _ := installed(t)
	needLive(t, p, KernelName)
	out := filepath.Join(t.TempDir(), "form.ipynb")
	var log bytes.Buffer
	if err := Execute(context.Background(), "testdata/form.ipynb", ExecuteOptions{Prefix: string(p), Kernel: KernelName, Out: out, Log: &log, Timeout: time.Minute}); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := streamText(data, "stdout"); err != nil || text != "bars 3 false 22" {
		t.Errorf("printed %q, %v", text, err)
	}
	if bytes.Contains(data, []byte("tlkit-form")) || bytes.Contains(data, []byte("gonb_comm")) || bytes.Count(data, []byte(`"output_type"`)) != 2 {
		t.Errorf("a form without a front end, or more than a text and a picture:\n%s", data)
	}
}

// uploadCell shows what a network sees in the pictures that come.
const uploadCell = `for _, path := range tlkit.MustUpload("uploads") {
	best, err := tlkit.MustLoad("resnet20.shapes").PredictFile(path, 1)
	fmt.Println("uploaded", path, "is a", best[0].Class, err)
}`

// drawAgain runs the script of the upload's field once more, as JupyterLab does when the page is loaded again; before,
// the field waited for the kernel for ever.
const drawAgain = `((root) => {
	const script = document.createElement("script");
	script.textContent = [...root.parentElement.querySelectorAll("script")].find((s) => s.textContent.includes(root.id)).textContent;
	root.replaceChildren();
	document.body.append(script);
	return "";
})(document.querySelector('[id^="tlkit-upload-"]'))`

// dropUnreadable drops a file that can't be read, as one that was changed.
const dropUnreadable = `((label) => {
	File.prototype.slice = function (...range) {
		if (this.name === "gone.png") return { arrayBuffer: () => Promise.reject(new Error("it has changed")) };
		return Blob.prototype.slice.apply(this, range);
	};
	const dataTransfer = new DataTransfer();
	dataTransfer.items.add(new File(["x"], "gone.png"));
	label.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
	return "";
})(document.querySelector('[id^="tlkit-upload-"] label'))`

// TestUpload chooses a picture in JupyterLab; its class is shown. Before, the field is drawn once more, and a file that
// can't be read is dropped.
func TestUpload(t *testing.T) {
	p, _ := installed(t)
	needLive(t, p, KernelName)
	page := openNotebook(t, p, "form.ipynb", KernelName, chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true))
	picture := filepath.Join(t.TempDir(), "a picture.png")
	page.runCell(`split := datasets.MustLoad("shapes").Val
image, _ := split.Image(0)
file, _ := os.Create(` + strconv.Quote(picture) + `)
png.Encode(file, image.ToImage())
file.Close()
fmt.Println("drawn a", split.Classes()[split.Label(0)])`)
	page.wait("the picture", `/drawn a \w+/.test(`+pageOutput+`) && `+pageIdle)
	page.runCell(uploadCell)
	const input = `.jp-OutputArea input[type=file]`
	page.wait("the field", `document.querySelector("`+input+`")?.disabled === false`)
	page.theme("Light", true)
	page.shot("light")
	page.text(drawAgain)
	page.wait("the field once more", `document.querySelector("`+input+`")?.disabled === false`)
	page.text(dropUnreadable)
	page.wait("the reason", pageOutput+`.includes("gone.png: the browser can't read it: it has changed") && document.querySelector("`+input+`")?.disabled === false`)
	page.do("choosing", chromedp.SetUploadFiles(input, []string{picture}))
	page.wait("the class", `((text) => {
		const drawn = text.match(/drawn a (\w+)/)[1];
		return text.includes("1 picture in uploads") && text.includes("uploaded uploads/a picture.png is a " + drawn);
	})(`+pageOutput+`) && `+pageIdle)
	page.shot("done")
	page.theme("Dark", false)
	page.runCell(uploadCell)
	page.wait("the field", `document.querySelector("`+input+`")?.disabled === false`)

	// Two pictures of the camera.
	button := func(text string) string {
		return `[...document.querySelectorAll(".jp-OutputArea button")].find((b) => b.textContent === "` + text + `")`
	}
	page.text(button("Take pictures with the camera") + `.click(), ""`)
	page.wait("the camera", `document.querySelector(".jp-OutputArea video")?.videoWidth > 0`)
	page.text(button("Take a picture") + `.click(), ""`)
	page.text(button("Take a picture") + `.click(), ""`)
	page.shot("camera")
	page.text(button("Use the pictures") + `.click(), ""`)
	page.wait("the pictures", pageOutput+`.includes("uploads/camera-1.jpg is a") && `+pageOutput+`.includes("uploads/camera-2.jpg is a") && `+pageIdle)
	page.runCell(uploadCell)
	page.wait("the field", `document.querySelector("`+input+`")?.disabled === false`)
	page.shot("dark")
	page.do("interrupting", chromedp.Click(`.jp-NotebookPanel-toolbar [data-command="notebook:interrupt-kernel"]`))
	page.wait("the end of the wait", pageIdle+` && /interrupt/i.test(`+pageOutput+`)`)
	page.theme("Light", true)
}
