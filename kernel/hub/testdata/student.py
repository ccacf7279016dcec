"""A user of a hub, as a browser is one: logs in by the form, and runs cells over the kernel's websocket.

    student.py http://127.0.0.1:8000

Reads commands from standard input, a JSON object a line, and answers each with one. The hub's Python runs it.
"""

import asyncio
import json
import os
import re
import sys
import time
import uuid

import requests
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

BASE = sys.argv[1].rstrip("/")
AUTHORITY = os.environ.get("REQUESTS_CA_BUNDLE") or None  # of a hub with a certificate of its own; requests takes it, too


class Student:
    def __init__(self):
        self.web = requests.Session()
        self.token = self.name = None
        self.socket = self.kernel = None
        self.cells = {}

    # The hub.

    def login(self, name, password):
        page = self.web.get(f"{BASE}/hub/login")
        xsrf = re.search(r'name="_xsrf"\s+value="([^"]+)"', page.text).group(1)
        done = self.web.post(f"{BASE}/hub/login?next=%2Fhub%2Fhome", data={"username": name, "password": password, "_xsrf": xsrf})
        return self.enter(name, done)

    def oauth(self, name):
        """Logs in by the OAuth service, which says who this is."""
        return self.enter(name, self.web.get(f"{BASE}/hub/oauth_login?next=%2Fhub%2Fhome"))

    def enter(self, name, done):
        if not done.url.endswith("/hub/home"):
            return {"in": False, "status": done.status_code}
        self.name = name
        xsrf = self.web.cookies.get("_xsrf", path="/hub/")
        made = self.web.post(f"{BASE}/hub/api/users/{name}/tokens", json={}, headers={"X-XSRFToken": xsrf, "Referer": f"{BASE}/hub/home"})
        made.raise_for_status()
        self.token = made.json()["token"]
        return {"in": True}

    def api(self, method, path, **kwargs):
        return requests.request(method, BASE + path, headers={"Authorization": f"token {self.token}"}, allow_redirects=False, **kwargs)

    def get(self, path):
        r = self.api("GET", path)
        return {"status": r.status_code, "text": r.text[:2000]}

    def server(self):
        began = time.monotonic()
        r = self.api("POST", f"/hub/api/users/{self.name}/server")
        if r.status_code not in (201, 202, 400):
            return {"ok": False, "error": f"{r.status_code} {r.text}"}
        limit = began + 240
        while self.api("GET", f"/user/{self.name}/api/status").status_code != 200:
            if time.monotonic() > limit:
                return {"ok": False, "error": "the server did not start in four minutes"}
            time.sleep(0.2)
        return {"seconds": time.monotonic() - began}

    def stop(self):
        r = self.api("DELETE", f"/hub/api/users/{self.name}/server")
        return {"status": r.status_code}

    def running(self):
        return {"running": bool(self.api("GET", f"/hub/api/users/{self.name}").json().get("servers"))}

    # A kernel.

    async def start(self, kernel):
        r = self.api("POST", f"/user/{self.name}/api/kernels", json={"name": kernel})
        if r.status_code != 201:
            return {"ok": False, "error": f"{r.status_code} {r.text}"}
        self.kernel, self.session = r.json()["id"], uuid.uuid4().hex
        await self.connect()
        asyncio.ensure_future(self.read())
        return {"id": self.kernel}

    async def connect(self):
        address = BASE.replace("http", "ws", 1) + f"/user/{self.name}/api/kernels/{self.kernel}/channels?session_id={self.session}"
        self.socket = await websocket_connect(HTTPRequest(address, headers={"Authorization": f"token {self.token}"}, request_timeout=240, ca_certs=AUTHORITY), max_message_size=1 << 28)

    async def read(self):
        kernel = self.kernel
        while kernel == self.kernel:
            text = await self.socket.read_message()
            if text is None:  # as JupyterLab does: the server has kept the messages meanwhile
                print(f"{self.name}: the connection ended: {self.socket.close_code} {self.socket.close_reason}", file=sys.stderr)
                try:
                    await self.connect()
                    continue
                except Exception as e:
                    print(f"{self.name}: and can't be had again: {e!r}", file=sys.stderr)
                    break
            m = json.loads(text)
            cell = self.cells.get(m["parent_header"].get("msg_id"))
            if cell is None:
                continue
            kind, content = m["msg_type"], m["content"]
            if kind == "stream":
                cell["stdout" if content["name"] == "stdout" else "stderr"] += content["text"]
            elif kind in ("display_data", "update_display_data", "execute_result"):
                cell["shown"] += content["data"].get("text/plain", "") + "\n"
                cell["types"].update(content["data"])
            elif kind == "error":
                cell["stderr"] += "\n".join(content["traceback"])
            elif kind == "execute_reply":
                cell["status"] = content["status"]
                cell["waits"] -= 1
            elif kind == "status" and content["execution_state"] == "idle":
                cell["seconds"] = time.monotonic() - cell["began"]
                cell["waits"] -= 1
            if cell["waits"] == 0:  # the reply and the end of outputs, which come over two sockets
                cell["idle"].set()
        for cell in self.cells.values():  # the kernel is gone
            cell["idle"].set()

    async def begin(self, code):
        self.id = uuid.uuid4().hex
        self.cells[self.id] = {"stdout": "", "stderr": "", "shown": "", "types": set(), "status": "lost", "seconds": 0, "waits": 2,
                               "began": time.monotonic(), "idle": asyncio.Event()}
        await self.socket.write_message(json.dumps({
            "channel": "shell", "buffers": [], "metadata": {}, "parent_header": {},
            "header": {"msg_id": self.id, "msg_type": "execute_request", "username": "", "session": "s", "version": "5.3"},
            "content": {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False, "stop_on_error": True}}))
        return {}

    async def until(self, text):
        """Waits until the running cell has shown a text."""
        cell = self.cells[self.id]
        while text not in cell["stdout"] + cell["shown"] + cell["stderr"]:
            if cell["idle"].is_set():
                return {"ok": False, "error": f"the cell ended ({cell['status']}) without {text!r}: {cell['stdout']} {cell['shown']} {cell['stderr']}"}
            await asyncio.sleep(0.02)
        return {}

    async def wait(self):
        cell = self.cells[self.id]
        await cell["idle"].wait()
        return {k: cell[k] for k in ("stdout", "stderr", "shown", "status", "seconds")} | {"types": sorted(cell["types"])}

    async def cell(self, code):
        await self.begin(code)
        return await self.wait()


async def main():
    student = Student()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        op = getattr(student, command.pop("op"))
        try:
            answer = op(**command)
            answer = {"ok": True} | (await answer if asyncio.iscoroutine(answer) else answer)
        except Exception as e:  # the test says what failed
            answer = {"ok": False, "error": repr(e)}
        print(json.dumps(answer), flush=True)


asyncio.run(main())
