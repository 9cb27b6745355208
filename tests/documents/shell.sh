# Functions around the commands of a pasted block, so that the block itself stays as it is written.
set -e -a -o pipefail

# What is installed is what the block asks for: the extras must exist.
pip() {
    [ "$1" = install ]
    local extra
    for extra in $(printf '%s\n' "$@" | grep -o '\[[a-z,]*\]' | tr -d '[]' | tr ',' ' '); do
        grep -q "^$extra = \[" "$PROJECT" || { echo "pip: no extra $extra" >&2; return 1; }
    done
}

stop_server() {
    if [ -s server.pid ]; then
        kill "$(cat server.pid)" 2>/dev/null || true
        local waited=0
        # At most a minute: where nobody waits for a process that has ended, it seems to exist.
        while kill -0 "$(cat server.pid)" 2>/dev/null && [ $((waited += 1)) -lt 600 ]; do sleep 0.1; done
        rm server.pid
    fi
}

# A server goes on behind the block until the next one; it is ready when the block continues.
serve() {
    case "$*" in *postgresql://*) echo "not run: a database of the reader's" >&2; return 0 ;; esac
    stop_server
    command fraudsieve serve --port "$PORT" "$@" >server.log 2>&1 &
    echo $! >server.pid
    local waited=0
    until command curl -sf "localhost:$PORT/readyz" >/dev/null; do
        kill -0 "$(cat server.pid)" && [ $((waited += 1)) -lt 3000 ] || { tail -n 20 server.log >&2; return 1; }
        sleep 0.2
    done
}

# A reader who comes upon a command again does not run it again, but has its output.
once() {
    local code=0 output="printed by ${*//[^[:alnum:]]/_}"
    [ -e "$output" ] || $COMMAND "$@" >"$output" 2>&1 || code=$?
    cat "$output"
    [ $code = 0 ] || rm "$output"
    return $code
}

# People answer the page of a draw, each record as the model says, and save their answers.
people() {
    python -W ignore - <<'END'
import pandas as pd
drawn = pd.read_csv("draw.csv")
label = drawn["probability"].ge(0.5).map({True: "fraud", False: "legitimate"})
answers = drawn[["subject_id", "why_drawn", "inclusion_probability", "model_digest"]].assign(
    label=label, confidence=None, comment="", reviewer="ann", answered_at=pd.Timestamp.now("UTC").isoformat()
)
answers.to_csv("answers-ann.csv", index=False)
END
}

fraudsieve() {
    local code=0
    if [ "$1" = serve ]; then shift; serve "$@"; return; fi
    case $1 in quickstart | train | evaluate | predict) once "$@"; return ;; esac
    $COMMAND "$@" || code=$?
    case "$1 $2 $*" in "review draw"*--page*--output\ draw.csv* | "review draw"*--output\ draw.csv*--page*) people ;; esac
    # A bound may be exceeded (3), and a refused challenger leaves nothing to roll back (2): both are answers.
    case "$1 $code" in "monitor 3" | "rollback 2") code=0 ;; esac
    return $code
}

# An answer that is not 200 fails the block.
curl() { command curl -sS --fail-with-body "${@//localhost:8000/localhost:$PORT}"; }

# Programs of the reader's that this machine may not have.
kcat() { echo "not run: a broker of the reader's" >&2; }
pg_dump() { echo "not run: a database of the reader's" >&2; }
sqlite3() { if type -P sqlite3 >/dev/null; then command sqlite3 "$@"; else cp "$1" backup/; fi; }
mlflow() { echo "not run: a server of MLflow" >&2; }
