"""Run blocks of Python that arrive as lines of JSON, all with the same names, and answer each with a line."""

import json
import sys
import traceback

__all__ = ["run_blocks"]


def run_blocks() -> None:
    """Run the blocks on standard input; an answer is empty, or the traceback of the block."""
    names: dict[str, object] = {"__name__": "__main__"}
    answers, sys.stdout = sys.stdout, sys.stderr  # what blocks print is not an answer
    for line in sys.stdin:
        place, text = json.loads(line)
        try:
            exec(compile("\n" * int(place.rpartition(":")[2]) + text, place, "exec"), names)
            answer = ""
        except BaseException:
            answer = traceback.format_exc()
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    run_blocks()
