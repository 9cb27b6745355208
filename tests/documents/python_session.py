"""Run blocks of Python that arrive as lines of JSON, and answer each with a line; names last as long as a document."""

import json
import sys
import traceback

__all__ = ["run_blocks"]


def run_blocks() -> None:
    """Run the blocks on standard input; an answer is empty, or the traceback of the block."""
    names, of = dict[str, object](), ""
    answers, sys.stdout = sys.stdout, sys.stderr  # what blocks print is not an answer
    for line in sys.stdin:
        place, text = json.loads(line)
        document, _, number = place.rpartition(":")
        if document != of:
            names, of = {"__name__": "__main__"}, document
        try:
            exec(compile("\n" * int(number) + text, place, "exec"), names)
            answer = ""
        except BaseException:
            answer = traceback.format_exc()
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    run_blocks()
