"""Times cells in Jupyter kernels; bench/kernel runs it.

Reads {"kernels": [...], "rounds": n, "timeout": s, "cases": [...]} from standard
input. A case is {"name", "setup": {kernel: code}, "cell": {kernel: code}}. Each case
is timed in two modes: "changed", where ROUND in the cell is another number each
time, and "again", where it is not. In each round the cell runs in each kernel in
turn. One JSON line per cell, with the seconds from the request until the kernel is
idle again.
"""

import json
import queue
import sys
import time

from jupyter_client.manager import KernelManager

job = json.load(sys.stdin)


class Kernel:
    def __init__(self, name):
        self.name = name
        self.km = KernelManager(kernel_name=name)
        began = time.monotonic()
        self.km.start_kernel()
        self.kc = self.km.blocking_client()
        self.kc.start_channels()
        self.kc.wait_for_ready(timeout=job["timeout"])
        self.started = time.monotonic() - began

    def run(self, code):
        """Returns the seconds that a cell takes; fails if the cell fails."""
        began = time.monotonic()
        msg_id = self.kc.execute(code)
        end = began + job["timeout"]
        error = None
        while True:
            try:
                msg = self.kc.get_iopub_msg(timeout=max(0.1, end - time.monotonic()))
            except queue.Empty:
                raise SystemExit(f"{self.name}: no end of a cell after {job['timeout']} s:\n{code}")
            if msg["parent_header"].get("msg_id") != msg_id:
                continue
            if msg["msg_type"] == "error":
                error = "\n".join(msg["content"]["traceback"]) or msg["content"]["evalue"]
            if msg["msg_type"] == "stream":
                self.said = msg["content"]["text"]
            if msg["msg_type"] == "status" and msg["content"]["execution_state"] == "idle":
                break
        if error:
            raise SystemExit(f"{self.name}: a cell failed:\n{code}\n{error}\n{getattr(self, 'said', '')}")
        return time.monotonic() - began


kernels = []
try:
    for name in job["kernels"]:
        k = Kernel(name)
        kernels.append(k)
        print(json.dumps({"kernel": name, "case": "start", "seconds": k.started}), flush=True)
    number = 0
    for case in job["cases"]:
        for k in kernels:
            if case["setup"].get(k.name):
                k.run(case["setup"][k.name])
        for mode in ("changed", "again"):
            for k in kernels:  # what must be compiled once is compiled now
                k.run(case["cell"][k.name].replace("ROUND", str(number)))
            for _ in range(job["rounds"]):
                if mode == "changed":
                    number += 1
                for k in kernels:
                    seconds = k.run(case["cell"][k.name].replace("ROUND", str(number)))
                    print(json.dumps({"kernel": k.name, "case": case["name"], "mode": mode, "seconds": seconds}), flush=True)
            number += 1
finally:
    for k in kernels:
        k.km.shutdown_kernel(now=True)
