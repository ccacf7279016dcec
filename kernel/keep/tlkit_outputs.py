"""Keeps the outputs of cells that run while no page is open. An extension of Jupyter's server, installed by tlkernel.

JupyterLab's page holds the outputs of running cells. While no page is open they are lost. This extension listens to each
kernel beside the page and keeps the outputs of the cells that pages run. While no page is connected to a kernel it writes
them into the notebook, with the contents manager; a page that comes back gets them, and follows the cell (keep.js).
"""

import asyncio
import datetime
import json
from collections import deque

from jupyter_client.session import Session
from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.utils import url_path_join
from tornado import web

CELL_BYTES = 16 << 20  # the most that is kept of one cell
KERNEL_BYTES = 64 << 20  # and of the ended cells of one kernel, the newest
CELLS = 200  # the most cells that are kept of one kernel
OUTPUTS = 1000  # the most outputs that are kept of one cell
GONE = 150  # seconds after which a page that no longer replies counts as gone: Jupyter pings, and waits 90 s
LAG = 60  # seconds that a busy page may be behind the kernel
SEEN = 2000  # message ids by which a page knows which messages are in what it got
SETTLE = 5  # seconds without a page before the notebook is written: a reload is shorter
INTERVAL = 10  # seconds between two writes while a cell goes on


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def overwrite(text):
    """Returns what a terminal would show of lines with carriage returns; one at the end stays, for what is printed next."""
    if "\r" not in text:
        return text
    lines = text.split("\n")
    for i, line in enumerate(lines):
        shown = ""
        for part in line.split("\r"):
            shown = part + shown[len(part):]
        lines[i] = shown
    return "\n".join(lines) + ("\r" if text.endswith("\r") else "")


class Text:
    """What a stream printed. Its last line can still be overwritten, after a carriage return."""

    def __init__(self):
        self.lines, self.last, self.size = [], [], 0

    def add(self, text):
        if "\r" in text or self.last and self.last[-1].endswith("\r"):
            before = "".join(self.last)
            self.last, self.size = [], self.size - len(before)
            text = overwrite(before + text)
        head, newline, tail = text.rpartition("\n")
        if newline:
            self.lines += self.last + [head + newline]
            self.last = []
        if tail:
            self.last.append(tail)
        self.size += len(text)
        if self.size > CELL_BYTES // 2:  # the beginning and the end stay
            part, text = CELL_BYTES // 8, str(self)
            self.lines = [text[:part] + "\n[... left out: the cell printed too much to be kept ...]\n"]
            self.last = [text[-part:]]
            self.size = len(str(self))

    def __str__(self):
        return "".join(self.lines + self.last)


class Cell:
    """The outputs of one execution of a cell."""

    def __init__(self, cell_id, msg_id):
        self.cell_id, self.msg_id = cell_id, msg_id
        self.state = "queued"  # then running, done
        self.ended = None
        self.count = None
        self.outputs = []  # as in a notebook, and with "transient" and "size"
        self.left_out = 0
        self.clear = False  # clear_output(wait=True) came: the next output replaces all
        self.away = False  # no page was connected at some time while it ran, or while its displays were updated later
        self.had = False  # a page had shown all of it when another cell updated its displays
        self.changed = False  # since it was last written
        self.version = 0  # grows with each change

    def change(self):
        self.changed, self.version = True, self.version + 1

    def add(self, kind, content, size):
        self.change()
        if self.clear:
            self.clear, self.outputs = False, []
        if kind == "stream":
            return self.print(content["name"], content["text"])
        if self.full(size):
            self.left_out += 1
            return
        output = {"output_type": kind, "size": size, **content}
        self.outputs.append(output)

    def print(self, name, text):
        last = self.outputs[-1] if self.outputs else None
        if last is None or last["output_type"] != "stream" or last["name"] != name:
            if self.full(len(text)):
                self.left_out += 1
                return
            last = {"output_type": "stream", "name": name, "text": Text(), "size": 0}
            self.outputs.append(last)
        last["text"].add(text)
        last["size"] = last["text"].size

    @property
    def size(self):
        return sum(o["size"] for o in self.outputs)

    def full(self, size):
        """Tells whether there is no room for another output of that many bytes."""
        return len(self.outputs) >= OUTPUTS or size + self.size > CELL_BYTES

    def displays(self):
        """Returns the outputs that this and later cells can update."""
        return [o for o in self.outputs if (o.get("transient") or {}).get("display_id")]

    def update(self, display_id, content, size):
        """Puts new content into the displays with that id, and tells whether there are any. A cell that has ended ends anew."""
        found = [o for o in self.displays() if o["transient"]["display_id"] == display_id]
        if found and self.ended is not None:
            self.had = self.had or self.shown()
            self.ended = now()
        for output in found:
            if size + self.size - output["size"] > CELL_BYTES:
                self.left_out += 1
                continue
            output.update(data=content["data"], metadata=content.get("metadata", {}), size=size)
            self.change()
        return bool(found)

    def finish(self):
        if self.state != "done":
            self.state, self.ended = "done", now()
            self.change()

    def shown(self):
        """Tells whether the cell has ended so long ago that the page that was connected has shown all of it."""
        return self.ended is not None and not self.away and self.ended < now() - datetime.timedelta(seconds=GONE)

    def in_place(self, in_file):
        """Tells whether a cell of a notebook has this execution and an output for each of its outputs."""
        return in_file is not None and in_file["execution_count"] == self.count and len(in_file["outputs"]) >= len(self.kept(False))

    def kept(self, transient):
        """Returns the outputs as in a notebook; with transient, displays have their ids."""
        hidden = {"size"} if transient else {"size", "transient"}
        outputs = [{k: str(v) if isinstance(v, Text) else v for k, v in o.items() if k not in hidden} for o in self.outputs]
        if self.left_out:
            text = f"[{self.left_out} outputs left out: the cell showed too much to be kept]\n"
            outputs.append({"output_type": "stream", "name": "stderr", "text": text})
        return outputs


class Keeper:
    """Listens to one kernel."""

    def __init__(self, app, kernel_id):
        self.app, self.kernel_id = app, kernel_id
        self.cells = {}  # by message id, in order
        self.seen = deque(maxlen=SEEN)
        self.written = None  # when the notebook was last written here, as the contents manager says it
        self.versions = []  # the times of the file that was read for the first of several writes, and of these writes
        self.last_path = None  # of the notebook
        self.last_page = None  # when the last page went
        self.process = None  # the kernel's own session id: another one after a restart
        self.stream, self.ports, self.timer = None, None, None
        self.lock = asyncio.Lock()
        self.pages = set()  # the connections of pages
        self.connect()

    @property
    def manager(self):
        return self.app.kernel_manager

    def connect(self):
        """Connects to the kernel, and anew after a restart on other ports."""
        kernel = self.manager.get_kernel(self.kernel_id)
        if self.stream is not None and not self.stream.closed() and self.ports == list(kernel.ports):
            return
        self.close()
        self.session = Session(config=kernel.session.config, key=kernel.session.key)
        self.ports = list(kernel.ports)
        self.stream = kernel.connect_iopub()
        self.stream.on_recv(self.receive)

    def close(self):
        if self.stream is not None and not self.stream.closed():
            self.stream.on_recv(None)
            self.stream.close()

    def request(self, cell_id, msg_id):
        """Notes that a page runs a cell."""
        size = 0
        for m, c in reversed(list(self.cells.items())):
            size += c.size
            if c.state == "done" and (c.cell_id == cell_id or c.shown() and not c.displays() or size > KERNEL_BYTES):
                del self.cells[m]
        for m in list(self.cells)[: max(0, len(self.cells) - CELLS + 1)]:
            if self.cells[m].state == "done":
                del self.cells[m]
        self.cells[msg_id] = Cell(cell_id, msg_id)

    def receive(self, frames):
        try:
            _, parts = self.session.feed_identities(frames)
            msg = self.session.deserialize(parts, content=False)
            self.take(msg, parts[4])
        except Exception as e:  # a message that is not understood must not stop the rest
            self.app.log.warning("tlkit_outputs: a message of kernel %s: %r", self.kernel_id, e)

    def take(self, msg, raw):
        kind = msg["header"]["msg_type"]
        self.seen.append(msg["header"]["msg_id"])
        if self.process != msg["header"]["session"]:
            if self.process is not None:
                for c in self.cells.values():
                    c.finish()  # its process is gone
            self.process = msg["header"]["session"]
        cell = self.cells.get((msg["parent_header"] or {}).get("msg_id"))
        if cell is None and kind != "update_display_data":
            return
        content = self.session.unpack(raw)
        if kind == "update_display_data":
            display_id = (content.get("transient") or {}).get("display_id")
            for c in self.cells.values():
                if c.update(display_id, content, len(raw)) and not self.pages:
                    c.away = True
                    self.soon(INTERVAL)
        elif kind in ("stream", "display_data", "execute_result", "error"):
            cell.add(kind, content, len(raw))
        elif kind == "clear_output":
            cell.change()
            if content.get("wait"):
                cell.clear = True
            else:
                cell.outputs, cell.left_out = [], 0
        elif kind == "execute_input":
            cell.count = content.get("execution_count")
        elif kind == "status" and content["execution_state"] == "busy":
            cell.state = "running"
        elif kind == "status" and content["execution_state"] == "idle":
            cell.finish()
        if cell is not None and not self.pages:
            cell.away = True
            self.soon(SETTLE if cell.state == "done" else INTERVAL)

    def left(self, page):
        """Notes that a page went. Cells that run go on without one. It may have gone long before, with a laptop's lid."""
        self.pages.discard(page)
        if self.pages:
            return
        self.last_page = now()
        unseen = now() - datetime.timedelta(seconds=GONE)
        for cell in self.cells.values():
            if cell.state != "done" or cell.ended > unseen:
                cell.away = True
        self.soon(SETTLE)

    def soon(self, seconds):
        """Lets the notebook be written after some seconds, or earlier if that was said before."""
        loop = asyncio.get_running_loop()
        when = loop.time() + seconds
        if self.timer is not None and not self.timer.cancelled():
            if self.timer.when() > loop.time() and self.timer.when() <= when:
                return
            self.timer.cancel()
        self.timer = loop.call_later(seconds, lambda: asyncio.ensure_future(self.write()))

    async def write(self):
        """Writes what changed into the notebook, unless a page is connected."""
        self.timer = None
        try:
            async with self.lock:
                await self.write_locked()
        except Exception as e:
            self.app.log.warning("tlkit_outputs: outputs of kernel %s are kept, but not written: %r", self.kernel_id, e)
            self.soon(INTERVAL)

    async def path(self):
        """Returns the path of the notebook that has this kernel; None if there is none, or more than one."""
        sessions = await ensure_async(self.app.session_manager.list_sessions())
        paths = {s["path"] for s in sessions if s["kernel"]["id"] == self.kernel_id and s["type"] == "notebook"}
        if len(paths) == 1:
            self.last_path = paths.pop()
        elif paths or self.kernel_id in self.manager:
            return None
        return self.last_path  # also of a kernel that has just ended

    def had_page(self, cell):
        """Tells whether a page may have got all of a cell that has ended."""
        return bool(self.pages) or self.last_page is not None and self.last_page > cell.ended

    def saved_by_page(self, cell, saved, in_file):
        """Tells whether a page that had all of an ended cell has saved the notebook since; in_file is the cell as saved, or None.

        A page may be behind and save what it has shown so far. Soon after the end, the file must show that it was not."""
        if cell.ended is None or saved <= cell.ended or saved == self.written or not self.had_page(cell):
            return False
        if saved > cell.ended + datetime.timedelta(seconds=LAG):
            return True
        return cell.in_place(in_file)

    async def write_locked(self):
        changed = {c.cell_id: c for c in self.cells.values() if c.away and c.changed}
        path = await self.path() if changed and not self.pages else None
        if path is None:
            return
        contents = self.app.contents_manager
        model = await ensure_async(contents.get(path, content=True, type="notebook"))
        saved, notebook, taken = model["last_modified"], model["content"], []
        for c in notebook["cells"]:
            cell = changed.get(c.get("id"))
            if cell is None or c["cell_type"] != "code":
                continue
            if self.saved_by_page(cell, saved, c) or cell.had and not cell.in_place(c):
                cell.changed = False  # also of a cell that the user has cleared
                continue
            c["outputs"], c["execution_count"] = cell.kept(False), cell.count
            c["metadata"]["trusted"] = True  # the user ran it
            taken.append((cell, cell.version))
        if not taken:
            return
        now_saved = (await ensure_async(contents.get(path, content=False)))["last_modified"]
        if self.pages or now_saved != saved:  # somebody else writes
            self.soon(SETTLE)
            return
        model = await ensure_async(contents.save({"type": "notebook", "format": "json", "content": notebook}, path))
        if saved != self.written:
            self.versions = [saved]
        self.written = model["last_modified"]
        self.versions.append(self.written)
        for cell, version in taken:
            cell.changed = cell.version != version

    def needed(self, cell, saved, in_file):
        """Tells whether a page that comes back needs a cell that has ended: what the file does not have, and displays that a
        cell which goes on may update, since the file has no ids of displays."""
        on_page = cell.shown() or self.saved_by_page(cell, saved, in_file)
        if (on_page or cell.had) and not cell.in_place(in_file):
            return False  # the user has cleared it
        if cell.displays() and any(c.state != "done" for c in self.cells.values()):
            return True
        return not on_page

    async def for_page(self):
        """Returns what a page that comes back needs."""
        async with self.lock:  # not while the notebook is written
            path = await self.path()
            cells = []
            if path is not None:
                model = await ensure_async(self.app.contents_manager.get(path, content=True, type="notebook"))
                in_file = {c.get("id"): c for c in model["content"]["cells"] if c["cell_type"] == "code"}
                for c in self.cells.values():
                    # A page that is connected may be one that was closed a moment ago.
                    if c.state == "done" and not self.needed(c, model["last_modified"], in_file.get(c.cell_id)):
                        continue
                    cells.append({"cell_id": c.cell_id, "msg_id": c.msg_id, "state": c.state, "execution_count": c.count,
                                  "changed": c.changed, "outputs": c.kept(True), "clear": c.clear})
            return {"cells": cells, "seen": list(self.seen), "written": self.written.isoformat() if self.written else None,
                    "versions": [v.isoformat() for v in self.versions]}


keepers = {}  # by kernel id


def keeper(app, kernel_id):
    """Returns the keeper of a kernel, made if need be; those of kernels that are gone are dropped."""
    for gone in [k for k in keepers if k not in app.kernel_manager]:
        keepers.pop(gone).close()
    if kernel_id not in keepers:
        keepers[kernel_id] = Keeper(app, kernel_id)
    keepers[kernel_id].connect()
    return keepers[kernel_id]


def connection_class(app):
    """Returns Jupyter's class of connections to pages, with the keeper told of pages and of the cells that they run."""

    class KeepingConnection(ZMQChannelsWebsocketConnection):
        def connect(self):
            try:
                keeper(app, self.kernel_id).pages.add(self)
            except Exception as e:
                app.log.warning("tlkit_outputs: kernel %s: %r", self.kernel_id, e)
            return super().connect()

        def disconnect(self):
            try:
                super().disconnect()
            finally:
                if self.kernel_id in keepers:
                    keepers[self.kernel_id].left(self)

        def handle_incoming_message(self, incoming_msg):
            try:
                self.note(incoming_msg)
            except Exception as e:
                app.log.warning("tlkit_outputs: a message to kernel %s: %r", self.kernel_id, e)
            super().handle_incoming_message(incoming_msg)

        def note(self, message):
            if self.subprotocol == "v1.kernel.websocket.jupyter.org":
                if b'"execute_request"' not in message:
                    return
                channel, parts = deserialize_msg_from_ws_v1(message)
                header, metadata = json.loads(bytes(parts[0])), json.loads(bytes(parts[2]))
            else:
                if not isinstance(message, str) or '"execute_request"' not in message:
                    return
                msg = json.loads(message)
                channel, header, metadata = msg.get("channel"), msg["header"], msg.get("metadata") or {}
            if channel == "shell" and header["msg_type"] == "execute_request" and metadata.get("cellId"):
                keeper(app, self.kernel_id).request(metadata["cellId"], header["msg_id"])

    return KeepingConnection


class OutputsHandler(APIHandler):
    """Gives a page the outputs of the cells of a kernel."""

    auth_resource = "kernels"

    @web.authenticated
    @authorized
    async def get(self, kernel_id):
        known = keepers.get(kernel_id)
        answer = {"cells": [], "seen": [], "written": None, "versions": []}
        if known is not None:
            answer = await known.for_page()
        self.finish(json.dumps(answer, default=str))


def _jupyter_server_extension_points():
    return [{"module": "tlkit_outputs"}]


def _load_jupyter_server_extension(app):
    if app.kernel_websocket_connection_class is not ZMQChannelsWebsocketConnection:
        app.log.info("tlkit_outputs: kernels are reached by %s; outputs are kept by pages only", app.kernel_websocket_connection_class)
        return
    app.web_app.settings["kernel_websocket_connection_class"] = connection_class(app)
    base = app.web_app.settings["base_url"]
    app.web_app.add_handlers(".*$", [(url_path_join(base, r"/tlkit/outputs/([\w-]+)"), OutputsHandler)])
