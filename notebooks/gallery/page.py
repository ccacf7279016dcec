"""Writes an executed notebook, which it reads from standard input, as an HTML page without scripts.

Arguments: language of the text, address of the stylesheet, digest of the lesson. notebooks/gallery runs it.
"""

import html
import json
import sys

from nbconvert.filters import Highlight2HTML, markdown2html, strip_ansi

language, sheet, digest = sys.argv[1:4]
highlight = Highlight2HTML(pygments_lexer="go")
words = {
    "en": {"code": "Code of the solution", "output": "output"},
    "ja": {"code": "解答のコード", "output": "出力"},
}[language]


def joined(value):
    return value if isinstance(value, str) else "".join(value)


def plain(text, kind):
    return f'<pre class="{kind}">{html.escape(strip_ansi(joined(text)))}</pre>'


def output(o):
    """One output: its first form of those that the gallery has kept."""
    if o["output_type"] == "stream":
        return plain(o["text"], "stderr" if o["name"] == "stderr" else "text")
    if o["output_type"] == "error":
        return plain("\n".join(o["traceback"]), "stderr")
    data = o["data"]
    if "image/svg+xml" in data:
        svg = joined(data["image/svg+xml"])
        # Within the page, so that text and axes have the page's colour.
        return f'<div class="figure">{svg[svg.index("<svg"):]}</div>'
    if "text/html" in data:
        return f'<div class="figure">{joined(data["text/html"])}</div>'
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            alt = html.escape(joined(data.get("text/plain", "")), quote=True)
            source = joined(data[kind]).replace("\n", "")
            return f'<div class="figure"><img alt="{alt}" src="data:{kind};base64,{source}"></div>'
    return plain(data.get("text/plain", ""), "text")


def cell(c):
    source = joined(c["source"])
    if c["cell_type"] != "code":
        return f'<section class="words">{markdown2html(source)}</section>'
    code = highlight(source, "go")
    if c["metadata"].get("jupyter", {}).get("source_hidden"):
        code = f'<details class="folded"><summary>{words["code"]}</summary>{code}</details>'
    outputs = "\n".join(output(o) for o in c["outputs"])
    return f'<section class="cell">{code}<div class="outputs">{outputs}</div></section>'


notebook = json.load(sys.stdin)
title = joined(notebook["cells"][0]["source"]).splitlines()[0].lstrip("# ")
body = "\n".join(cell(c) for c in notebook["cells"])
print(
    f"""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="lesson" content="{digest}">
<title>{html.escape(title)}</title>
<link rel="stylesheet" href="{sheet}">
</head>
<body>
{body}
</body>
</html>"""
)
