"""What a parameter may be. A registered function says it once, by its annotations: `source` reads them as text before the first
job, and the library checks the values of a call by the same schemas and in the same words. No torch.
"""

import operator
from numbers import Integral, Real

# Annotations of numbers, besides int, a count from 1 to a million, and float, any finite number.
Positive = NonNegative = float
Share = float  # above 0, below 1
Fraction = float  # above 0, at most 1
Margin = float  # above 0, at most 0.5
Blur = float  # a standard deviation in pixels, above 0, at most 1000
Points = int  # 1 to 10 000, where all are computed for one image
Draws = int  # 3 to 10 000, enough for a correlation
Side = int  # pixels of an image
OtherClasses = int  # at most the classes that an image is not of
TrainingImages = int  # at most those that there are
Pixels = int  # at most the shorter side of the image
Classes = str | list | dict  # the path of a file with a class a line, a list of classes, or {class: number}

COUNT, NUMBER = {"type": "integer", "minimum": 1, "maximum": 1_000_000}, {"type": "number"}
BOUNDS = {  # annotation -> its schema; "limit": what there must be as many of, where their number is known
    "bool": {"type": "boolean"},
    "str": {"type": "string"},
    "dict": {"type": "object"},
    "int": COUNT,
    "Points": COUNT | {"maximum": 10_000},
    "Draws": COUNT | {"minimum": 3, "maximum": 10_000},
    "Side": COUNT | {"maximum": 10_000},
    "OtherClasses": COUNT | {"limit": "other classes"},
    "TrainingImages": COUNT | {"limit": "training images"},
    "Pixels": COUNT | {"limit": "pixels of the image's shorter side"},
    "float": NUMBER,
    "Positive": NUMBER | {"exclusiveMinimum": 0},
    "NonNegative": NUMBER | {"minimum": 0},
    "Share": NUMBER | {"exclusiveMinimum": 0, "exclusiveMaximum": 1},
    "Margin": NUMBER | {"exclusiveMinimum": 0, "maximum": 0.5},
    "Blur": NUMBER | {"exclusiveMinimum": 0, "maximum": 1000},
    "Fraction": NUMBER | {"exclusiveMinimum": 0, "maximum": 1},
    "Classes": {
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True},
            {"type": "object", "additionalProperties": COUNT | {"minimum": 0}, "minProperties": 1},
        ]
    },
}

WORDS = {"integer": "a whole number", "number": "a finite number", "boolean": "true or false", "string": "text",
         "null": "null", "array": "a list", "object": "a mapping"}  # fmt: skip
LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "multipleOf": "a multiple of {}",
    "minItems": "at least {} long",
    "maxItems": "at most {} long",
    "minProperties": "with at least {} key",
    "maxProperties": "with at most {} key",
    "uniqueItems": "each value once",
}
BETWEEN = {
    "minimum": operator.ge,
    "maximum": operator.le,
    "exclusiveMinimum": operator.gt,
    "exclusiveMaximum": operator.lt,
}


def is_whole(value) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value) -> bool:
    """Whether it is a number that a float holds: not NaN, not infinite."""
    return isinstance(value, Real) and not isinstance(value, bool) and bool(-1e300 < value < 1e300)


KINDS = {
    "integer": is_whole,
    "number": is_number,
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "null": lambda value: value is None,
    "array": lambda value: isinstance(value, list | tuple),
    "object": lambda value: isinstance(value, dict),
}


def accepted(schema: dict, there=None) -> str:
    """What a schema takes, in words. `there`: what a "limit" names -> how many there are."""
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(accepted(option, there) for option in schema["anyOf"])
    if "pattern" in schema:
        return f"text like {schema['pattern']}"
    types = schema.get("type", "any value")
    text = " or ".join(WORDS.get(kind, kind) for kind in ([types] if isinstance(types, str) else types))
    limits = {key: words.format(schema[key]) for key, words in LIMITS.items() if key in schema}
    if schema.get("limit") in (there or {}):
        limits["maximum"] = f"at most the {there[schema['limit']]} {schema['limit']}"
    return ", ".join([text, *limits.values()])


def fault(value, schema: dict, there=None):
    """The first thing in a value that its schema does not take, as (its place in it, the thing, its schema); None: it fits."""
    if "anyOf" in schema:
        fits = any(fault(value, option, there) is None for option in schema["anyOf"])
        within = [option for option in schema["anyOf"] if "type" in option and KINDS[option["type"]](value)]  # to say where in it
        return None if fits else fault(value, within[0], there) if within else ((), value, schema)
    if "enum" in schema:
        return None if any(type(one) is type(value) and one == value for one in schema["enum"]) else ((), value, schema)
    kind = schema["type"]
    fits = KINDS[kind](value)
    if fits and kind in ("integer", "number"):
        fits = all(holds(value, schema[key]) for key, holds in BETWEEN.items() if key in schema)
        fits = fits and value <= (there or {}).get(schema.get("limit"), value)
    elif fits and kind == "array":
        fits = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
        told = [float(one) if is_number(one) else repr(one) for one in value]
        fits = fits and not (schema.get("uniqueItems") and len(set(told)) < len(told))
    elif fits and kind == "object":
        fits = schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", len(value))
    if not fits:
        return (), value, schema
    inner = {"array": "items", "object": "additionalProperties"}.get(kind)
    for place, one in (value.items() if kind == "object" else enumerate(value)) if inner in schema else ():
        if found := fault(one, schema[inner], there):
            return (place, *found[0]), *found[1:]
    return None


def among(value, names) -> str:
    """What is accepted in a name's place, and which of it was meant, where one is near."""
    names = list(map(str, names))
    return f"accepted: {', '.join(names) or 'none here'}{near(value, names)}"


def near(value, names) -> str:
    """Which of some names was meant, "" where none is near."""
    import difflib

    found = [one for one in difflib.get_close_matches(str(value), names, 1) if one != value]
    return "".join(f"; did you mean {one}?" for one in found)


def broken(conditions, given: dict, more=None) -> str:
    """What to say of the first condition (an expression -> words) that does not hold of parameters `given` and what is known
    `more`; "" if all do that name nothing else."""
    known = {"len": len, "set": set, **given, **(more or {})}
    for condition, words in (conditions or {}).items():
        code = compile(condition, "condition", "eval")
        if set(code.co_names) <= known.keys() and not eval(code, {"__builtins__": {}}, known):
            found = ", ".join(f"{name} {given[name]!r}" for name in dict.fromkeys(code.co_names) if name in given)
            return f"found {found}; accepted: {words}" if found else f"accepted: {words}"
    return ""
