"""What is kept of a kernel's messages, and what is written into the notebook; run by keep_test.go."""

import asyncio
import datetime
import json
import unittest
from types import SimpleNamespace

import tlkit_outputs as keep


class Contents:
    """A contents manager with one notebook."""

    def __init__(self, ids):
        self.saves = 0
        self.saved = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
        self.notebook = {"cells": [{"id": i, "cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None} for i in ids]}

    def get(self, path, content=True, type=None):
        return {"last_modified": self.saved, "content": json.loads(json.dumps(self.notebook)) if content else None}

    def save(self, model, path):
        self.saves += 1
        self.saved, self.notebook = keep.now(), model["content"]
        return {"last_modified": self.saved}

    def outputs(self, cell):
        return next(c for c in self.notebook["cells"] if c["id"] == cell)["outputs"]


class Keeper(keep.Keeper):
    """A keeper without a kernel."""

    def connect(self):
        self.session = SimpleNamespace(unpack=json.loads)


def keeper(*ids):
    contents = Contents(ids)
    sessions = SimpleNamespace(list_sessions=lambda: [{"kernel": {"id": "k"}, "type": "notebook", "path": "n.ipynb"}])
    log = SimpleNamespace(warning=lambda *args: None)
    app = SimpleNamespace(contents_manager=contents, session_manager=sessions, kernel_manager=["k"], log=log)
    return Keeper(app, "k"), contents


def send(k, parent, kind, session="s", **content):
    k.take({"header": {"msg_type": kind, "msg_id": f"{parent}.{len(k.seen)}", "session": session}, "parent_header": {"msg_id": parent}},
           json.dumps(content).encode())


def status(k, parent, state, session="s"):
    send(k, parent, "status", session, execution_state=state)


class Test(unittest.IsolatedAsyncioTestCase):
    async def test_display_updated(self):
        k, contents = keeper("a")
        k.request("a", "m")
        status(k, "m", "busy")
        send(k, "m", "execute_input", execution_count=7)
        send(k, "m", "display_data", data={"text/plain": "0"}, metadata={}, transient={"display_id": "d"})
        for i in range(100):
            send(k, "other", "update_display_data", data={"text/plain": str(i)}, metadata={}, transient={"display_id": "d"})
        page = await k.for_page()
        self.assertEqual([o["transient"] for o in page["cells"][0]["outputs"]], [{"display_id": "d"}])
        status(k, "m", "idle")
        await k.write()
        self.assertEqual(contents.outputs("a"), [{"output_type": "display_data", "data": {"text/plain": "99"}, "metadata": {}}])
        self.assertEqual(contents.notebook["cells"][0]["execution_count"], 7)

    async def test_display_updated_by_a_later_cell(self):
        """Displays of a cell that ended are kept up while no page is open, unless the user has cleared them."""
        long, short = keep.GONE + 1, 10
        for name, since, saved, cleared, want in [
            ("ended long ago", long, True, False, "epoch 5"),
            ("ended a moment ago", short, False, False, "epoch 5"),
            ("ended and saved a moment ago", short, True, False, "epoch 5"),
            ("cleared by the user", long, True, True, None),
        ]:
            with self.subTest(name):
                k, contents = keeper("a", "b")
                k.pages.add("page")
                k.request("a", "m")
                status(k, "m", "busy")
                send(k, "m", "execute_input", execution_count=1)
                send(k, "m", "stream", name="stdout", text="a line")
                send(k, "m", "display_data", data={"text/plain": "epoch 0"}, metadata={}, transient={"display_id": "d"})
                status(k, "m", "idle")
                k.cells["m"].ended -= datetime.timedelta(seconds=since)
                if saved:
                    contents.notebook["cells"][0].update(outputs=[] if cleared else k.cells["m"].kept(False), execution_count=1)
                    contents.saved = k.cells["m"].ended + datetime.timedelta(seconds=1)
                k.request("b", "n")
                status(k, "n", "busy")
                k.left("page")
                send(k, "n", "stream", name="stdout", text="b")
                send(k, "n", "update_display_data", data={"text/plain": "epoch 5"}, metadata={}, transient={"display_id": "d"})
                shown = {c["cell_id"]: [o["data"]["text/plain"] for o in c["outputs"] if "data" in o] for c in (await k.for_page())["cells"]}
                self.assertEqual(shown, {"a": [want], "b": []} if want else {"b": []})
                await k.write()
                self.assertEqual([o["data"]["text/plain"] for o in contents.outputs("a") if "data" in o], [want] if want else [])
                self.assertEqual([o["text"] for o in contents.outputs("b")], ["b"])
                # The outputs in the file have no ids. A page that comes back needs the ids while the other cell goes on.
                needed = [c["cell_id"] for c in (await k.for_page())["cells"] if c["state"] == "done"]
                self.assertEqual(needed, ["a"] if want else [])
                k.pages.add("again")
                status(k, "n", "idle")
                contents.saved = keep.now() + datetime.timedelta(seconds=keep.LAG + 1)
                self.assertEqual((await k.for_page())["cells"], [])

    async def test_display_updated_without_a_cell(self):
        """A display that something else than a cell updates is written, too."""
        k, contents = keeper("a")
        k.request("a", "m")
        send(k, "m", "display_data", data={"text/plain": "0"}, metadata={}, transient={"display_id": "d"})
        status(k, "m", "idle")
        await k.write()
        k.timer = None
        send(k, "console", "update_display_data", data={"text/plain": "1"}, metadata={}, transient={"display_id": "d"})
        self.assertIsNotNone(k.timer)
        await k.write()
        self.assertEqual([o["data"]["text/plain"] for o in contents.outputs("a")], ["1"])

    async def test_streams_and_clear(self):
        for prints, want in [
            (["a\n", "b\n"], "a\nb\n"),
            (["10%\r", "20%\r", "done\n"], "done\n"),
            (["long line\rab", "c\n"], "abng linec\n"),
            (["crlf\r", "\n", "x"], "crlf\nx"),
        ]:
            cell = keep.Cell("a", "m")
            for text in prints:
                cell.add("stream", {"name": "stdout", "text": text}, 1)
            self.assertEqual([o["text"] for o in cell.kept(False)], [want], prints)
        k, _ = keeper("a")
        k.request("a", "m")
        send(k, "m", "stream", name="stdout", text="old")
        send(k, "m", "clear_output", wait=True)
        self.assertEqual(len(k.cells["m"].outputs), 1)
        send(k, "m", "stream", name="stderr", text="new")
        self.assertEqual([o["text"] for o in k.cells["m"].kept(False)], ["new"])
        send(k, "m", "clear_output", wait=False)
        self.assertEqual(k.cells["m"].kept(False), [])

    async def test_bounded(self):
        cell = keep.Cell("a", "m")
        for _ in range(40):
            cell.add("stream", {"name": "stdout", "text": "x" * (keep.CELL_BYTES // 16)}, 1)
            cell.add("display_data", {"data": {}, "metadata": {}}, keep.CELL_BYTES // 16)
        self.assertLess(sum(o["size"] for o in cell.outputs), 2 * keep.CELL_BYTES)
        self.assertIn("outputs left out", cell.kept(False)[-1]["text"])

    async def test_page_owns_the_file(self):
        k, contents = keeper("a", "b")
        k.pages.add("page")
        k.request("a", "m")
        status(k, "m", "busy")
        send(k, "m", "stream", name="stdout", text="seen")
        status(k, "m", "idle")
        await k.write()
        self.assertEqual(contents.saves, 0)  # a page is there
        # It ended long before the page went: the page had it.
        k.cells["m"].ended -= datetime.timedelta(seconds=keep.GONE + 1)
        k.left("page")
        await k.write()
        self.assertEqual(contents.saves, 0)
        self.assertEqual((await k.for_page())["cells"], [])
        # Ended without a page, then saved by one: what that saved stays.
        k.request("b", "n")
        send(k, "n", "stream", name="stdout", text="unseen")
        status(k, "n", "idle")
        k.pages.add("another")
        contents.saved = keep.now() + datetime.timedelta(seconds=keep.LAG + 1)
        k.left("another")
        await k.write()
        self.assertEqual(contents.saves, 0)
        self.assertEqual((await k.for_page())["cells"], [])

    async def test_page_opened_again_at_once(self):
        """The server may hear that a page was closed after its successor has connected."""
        k, contents = keeper("a")
        k.pages.add("first")
        k.request("a", "m")
        send(k, "m", "stream", name="stdout", text="unseen")
        status(k, "m", "idle")
        k.pages.add("second")
        self.assertEqual([c["cell_id"] for c in (await k.for_page())["cells"]], ["a"])
        k.left("first")
        contents.saved = keep.now() + datetime.timedelta(seconds=keep.LAG + 1)
        self.assertEqual((await k.for_page())["cells"], [])  # the second has saved it

    async def test_page_behind(self):
        """A busy page may save a cell that has ended without what it has shown: the file tells."""
        for outputs, count, kept in [([], None, True), ([], 3, True), ([{"output_type": "stream", "name": "stdout", "text": "a"}], 3, False)]:
            k, contents = keeper("a")
            k.pages.add("page")
            k.request("a", "m")
            send(k, "m", "execute_input", execution_count=3)
            send(k, "m", "stream", name="stdout", text="a")
            status(k, "m", "idle")
            contents.notebook["cells"][0].update(outputs=outputs, execution_count=count)
            contents.saved = keep.now() + datetime.timedelta(seconds=1)
            k.left("page")
            self.assertEqual([c["cell_id"] for c in (await k.for_page())["cells"]], ["a"] if kept else [])
            await k.write()
            self.assertEqual((contents.saves, [o["text"] for o in contents.outputs("a")]), (int(kept), ["a"]))

    async def test_saved_by_another_program(self):
        """A program that has not seen the outputs has saved the notebook: they are still written."""
        k, contents = keeper("a")
        k.request("a", "m")
        send(k, "m", "stream", name="stdout", text="kept")
        status(k, "m", "idle")
        contents.saved = keep.now() + datetime.timedelta(seconds=1)
        await k.write()
        self.assertEqual([o["text"] for o in contents.outputs("a")], ["kept"])

    async def test_nothing_is_overwritten(self):
        """Who saves between the reading and the writing of the notebook wins, and the outputs are written later."""
        k, contents = keeper("a")
        k.request("a", "m")
        send(k, "m", "stream", name="stdout", text="kept")
        status(k, "m", "idle")
        get = contents.get

        def slow(path, content=True, type=None):
            model = get(path, content, type)
            if content:  # then somebody saves a new cell
                contents.notebook["cells"].append({"id": "new", "cell_type": "markdown", "source": "mine"})
                contents.saved = keep.now()
            return model

        contents.get = slow
        await k.write()
        self.assertEqual((contents.saves, len(contents.notebook["cells"])), (0, 2))
        contents.get = get
        await k.write()
        self.assertEqual([c["id"] for c in contents.notebook["cells"]], ["a", "new"])
        self.assertEqual([o["text"] for o in contents.outputs("a")], ["kept"])

    async def test_save_fails(self):
        k, contents = keeper("a")
        k.request("a", "m")
        send(k, "m", "stream", name="stdout", text="kept")
        status(k, "m", "idle")
        save, contents.save = contents.save, lambda model, path: 1 / 0
        await k.write()
        self.assertIsNotNone(k.timer)  # it is tried again
        contents.save = save
        await k.write()
        self.assertEqual([o["text"] for o in contents.outputs("a")], ["kept"])

    async def test_versions(self):
        """A page that read one of the versions has nothing of its own to lose by the last one."""
        k, contents = keeper("a")
        first = contents.saved
        k.request("a", "m")
        for text in ("1", "2"):
            send(k, "m", "stream", name="stdout", text=text)
            await k.write()
        page = await k.for_page()
        self.assertEqual((len(page["versions"]), page["versions"][0], page["versions"][-1]), (3, first.isoformat(), page["written"]))
        contents.saved = keep.now() + datetime.timedelta(seconds=1)  # somebody else
        send(k, "m", "stream", name="stdout", text="3")
        await k.write()
        self.assertEqual((await k.for_page())["versions"], [v.isoformat() for v in k.versions])
        self.assertEqual(len(k.versions), 2)

    async def test_two_notebooks(self):
        """Two notebooks that share a kernel may have cells of the same ids: neither is written."""
        k, contents = keeper("a")
        one = {"kernel": {"id": "k"}, "type": "notebook", "path": "n.ipynb"}
        k.app.session_manager = SimpleNamespace(list_sessions=lambda: [one, {**one, "path": "copy.ipynb"}])
        k.request("a", "m")
        send(k, "m", "stream", name="stdout", text="whose")
        await k.write()
        self.assertEqual((contents.saves, (await k.for_page())["cells"]), (0, []))

    async def test_lid_closed(self):
        """A page that no longer replies counts as connected for a while. What ended then is not lost."""
        k, contents = keeper("a")
        k.pages.add("page")
        k.request("a", "m")
        status(k, "m", "busy")
        send(k, "m", "stream", name="stdout", text="late")
        status(k, "m", "idle")
        k.left("page")
        await k.write()
        self.assertEqual([o["text"] for o in contents.outputs("a")], ["late"])

    async def test_kernel_bounded(self):
        k, _ = keeper()
        for i in range(20):
            k.request(f"c{i}", f"m{i}")
            send(k, f"m{i}", "stream", name="stdout", text="x" * (keep.CELL_BYTES // 2))
            status(k, f"m{i}", "idle")
        self.assertLess(sum(c.size for c in k.cells.values()), keep.KERNEL_BYTES + keep.CELL_BYTES)
        self.assertIn("m19", k.cells)
        for i in range(600):
            send(k, "m19", "stream", name=["stdout", "stderr"][i % 2], text="y" * 8192)
            send(k, "m19", "display_data", data={}, metadata={}, transient={"display_id": "d"})
            send(k, "m19", "update_display_data", data={"text/plain": "z" * 100_000}, metadata={}, transient={"display_id": "d"})
        self.assertLess(k.cells["m19"].size, keep.CELL_BYTES * 3 // 2)
        self.assertLessEqual(len(k.cells["m19"].outputs), keep.OUTPUTS)

    async def test_many_prints(self):
        """A print takes the time of its own text, not of all before it."""
        joined = []
        real, keep.Text.__str__ = keep.Text.__str__, lambda t: joined.append(1) or real(t)
        try:
            cell = keep.Cell("a", "m")
            for _ in range(10_000):
                cell.add("stream", {"name": "stdout", "text": "a line\n"}, 1)
                cell.add("stream", {"name": "stdout", "text": "."}, 1)
            self.assertEqual(joined, [])
        finally:
            keep.Text.__str__ = real
        self.assertEqual(cell.kept(False)[0]["text"], "a line\n" + ".a line\n" * 9_999 + ".")

    async def test_restart(self):
        k, contents = keeper("a")
        k.request("a", "m")
        status(k, "m", "busy")
        send(k, "m", "stream", name="stdout", text="before")
        send(k, "", "status", session="another", execution_state="starting")
        self.assertEqual(k.cells["m"].state, "done")
        await k.write()
        self.assertEqual([o["text"] for o in contents.outputs("a")], ["before"])


unittest.main()
