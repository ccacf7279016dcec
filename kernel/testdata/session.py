"""Drives a kernel through jupyter_client for the tests.

Reads one JSON command per line from standard input and replies to each with one
JSON line: {"ok": true, ...} or {"ok": false, "error": "..."}.
"""

import json
import os
import queue
import signal
import sys
import time

from jupyter_client.manager import KernelManager

# Jupyter's patience is five seconds; here a kernel that would not end by itself
# makes the test wait and fail, a slow machine does not.
km = KernelManager(kernel_name=sys.argv[1], connection_file=os.path.abspath("connection.json"), shutdown_wait_time=120)
kc = None
running = None  # message id of the cell that "begin" started
outputs = []


def connect():
    global kc
    kc = km.blocking_client()
    kc.start_channels()
    kc.wait_for_ready(timeout=180)


def start(_):
    began = time.monotonic()
    km.start_kernel()
    connect()
    return {"pid": km.provisioner.pid, "seconds": time.monotonic() - began}


def launch(_):
    """Starts a kernel and does not wait for it."""
    km.start_kernel()
    return {"pid": km.provisioner.pid}


def begin(cmd):
    """Sends a cell and does not wait for it."""
    global running
    outputs.clear()
    running = kc.execute(cmd["code"])
    return {}


def collect(until, timeout):
    """Gathers the running cell's output until the condition holds."""
    end = time.monotonic() + timeout
    while not until():
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"nothing more after {timeout} s; so far: {outputs}")
        try:
            msg = kc.get_iopub_msg(timeout=left)
        except queue.Empty:
            continue
        if msg["parent_header"].get("msg_id") == running:
            outputs.append({"type": msg["msg_type"], **msg["content"]})


def text(name):
    return "".join(o["text"] for o in outputs if o["type"] == "stream" and o["name"] == name)


def until(cmd):
    """Waits until the running cell has printed a text."""
    collect(lambda: cmd["text"] in text("stdout"), cmd.get("timeout", 180))
    return {}


def asked(cmd):
    """Waits until the running cell requests input."""
    kc.get_stdin_msg(timeout=cmd.get("timeout", 180))
    return {}


def finish(cmd):
    """Waits for the running cell's end and returns all it gave."""
    collect(
        lambda: any(o["type"] == "status" and o["execution_state"] == "idle" for o in outputs),
        cmd.get("timeout", 180),
    )
    reply = kc.get_shell_msg(timeout=60)
    while reply["parent_header"].get("msg_id") != running:
        reply = kc.get_shell_msg(timeout=60)
    errors = [o for o in outputs if o["type"] == "error"]
    html = [o["data"]["text/html"] for o in outputs if "text/html" in o.get("data", {})]
    return {
        "status": reply["content"]["status"],
        "stdout": text("stdout"),
        "stderr": text("stderr"),
        "html": "\n".join(html),
        "result": "".join(o["data"]["text/plain"] for o in outputs if o["type"] == "execute_result"),
        "traceback": "\n".join("\n".join(e["traceback"]) for e in errors),
    }


def execute(cmd):
    began = time.monotonic()
    begin(cmd)
    return {**finish(cmd), "seconds": time.monotonic() - began}


def complete(cmd):
    began = time.monotonic()
    content = kc.complete(cmd["code"], reply=True, timeout=60)["content"]
    return {"matches": content["matches"], "start": content["cursor_start"], "seconds": time.monotonic() - began}


def inspect(cmd):
    began = time.monotonic()
    content = kc.inspect(cmd["code"], reply=True, timeout=60)["content"]
    return {"text": content["data"].get("text/plain", ""), "seconds": time.monotonic() - began}


def interrupt(_):
    km.interrupt_kernel()
    return {}


def restart(_):
    if kc:
        kc.stop_channels()
    km.restart_kernel()
    connect()
    return {"pid": km.provisioner.pid}


def shutdown(cmd):
    if kc:
        kc.stop_channels()
    began = time.monotonic()
    km.shutdown_kernel(now=cmd.get("now", False))
    return {"seconds": time.monotonic() - began, "status": km._shutdown_status.name}


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


commands = {f.__name__: f for f in (start, launch, begin, asked, until, finish, execute, complete, inspect, interrupt, restart, shutdown, die)}
for line in sys.stdin:
    cmd = json.loads(line)
    try:
        reply = {"ok": True, **commands[cmd["op"]](cmd)}
    except Exception as e:
        reply = {"ok": False, "error": f"{type(e).__name__}: {e}"}
    print(json.dumps(reply), flush=True)
if km.has_kernel:
    km.shutdown_kernel(now=True)
