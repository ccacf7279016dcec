//go:build linux

package session

import "strings"

// showMagics returns the magics that control what is shown.
func showMagics() []magic {
	return []magic{
		{names: "%help %magic %quickref", args: "[NAME]", help: "this text, or help on a magic or another name", run: (*call).help},
		{names: "%lsmagic", help: "the names of all magics", run: (*call).listMagics},
		{names: "%version", help: "the kernel's name", run: (*call).version},
		{names: "%clear", args: "[wait]", help: "clear the cell's output, with wait only when the next output comes", run: (*call).clear},
		{names: "%capture %%capture", args: "[-a] FILE", help: "copy the cell's output to a file, pictures beside it; with %% it is not shown", run: (*call).capture},
		{names: "%widgets", help: "install the front end's side of gonbui's widgets", run: (*call).widgets},
		{names: "%%html %%HTML", help: "show the cell as HTML", body: true, run: (*call).showBody},
		{names: "%%markdown", help: "show the cell as Markdown", body: true, run: (*call).showBody},
		{names: "%%latex", help: "show the cell as LaTeX", body: true, run: (*call).showBody},
		{names: "%%svg %%SVG", help: "show the cell as SVG", body: true, run: (*call).showBody},
		{names: "%%javascript %%js", help: "run the cell as JavaScript in the page, where the front end lets it", body: true, run: (*call).showBody},
	}
}

func (c *call) version() *Error {
	c.say("TLKit live kernel")
	return nil
}

func (c *call) clear() *Error {
	c.out.ClearOutput(c.args == "wait")
	return nil
}

func (c *call) widgets() *Error {
	c.out.Comm(CommRequest{Kind: CommStart})
	return nil
}

// bodyTypes are the MIME types of the cell magics whose text is shown as it is.
var bodyTypes = map[string]string{"html": "text/html", "markdown": "text/markdown", "latex": "text/latex", "svg": "image/svg+xml",
	"javascript": "application/javascript", "js": "application/javascript"}

func (c *call) showBody() *Error {
	kind := bodyTypes[strings.ToLower(strings.TrimLeft(c.name, "%"))]
	c.out.Display(map[string]any{kind: c.cell.body, "text/plain": c.cell.body}, map[string]any{}, "")
	return nil
}
