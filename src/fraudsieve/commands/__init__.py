"""The commands: each calls one function of the library and prints what came of it."""

from .compare import compare
from .evaluate import evaluate
from .monitor import monitor
from .predict import predict
from .promote import promote
from .quickstart import quickstart
from .rollback import rollback
from .simulate import simulate
from .train import train

__all__ = ["compare", "evaluate", "monitor", "predict", "promote", "quickstart", "rollback", "simulate", "train"]
