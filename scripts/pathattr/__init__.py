"""pathattr: path attribution methods and their metrics, from five papers, through one integrator.

    import pathattr as pa
    maps = pa.attribute("ig", pa.Classifier(module, mean, std), x, target, steps=50)

Names are imported on first use, so that the workflow can read `pathattr.source` and `pathattr.config` without torch.
"""

import importlib

__version__ = "0.1.0"

_PUBLIC = {
    "attribute": "api",
    "baselines": "api",
    "measure": "api",
    "methods": "api",
    "metrics": "api",
    "Classifier": "model.classifier",
    "Neighbourhoods": "method.lpi",
    "InputError": "errors",
    "NotApplicable": "errors",
}
__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name in _PUBLIC:
        return getattr(importlib.import_module(f".{_PUBLIC[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return [*globals(), *__all__]
