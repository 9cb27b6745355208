"""The commands: each calls one function of the library and prints what came of it."""

from .evaluate import evaluate
from .predict import predict
from .quickstart import quickstart
from .simulate import simulate
from .train import train

__all__ = ["evaluate", "predict", "quickstart", "simulate", "train"]
