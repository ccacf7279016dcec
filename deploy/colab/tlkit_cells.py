"""Go cells in a notebook whose kernel is Python's, as on Google Colab: after "%load_ext tlkit_cells", a cell that begins
with %%go runs on the kernel Go (TLKit), in one process that keeps its state. Its outputs are shown as they come, curves
grow, and the stop button interrupts it. Fields and sliders (//@param, widgets) and completion need the kernel itself.
"""

import atexit
import queue
import sys

from IPython.core.magic import Magics, cell_magic, magics_class
from IPython.display import clear_output
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_client.manager import KernelManager

KERNEL = "tlkit"


class GoError(Exception):
    """Fails a cell, and shows the lines of the Go kernel in place of a traceback of this file."""

    def __init__(self, message, lines=()):
        super().__init__(message)
        self.lines = list(lines) or [message]

    def _render_traceback_(self):
        return self.lines


@magics_class
class GoCells(Magics):
    manager = None
    client = None

    @cell_magic
    def go(self, line, cell):
        """Runs the cell on the kernel Go (TLKit), which the first one starts."""
        self.start()
        request = self.client.execute(cell, allow_stdin=False)
        failure, ended = None, False
        while not ended:
            try:
                kind, content = self.next_message(request)
                if kind == "error":
                    failure = GoError(f"{content['ename']}: {content['evalue']}", content["traceback"])
                ended = kind == "status" and content["execution_state"] == "idle"
                self.show(kind, content)
            except KeyboardInterrupt:  # wherever it comes, the cell on the Go kernel must end, too
                self.manager.interrupt_kernel()
        if failure:
            raise failure

    def next_message(self, request):
        """Returns kind and content of the next message about a request."""
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=1)
            except queue.Empty:
                if not self.manager.is_alive():
                    raise GoError("the Go kernel has ended, and the values of its cells with it; the next %%go cell starts another") from None
                continue
            if message["parent_header"].get("msg_id") == request:
                return message["msg_type"], message["content"]

    def start(self):
        if self.manager is not None and self.manager.is_alive():
            return
        self.stop()
        manager = KernelManager(kernel_name=KERNEL)
        try:
            manager.start_kernel()
        except NoSuchKernel:
            raise GoError(f"Jupyter knows no kernel {KERNEL!r}; run the cell that installs TLKit, and look at its last lines") from None
        self.manager, self.client = manager, manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=120)

    def stop(self):
        if self.client is not None:
            self.client.stop_channels()
        if self.manager is not None and self.manager.has_kernel:
            self.manager.shutdown_kernel()
        self.manager = self.client = None

    def show(self, kind, content):
        if kind == "stream":
            out = getattr(sys, content["name"])
            out.write(content["text"])
            out.flush()
        elif kind in ("display_data", "update_display_data", "execute_result"):
            self.shell.display_pub.publish(
                content["data"], content["metadata"], transient=content.get("transient", {}), update=kind == "update_display_data"
            )
        elif kind == "clear_output":
            clear_output(wait=content["wait"])


def load_ipython_extension(shell):
    cells = GoCells(shell)
    shell.register_magics(cells)
    atexit.register(cells.stop)
