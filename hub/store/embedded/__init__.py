"""The embedded engine: a real MongoDB server as a child process, for one machine.

    EmbeddedServer (server.py)        who starts it, who shares it, who starts it again
      ├── DataDirectory (directory.py)  the files of one data directory: secrets, port, lock, log
      ├── Mongod        (binary.py)     which program, and whether this machine can run it
      ├── ServerProcess (process.py)    one running child: arguments, exit, diagnosis
      │     └── launch.py               the few lines between fork and exec that tie it to its hub
      └── replica.py                    set-up of the one-member replica set and its user

docs/store.md tells how it is operated; docs/decisions/0010 why there is no emulator.
"""

from hub.store.embedded.server import EmbeddedServer

__all__ = ["EmbeddedServer"]
