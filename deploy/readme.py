"""Fills the README's examples with what a running demo hub really answers.

    python deploy/readme.py http://127.0.0.1:8470 .tutti/demo-keys.json

Between the markers `<!-- run: NAME -->` and `<!-- end -->` stands the command and its output; this
script runs the command as it stands there and writes the output anew. A figure in the README that was
typed by hand would be wrong after the next change.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(
    r"(<!-- run: [\w-]+ -->\n```sh\n)(.*?)(\n```\n)(```\w*\n.*?\n```\n)?(<!-- end -->)", re.DOTALL
)


def fill(text: str, url: str, keys: dict[str, str]) -> str:
    """Return the README with every example's output as it is now."""
    environment = {
        **os.environ,
        "HUB": url,
        "BROWSE": keys["browse"],
        "AGENT": keys["agent"],
        "RENDERER": keys["renderer"],
        "ADMIN": keys["admin"],
        "TOKEN": json.loads(json.dumps(keys["tokens"]))["persona-ada"],
    }

    def rerun(found: re.Match[str]) -> str:
        done = subprocess.run(  # noqa: S602 - our own README's commands, as a reader would run them
            found[2], shell=True, check=True, capture_output=True, text=True, env=environment
        )
        return f"{found[1]}{found[2]}{found[3]}```text\n{done.stdout.rstrip()}\n```\n{found[5]}"

    return BLOCK.sub(rerun, text)


if __name__ == "__main__":
    README.write_text(fill(README.read_text(), sys.argv[1], json.loads(Path(sys.argv[2]).read_text())))
