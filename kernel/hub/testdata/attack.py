"""What one user of a hub tries at another's: prints a line "got: ..." for each thing that could be read or done.

    attack.py VICTIM HUB-FOLDER HUB-ADDRESS PID...

PID are processes of the victim's. Run by the victim, it shows that each attempt can succeed.
"""

import os
import pwd
import re
import socket
import stat
import sys
import urllib.request

victim, folder, address, pids = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
uid, home = pwd.getpwnam(victim).pw_uid, pwd.getpwnam(victim).pw_dir


counts = {}


def got(what):
    """Says what was had; of many things of one kind, such as files, the first ones."""
    kind = what.split()[0]
    counts[kind] = counts.get(kind, 0) + 1
    if counts[kind] <= 20 or "private.txt" in what:
        print("got:", what)


# Files and sockets of the victim's, wherever they are.
for top, dirs, files in os.walk("/", onerror=lambda e: None):
    if top == "/":
        dirs[:] = [d for d in dirs if d not in ("proc", "sys")]
    for name in files + dirs:
        path = os.path.join(top, name)
        try:
            s = os.lstat(path)
        except OSError:
            continue
        if s.st_uid != uid or stat.S_ISLNK(s.st_mode):
            continue
        if stat.S_ISSOCK(s.st_mode):
            try:
                socket.socket(socket.AF_UNIX).connect(path)
                got(f"socket {path}")
            except OSError:
                pass
        elif os.access(path, os.R_OK) or os.access(path, os.W_OK):
            got(f"{'folder' if stat.S_ISDIR(s.st_mode) else 'file'} {path}")
        elif stat.S_ISDIR(s.st_mode) and os.access(path, os.X_OK):
            got(f"entry to {path}")

# Processes: that they are there, arguments, environment, memory, files; and signals.
for pid in pids:
    for what in ("", "cmdline", "environ", "maps", "fd", "cwd", "status"):
        path = os.path.join("/proc", pid, what)
        try:
            if what in ("", "fd"):
                os.listdir(path)
            elif what == "cwd":
                os.readlink(path)
            else:
                open(path, "rb").read(1)
            got(f"process {path}")
        except OSError:
            pass
    try:
        os.kill(int(pid), 0)
        got(f"signal to {pid}")
    except OSError:
        pass
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        owner = os.stat(f"/proc/{pid}").st_uid
        if owner == uid:
            got(f"sight of process {pid}")
        elif owner == 0 and os.getuid() != 0:
            got(f"sight of root's process {pid}")
    except OSError:
        pass

# Secrets of the hub.
for name in ("jupyterhub_config.py", "jupyterhub.sqlite", "cookie_secret", "passwords.txt", "class-password", "users.txt"):
    for mode in ("rb", "r+b"):
        try:
            open(os.path.join(folder, name), mode).read(1)
            got(f"hub's file {name} ({mode})")
        except OSError:
            pass
try:
    os.listdir(folder)
    got("list of the hub's folder")
except OSError:
    pass

# Everything that listens: no kernel's socket may be among it, and no server may serve the victim without a token.
ports = set()
for file in ("/proc/net/tcp", "/proc/net/tcp6"):
    for line in open(file).readlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and int(fields[7]) >= 1000 or fields[3] == "0A" and fields[7] == "0":
            ports.add((int(fields[1].rsplit(":", 1)[1], 16), int(fields[7])))
for port, owner in sorted(ports):
    try:
        s = socket.create_connection(("127.0.0.1", port), 1)
        s.settimeout(0.3)
        greeting = s.recv(10)
        if owner == uid and greeting.startswith(b"\xff"):
            got(f"a ZeroMQ socket on port {port}, of user {owner}")
        s.close()
    except OSError:
        pass
    if owner != uid and owner != 0:
        continue
    for path in (f"/user/{victim}/api/contents", f"/user/{victim}/api/kernels", f"/user/{victim}/files/private.txt", "/api/routes", "/hub/api/users", "/hub/metrics", "/metrics"):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as r:
                text = r.read(4096)
            if not re.search(rb"<html", text, re.I):  # a page to log in
                got(f"http port {port} {path}: {text[:80]!r}")
        except Exception:
            pass

# The victim's server and the hub, with this user's own token.
token = os.environ.get("JUPYTERHUB_API_TOKEN", "")
for method, path in (("GET", f"/user/{victim}/api/contents"), ("GET", f"/user/{victim}/api/kernels"), ("GET", f"/hub/api/users/{victim}"),
                     ("POST", f"/hub/api/users/{victim}/tokens"), ("DELETE", f"/hub/api/users/{victim}/server"), ("GET", "/hub/api/users")):
    if method == "DELETE" and os.getuid() == uid:
        continue
    request = urllib.request.Request(address + path, method=method, headers={"Authorization": f"token {token}"}, data=b"{}" if method == "POST" else None)
    try:
        with urllib.request.urlopen(request, timeout=5) as r:
            text = r.read(4096)
        if path.startswith(f"/user/{victim}/api/") and not re.search(rb"<html", text, re.I) or victim.encode() in text or b'"token"' in text:
            got(f"{method} {path}: {text[:80]!r}")
    except Exception:
        pass
print("done", sum(counts.values()))
