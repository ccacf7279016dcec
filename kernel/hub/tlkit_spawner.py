"""Starts each user's server as a process of this machine, in a control group of the user's where these can be written.

Written by "tlkernel hub", anew at each start; jupyterhub_config.py names it.
"""

import os
from pathlib import Path

from jupyterhub.spawner import LocalProcessSpawner
from traitlets import Unicode

CGROUPS = Path("/sys/fs/cgroup")
PROCESSES = 4096


def delegate():
    """Makes the parent of the users' groups and gives it the controllers: a restart of the machine takes both away."""
    parent = CGROUPS / "tlkit-hub"
    parent.mkdir(exist_ok=True)
    for path in (CGROUPS, parent):
        (path / "cgroup.subtree_control").write_text("+memory +cpu +pids")


class LocalSpawner(LocalProcessSpawner):
    """JupyterHub's local spawner, with limits on memory, cores and processes by control groups."""

    limits = Unicode("rlimit", config=True, help="cgroup1, cgroup2, or rlimit, which tlkernel hub-session sets")

    def make_preexec_fn(self, name):
        become_user = super().make_preexec_fn(name)
        groups = self.make_groups(name)

        def enter():
            for group in groups:
                (group / "cgroup.procs").write_text("0")
            become_user()

        return enter

    def make_groups(self, name):
        """Returns the user's control groups, made if need be; processes of earlier servers of the user stay in them."""
        if self.limits == "cgroup2":
            delegate()
            return [self.group(CGROUPS / "tlkit-hub" / name, {
                "memory.max": self.mem_limit or "max",
                "memory.swap.max": 0 if self.mem_limit else "max",
                "cpu.max": f"{int(self.cpu_limit * 100000)} 100000" if self.cpu_limit else "max 100000",
                "pids.max": PROCESSES,
            })]
        if self.limits == "cgroup1":
            return [
                self.group(CGROUPS / "memory/tlkit-hub" / name, {"memory.limit_in_bytes": self.mem_limit or -1}),
                self.group(CGROUPS / "cpu/tlkit-hub" / name, {
                    "cpu.cfs_period_us": 100000,
                    "cpu.cfs_quota_us": int(self.cpu_limit * 100000) if self.cpu_limit else -1,
                }),
                self.group(CGROUPS / "pids/tlkit-hub" / name, {"pids.max": PROCESSES}),
            ]
        return []

    def group(self, path, settings):
        path.mkdir(parents=True, exist_ok=True)
        for file, value in settings.items():
            if "swap" in file and not (path / file).exists():  # a kernel without accounting of swap
                continue
            (path / file).write_text(str(int(value)) if isinstance(value, float) else str(value))
        return path
