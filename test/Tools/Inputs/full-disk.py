"""Runs a command on the fake driver, with its cache in a folder where no file can
grow beyond 16 KiB.

    full-disk.py FOLDER COMMAND...
"""

import os
import resource
import signal
import sys

folder, *command = sys.argv[1:]
# Inherited by the command: a write beyond the limit fails instead of killing.
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))
os.environ["INDEXER_CACHE_DIR"] = folder
os.execvp(command[0], command)
