"""A client that keeps to the messaging specification, and waits for nothing.

python strict.py KERNEL LIMIT: sends every kind of request while the kernel is idle
and while a cell runs, and reports for each, as one JSON line, how many seconds
its reply and its idle took; null when there was none within LIMIT seconds.
"""

import json
import os
import queue
import sys
import time

import zmq
from jupyter_client.manager import KernelManager

kernel, limit = sys.argv[1], float(sys.argv[2])
km = KernelManager(kernel_name=kernel, connection_file=os.path.abspath("connection.json"))
km.start_kernel()
kc = km.client()
kc.start_channels()
kc.wait_for_ready(timeout=120)
replies = {}  # by the request's id; a reply is kept until someone looks for it
states = {}  # iopub messages, by the request's id


def collect(channel, into, wait):
    try:
        msg = channel.get_msg(timeout=wait)
    except queue.Empty:
        return
    into.setdefault(msg["parent_header"].get("msg_id"), []).append(msg)


def idle(msg_id):
    return any(m["msg_type"] == "status" and m["content"]["execution_state"] == "idle" for m in states.get(msg_id, []))


def wait_for(channel, msg_id, seconds, expected):
    """Returns the reply, and how long reply and idle took."""
    began, reply, took, rest = time.monotonic(), None, None, None
    while time.monotonic() - began < seconds and (reply is None or rest is None):
        collect(channel, replies, 0.01)
        collect(kc.iopub_channel, states, 0.01)
        if reply is None and msg_id in replies:
            reply, took = replies[msg_id][0], time.monotonic() - began
        if rest is None and idle(msg_id):
            rest = time.monotonic() - began
        if expected is None and rest is not None:
            break
    if reply is not None and reply["msg_type"] != expected:
        took = None
    return reply, took, rest


def report(state, request, took, rest, **more):
    print(json.dumps({"state": state, "request": request, "reply": took, "idle": rest, **more}), flush=True)


def send(channel, kind, content):
    msg = kc.session.msg(kind, content)
    channel.send(msg)
    return msg["header"]["msg_id"]


def execute(code, **fields):
    return send(kc.shell_channel, "execute_request",
                {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": True, "stop_on_error": True, **fields})


def running(code, text):
    """Starts a cell and waits until it has printed text."""
    msg_id = execute(code)
    end = time.monotonic() + 120
    while time.monotonic() < end:
        collect(kc.iopub_channel, states, 0.05)
        if any(m["msg_type"] == "stream" and text in m["content"]["text"] for m in states.get(msg_id, [])):
            return msg_id
    raise TimeoutError(f"{code!r} has not printed {text!r}: {states.get(msg_id)}")


requests = [
    ("shell", "kernel_info_request", {}),
    ("shell", "connect_request", {}),
    ("shell", "complete_request", {"code": "fmt.Printl", "cursor_pos": 10}),
    ("shell", "inspect_request", {"code": "fmt.Println", "cursor_pos": 11, "detail_level": 0}),
    ("shell", "is_complete_request", {"code": "func f() {"}),
    ("shell", "history_request", {"hist_access_type": "tail", "n": 3, "output": False, "raw": True}),
    ("shell", "comm_info_request", {}),
    ("shell", "comm_open", {"comm_id": "x", "target_name": "nobody", "data": {}}),
    ("shell", "comm_msg", {"comm_id": "x", "data": {}}),
    ("shell", "comm_close", {"comm_id": "x", "data": {}}),
    ("shell", "unheard_of_request", {}),
    ("control", "kernel_info_request", {}),
    ("control", "debug_request", {"type": "request", "seq": 1, "command": "debugInfo", "arguments": {}}),
    ("control", "create_subshell_request", {}),
]


def ask_all(state):
    for name, kind, content in requests:
        channel = kc.shell_channel if name == "shell" else kc.control_channel
        expected = kind.replace("_request", "_reply") if kind.endswith("_request") else None
        msg_id = send(channel, kind, content)
        _, took, rest = wait_for(channel, msg_id, limit, expected)
        report(state, f"{kind} ({name})", took if expected else rest, rest)
    began, took = time.monotonic(), None
    beat = zmq.Context.instance().socket(zmq.REQ)
    beat.connect(km._make_url("hb"))
    beat.send(b"beat")
    if beat.poll(limit * 1000) and beat.recv() == b"beat":
        took = time.monotonic() - began
    beat.close(linger=0)
    report(state, "heartbeat", took, took)


msg_id = execute("%%\nfmt.Println(6 * 7)")
reply, took, rest = wait_for(kc.shell_channel, msg_id, 120, "execute_reply")
report("idle", "execute_request", took, rest, status=reply and reply["content"]["status"])
ask_all("idle")
cell = running('%%\nfmt.Println("started")\nfor {\n\ttime.Sleep(10 * time.Millisecond)\n}', "started")
ask_all("busy")

# A queued cell is aborted with the one that an interrupt stops.
queued = execute("%%\nfmt.Println(1)")
if km.kernel_spec.interrupt_mode == "message":
    msg_id = send(kc.control_channel, "interrupt_request", {})
    _, took, rest = wait_for(kc.control_channel, msg_id, limit, "interrupt_reply")
    report("busy", "interrupt_request", took, rest)
else:
    km.interrupt_kernel()
reply, took, rest = wait_for(kc.shell_channel, cell, limit, "execute_reply")
report("busy", "the interrupted cell", took, rest, status=reply and reply["content"]["status"])
reply, took, rest = wait_for(kc.shell_channel, queued, limit, "execute_reply")
report("busy", "the queued cell", took, rest, status=reply and reply["content"]["status"])

# A question to the user.
msg_id = execute('%%\nfmt.Print("name? ")\nline, err := bufio.NewReader(os.Stdin).ReadString(\'\\n\')\nfmt.Printf("%q %v", line, err)')
began, took = time.monotonic(), None
while time.monotonic() - began < limit and took is None and not idle(msg_id):
    collect(kc.iopub_channel, states, 0.01)
    try:
        question = kc.get_stdin_msg(timeout=0.01)
        took = time.monotonic() - began
        kc.input("Gopher")
    except queue.Empty:
        pass
reply, took2, rest = wait_for(kc.shell_channel, msg_id, limit, "execute_reply")
text = "".join(m["content"]["text"] for m in states.get(msg_id, []) if m["msg_type"] == "stream" and m["content"]["name"] == "stdout")
report("idle", "input_request", took, rest, text=text)

# Shutdown while a cell runs.
running('%%\nfmt.Println("started")\nfor {\n\ttime.Sleep(10 * time.Millisecond)\n}', "started")
msg_id = send(kc.control_channel, "shutdown_request", {"restart": False})
began = time.monotonic()
reply, took, rest = wait_for(kc.control_channel, msg_id, limit, "shutdown_reply")
report("busy", "shutdown_request", took, rest)
while km.is_alive() and time.monotonic() - began < limit:
    time.sleep(0.05)
took = None if km.is_alive() else time.monotonic() - began
report("busy", "end of the process", took, took)
kc.stop_channels()
km.shutdown_kernel(now=True)
