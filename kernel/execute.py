"""Executes one notebook through a real Jupyter kernel; tlkernel exec runs it.

Arguments: notebook, output .ipynb, output .html or "", kernel name, timeout per
cell in seconds (0: none). Reports on standard output, one JSON object per line;
the exit code is 0 when all cells ran, 1 when a cell failed, 2 otherwise.
"""

import json
import os
import sys
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

notebook, out_ipynb, out_html, kernel, timeout = sys.argv[1:6]


def report(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def first_line(source):
    """The first line that says something: not blank, not "%%", not "import ("."""
    lines = [line.strip() for line in source.splitlines() if line.strip()]
    for line in lines:
        if line != "%%" and line != "import (":
            return line
    return lines[0] if lines else ""


def save(nb):
    # GoNB names no lexer, without which nbconvert shows Go code without colours.
    nb.metadata.setdefault("language_info", {})["pygments_lexer"] = "go"
    nbformat.write(nb, out_ipynb)
    report("saved", path=out_ipynb)
    if out_html:
        from nbconvert import HTMLExporter

        exporter = HTMLExporter(template_name="lab")
        title = os.path.splitext(os.path.basename(notebook))[0]
        body, _ = exporter.from_notebook_node(nb, resources={"metadata": {"name": title}})
        # The page is light. Without this, pictures that follow the reader's preference would be dark on it.
        body = body.replace("</head>", "<style>:root { color-scheme: light; }</style>\n</head>", 1)
        with open(out_html, "w", encoding="utf-8") as f:
            f.write(body)
        report("saved", path=out_html)


nb = nbformat.read(notebook, as_version=4)
language = nb.metadata.get("kernelspec", {}).get("language") or nb.metadata.get("language_info", {}).get("name") or "go"
if language.lower() != "go":
    report("error", message=f"{notebook} is a notebook in {language}, not in Go")
    sys.exit(2)

cells = [i for i, c in enumerate(nb.cells) if c.cell_type == "code" and c.source.strip()]
number = {index: k + 1 for k, index in enumerate(cells)}
began = 0.0


def on_start(cell, cell_index):
    global began
    began = time.monotonic()
    if cell_index in number:
        report("start", cell=number[cell_index], of=len(cells), source=first_line(cell.source))


def on_executed(cell, cell_index, execute_reply):
    if cell_index in number:
        status = execute_reply["content"]["status"]
        report("done", cell=number[cell_index], of=len(cells), status=status, seconds=time.monotonic() - began)


client = NotebookClient(
    nb,
    kernel_name=kernel,
    timeout=float(timeout) or None,
    interrupt_on_timeout=False,
    resources={"metadata": {"path": os.path.dirname(os.path.abspath(notebook))}},
    on_cell_start=on_start,
    on_cell_executed=on_executed,
)
code = 0
try:
    report("kernel", name=kernel)
    client.execute()
except (CellExecutionError, CellTimeoutError, DeadKernelError) as e:
    code = 1
    value = str(e).strip()
    if isinstance(e, CellTimeoutError):
        value = f"timeout: the cell was still running after {float(timeout):g} s and was stopped"
    error = {"name": type(e).__name__, "value": value, "traceback": []}
    stderr = ""
    for cell in nb.cells:
        if "raises-exception" in cell.metadata.get("tags", []):
            continue  # meant to fail; another cell ended the run
        for o in cell.get("outputs", []):
            # After a timeout the stopped cell may still report the signal that stopped it.
            if o.output_type == "error" and not isinstance(e, CellTimeoutError):
                error = {"name": o.ename, "value": o.evalue, "traceback": o.traceback}
        if error["traceback"]:
            for o in cell.get("outputs", []):
                if o.output_type == "stream" and o.name == "stderr":
                    stderr += o.text
            break
    report("failed", stderr=stderr, **error)
except Exception as e:  # the kernel did not start, or Jupyter itself failed
    code = 2
    report("error", message=f"{type(e).__name__}: {e}")
if code != 2:
    save(nb)
sys.exit(code)
