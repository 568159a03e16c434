"""The language of the cases: files read into Case and Step, names bound, answers compared.

What a case looks like is told at the head of `run`.
"""

import dataclasses
import json
import pathlib
import re


class Mistake(Exception):
    """A case is not written as it should be."""


# --- Cases ----------------------------------------------------------------------------------------

EVIDENCE = "WDE?V"
HEADERS = {"section", "evidence", "aws", "difference", "choice", "protocol"}
PROTOCOLS = ("json", "query")
UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

# The steps whose first words are these; every other step is a request of an action.
ANSWERED = {"eventually", "http", "form", "finish"}
UNANSWERED = {
    "advance", "as", "check", "counts", "hang", "queue", "send", "start", "times", "waits"
}


@dataclasses.dataclass
class Step:
    """kind: "request", or the step's first word. rest: what follows the first word (of a request:
    what follows the action). more: the lines that began with "|". answer: the indented lines."""

    line: int
    kind: str
    rest: str
    action: str = ""
    more: list = dataclasses.field(default_factory=list)
    answer: list = dataclasses.field(default_factory=list)

    @property
    def text(self):
        """The step as it is written, in one line."""
        return " ".join(filter(None, [self.action or self.kind, self.rest, *self.more]))


@dataclasses.dataclass
class Case:
    file: pathlib.Path
    line: int
    title: str
    number: int = 0
    headers: dict = dataclasses.field(default_factory=dict)
    steps: list = dataclasses.field(default_factory=list)

    @property
    def section(self):
        return int(self.headers["section"])

    @property
    def is_raw(self):
        return any(step.kind in ("http", "form") for step in self.steps)

    @property
    def protocols(self):
        """The protocols that the case is run in. One with steps of raw HTTP runs once."""
        if "protocol" in self.headers:
            return (self.headers["protocol"],)
        return PROTOCOLS[:1] if self.is_raw else PROTOCOLS


def read_cases(path):
    """The cases of a file. Raises Mistake with the line."""
    cases = []
    defaults = {}
    in_headers = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            in_headers = read_line(path, number, line, cases, defaults, in_headers)
        except Mistake as mistake:
            raise Mistake(f"{path.name}:{number}: {mistake}") from None
    for case in cases:
        try:
            check_case(case)
        except Mistake as mistake:
            raise Mistake(f"{path.name}:{case.line}: {mistake}") from None
    return cases


def read_line(path, number, line, cases, defaults, in_headers):
    """Takes one line in. @return whether the next one can still be a header."""
    if line.startswith("#") or not line.strip():
        return in_headers and line.startswith("#")
    if line.startswith("== "):
        cases.append(Case(path, number, line[3:].strip(), headers=dict(defaults)))
        return True
    if in_headers or not cases:
        headers = cases[-1].headers if cases else defaults
        if line.startswith(" "):
            last = next(reversed(headers))
            headers[last] += " " + line.strip()
            return in_headers
        name, colon, value = line.partition(":")
        if name in HEADERS and colon:
            headers.pop(name, None)
            headers[name] = value.strip()
            return in_headers
        if not cases:
            raise Mistake(f"before the first case there can only be headers, not {line!r}")
    steps = cases[-1].steps
    if line.startswith(("|", " ")):
        if not steps:
            raise Mistake("continues nothing")
        (steps[-1].more if line[0] == "|" else steps[-1].answer).append(line.lstrip("|").strip())
    else:
        steps.append(read_step(number, line))
    return False


def read_step(number, line):
    word, _, rest = line.partition(" ")
    if word in ANSWERED | UNANSWERED:
        return Step(number, word, rest.strip())
    if not re.fullmatch("[A-Z][A-Za-z]+", word):
        raise Mistake(f"{word!r} is neither a step nor an action")
    return Step(number, "request", rest.strip(), action=word)


def check_case(case):
    headers = case.headers
    for name in ("section", "evidence", "aws"):
        if name not in headers:
            raise Mistake(f"the case has no {name}")
    marks = re.findall(r"(?<!\S)[A-Z?](?![\w])", headers["evidence"])
    if not marks or any(mark not in EVIDENCE for mark in marks):
        raise Mistake(f"evidence begins with one of {', '.join(EVIDENCE)}")
    if "difference" in headers and "choice" in headers:
        raise Mistake("where AWS's behaviour is known it is a difference, else a choice")
    if headers.get("protocol", "json") not in PROTOCOLS:
        raise Mistake(f"protocol is one of {PROTOCOLS}")
    if not case.steps:
        raise Mistake("the case does nothing")
    for step in case.steps:
        answered = step.kind in ANSWERED or step.kind == "request"
        if answered != bool(step.answer):
            raise Mistake(f"line {step.line}: {'needs' if answered else 'cannot have'} an answer")


def read_length(text):
    """Milliseconds of "30s"."""
    match = re.fullmatch(r"(\d+)(ms|s|m|h|d)", text)
    if not match:
        raise Mistake(f"{text!r} is no length of time, such as 30s")
    return int(match[1]) * UNITS[match[2]]


# --- Names and what stands for them ---------------------------------------------------------------

NAME = re.compile(r"\$([a-z][a-z0-9_]*)")
SUM = re.compile(r"\$([a-z][a-z0-9_]*) ([+-]) (\d+)")
REPEAT = re.compile(r"\$repeat\((\d+); ?([^)]*)\)")
LIST = re.compile(r"\$list\((\d+); ?([^)]*)\)")


def expand(text):
    """Writes out each $repeat(count; text) and $list(count; text with $n)."""
    text = LIST.sub(
        lambda found: ", ".join(
            found[2].replace("$n", str(number)) for number in range(1, int(found[1]) + 1)
        ),
        text,
    )
    return REPEAT.sub(lambda found: found[2] * int(found[1]), text)


def json_escaped(value):
    return json.dumps(str(value), ensure_ascii=False)[1:-1]


def substitute(text, bindings, escape=str):
    """`text` with each $name replaced by its value. Raises Mistake where it has none."""

    def value_of(found):
        if found[1] not in bindings:
            raise Mistake(f"{found[0]} has no value yet")
        return escape(bindings[found[1]])

    return NAME.sub(value_of, expand(text))


# --- Comparing ------------------------------------------------------------------------------------

ANY_ORDER = "in any order"


def difference(pattern, value, bindings, where="answer"):
    """What differs between a pattern and a value, or None; binds the names that are new."""
    if isinstance(pattern, str):
        return text_difference(pattern, value, bindings, where)
    if isinstance(pattern, dict) and isinstance(value, dict):
        return object_difference(pattern, value, bindings, where)
    if isinstance(pattern, list) and isinstance(value, list):
        return list_difference(pattern, value, bindings, where)
    if pattern == value and isinstance(pattern, bool) == isinstance(value, bool):
        return None
    return mismatch(where, pattern, value)


def shown(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 2000 else f"{text[:1000]} … ({len(text)} characters)"


def mismatch(where, pattern, value):
    return f"{where}:\n  expected {shown(pattern)}\n  got      {shown(value)}"


def text_difference(pattern, value, bindings, where):
    sum_of = SUM.fullmatch(pattern)
    if sum_of and sum_of[1] in bindings:
        sign = 1 if sum_of[2] == "+" else -1
        wanted = type(value)(int(bindings[sum_of[1]]) + sign * int(sum_of[3]))
        return None if value == wanted else mismatch(where, wanted, value)
    name = NAME.fullmatch(pattern)
    if name and name[1] not in bindings and isinstance(value, (str, int)):
        bindings[name[1]] = value
        return None
    if name and name[1] in bindings:
        wanted = bindings[name[1]]
        return None if wanted == value else mismatch(f"{where}, {pattern}", wanted, value)
    if not isinstance(value, str):
        return mismatch(where, pattern, value)
    if pattern.startswith("~"):
        return None if re.fullmatch(pattern[1:], value) else mismatch(where, pattern, value)
    if pattern == "*":
        return None
    wanted = substitute(pattern, bindings)
    return None if wanted == value else mismatch(where, wanted, value)


def object_difference(pattern, value, bindings, where):
    missing = [key for key in pattern if key not in value]
    surplus = [key for key in value if key not in pattern]
    if missing or surplus:
        told = [f"{key} is missing" for key in missing]
        told += [f"{key} is not expected: {shown(value[key])}" for key in surplus]
        return f"{where}: {'; '.join(told)}"
    for key in pattern:
        wrong = difference(pattern[key], value[key], bindings, f"{where}.{key}")
        if wrong:
            return wrong
    return None


def list_difference(pattern, value, bindings, where):
    if pattern[:1] == [ANY_ORDER]:
        return unordered_difference(pattern[1:], value, bindings, where)
    if len(pattern) != len(value):
        return mismatch(where, pattern, value)
    for i, (one, other) in enumerate(zip(pattern, value)):
        wrong = difference(one, other, bindings, f"{where}[{i}]")
        if wrong:
            return wrong
    return None


def unordered_difference(pattern, value, bindings, where):
    """Every element of the pattern takes the first value that is left and that it fits."""
    left = list(value)
    for one in pattern:
        for i, other in enumerate(left):
            tried = dict(bindings)
            if difference(one, other, tried) is None:
                bindings.update(tried)
                del left[i]
                break
        else:
            return mismatch(f"{where}, in any order", one, left)
    return mismatch(f"{where}: more than expected", [], left) if left else None


def text_pattern_difference(pattern, text, bindings, where):
    """Compares a raw text: "*" is any run of characters without "<", and $names as elsewhere."""
    parts = re.split(r"(\*|\$[a-z][a-z0-9_]*)", expand(pattern))
    fresh = []
    regex = ""
    for part in parts:
        name = NAME.fullmatch(part)
        if part == "*":
            regex += "[^<]*"
        elif name and name[1] in bindings:
            regex += re.escape(str(bindings[name[1]]))
        elif name:
            fresh.append(name[1])
            regex += "([^<]*)"
        else:
            regex += re.escape(part)
    match = re.fullmatch(regex, text, re.DOTALL)
    if not match:
        return mismatch(where, pattern, text)
    bindings.update(zip(fresh, match.groups()))
    return None
