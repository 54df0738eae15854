"""Runs the shell commands of the README that call our tools; fails with the first.

usage: readme.py SOURCE_DIR BUILD_DIR
"""

import pathlib
import subprocess
import sys


def commands(text: str):
    """Indented command lines, continuations joined."""
    command = ""
    for line in text.split("\n"):
        if not line.startswith("    "):
            command = ""
            continue
        line = line.strip()
        if line.startswith("#"):
            continue
        command = f"{command} {line.removesuffix(chr(92))}".strip()
        if not line.endswith(("\\", "|")):
            if command.startswith(("build/bin/", "mlir-opt-22")):
                yield command
            command = ""


def main() -> int:
    source, build = (pathlib.Path(argument) for argument in sys.argv[1:])
    found = list(commands((source / "README.md").read_text()))
    for command in found:
        # The build folder of this run may have another name.
        command = command.replace("build/", f"{build}/")
        result = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=source,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0 or not result.stdout.strip():
            print(f"failed: {command}\n{result.stdout}{result.stderr}")
            return 1
    print(f"{len(found)} commands ran")
    return len(found) == 0


if __name__ == "__main__":
    sys.exit(main())
