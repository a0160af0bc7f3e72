"""Puts the program into the wheel, and the platform that it runs on into the wheel's name.

The program is INFINISIM_BIN if that is set, else it is built by Go from the
checkout that this folder lies in. Without either the wheel is for any platform
and has no program: it looks for one when it runs.
"""

import os
import platform
import shutil
import subprocess
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# A program without C libraries runs on any Linux.
TAGS = {
    ("linux", "amd64"): "manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64",
    ("linux", "arm64"): "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
    ("darwin", "amd64"): "macosx_12_0_x86_64",
    ("darwin", "arm64"): "macosx_12_0_arm64",
}
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class Hook(BuildHookInterface):
    """The build hook that pyproject.toml names."""

    PLUGIN_NAME = "custom"

    def initialize(self, version, build_data):
        """Adds the program to what the wheel gets."""
        if self.target_name != "wheel" or version == "editable":
            return
        goos = os.environ.get("GOOS") or platform.system().lower()
        goarch = os.environ.get("GOARCH") or MACHINES.get(platform.machine().lower(), "")
        program = self.program(goos, goarch)
        if program is None or (goos, goarch) not in TAGS:
            self.app.display_warning("this wheel has no infinisim inside: set INFINISIM_BIN to one, or install Go")
            return
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{TAGS[goos, goarch]}"
        build_data["force_include"][str(program)] = "infinisim/bin/infinisim"

    def program(self, goos, goarch):
        """The program to put in, None for none."""
        if os.environ.get("INFINISIM_BIN"):
            return Path(os.environ["INFINISIM_BIN"]).resolve()
        root = Path(self.root).resolve().parent
        if not shutil.which("go") or not (root / "cmd" / "infinisim").is_dir():
            return None
        target = Path(self.root) / "build" / f"{goos}-{goarch}" / "infinisim"
        env = dict(os.environ, CGO_ENABLED="0", GOOS=goos, GOARCH=goarch)
        command = ["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", str(target), "./cmd/infinisim"]
        subprocess.run(command, cwd=root, env=env, check=True)
        return target
