"""`python -m hub` is `tutti`."""

from hub.cli import main

main()
