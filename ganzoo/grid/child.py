"""``python -m ganzoo.grid.child WORDS`` is ``ganzoo WORDS``, for as long as the process that started it lives.

That process holds the other end of the pipe which is standard input here.
"""

from __future__ import annotations

import runpy
import sys

from ganzoo.distributed.parent import end_when_closed
from ganzoo.training.signals import ask_to_stop

if __name__ == "__main__":
    end_when_closed(sys.stdin.fileno(), ask_to_stop)
    runpy.run_module("ganzoo", run_name="__main__", alter_sys=True)
