"""The commands: each calls one function of the library and prints what came of it."""

from .evaluate import evaluate
from .monitor import monitor
from .predict import predict
from .quickstart import quickstart
from .simulate import simulate
from .train import train

__all__ = ["evaluate", "monitor", "predict", "quickstart", "simulate", "train"]
