"""Run blocks of Python that arrive as lines of JSON, all with the same names, and answer each with a line."""

import json
import sys
import traceback

names: dict[str, object] = {"__name__": "__main__"}
for line in sys.stdin:
    place, text = json.loads(line)
    try:
        exec(compile("\n" * int(place.rpartition(":")[2]) + text, place, "exec"), names)
        answer = ""
    except BaseException:
        answer = traceback.format_exc()
    sys.__stdout__.write(json.dumps(answer) + "\n")
    sys.__stdout__.flush()
