#!/usr/bin/env python3
"""The project's own rules, those that neither a compiler nor clang-tidy knows.

Each rule is one row of RULES: what it looks for, where, and what to write instead. Every row
carries an example that it must find and one that it must let pass, and both are tried first, so a
rule that has stopped working is a failure too. A line that must break a rule says so and why:

    raw = new Thing;  // lint-allow raw-new: the C library takes ownership and frees it

Run by `./dev lint`. Ends with "N passed, N failed", where a test is one rule.
"""

import dataclasses
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("src", "tests", "tools")
SKIPPED_FOLDERS = {"node_modules", "corpus", "__pycache__"}
CPP = (".cc", ".h")


@dataclasses.dataclass
class Rule:
    """A line of a file that `where` accepts must not match `pattern`."""

    name: str
    pattern: str
    where: callable  # path relative to the root -> whether the rule reads this file
    instead: str
    bad: str  # a line that the rule must find
    good: str  # one that it must let pass
    reads_comments: bool = False  # otherwise comments and texts in quotes are blanked first


def cpp(path):
    return path.suffix in CPP


def cpp_in_src(path):
    return cpp(path) and path.parts[0] == "src"


def is_test(path):
    return path.parts[0] == "tests" or path.stem.endswith("_test")


def core_of_src(path):
    """Everything in src/ but the home of clocks and randomness."""
    return cpp_in_src(path) and path.stem not in ("clock", "random") and not is_test(path)


RULES = [
    Rule(
        "sleep-in-test",
        r"\b(sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(|\bsetTimeout\s*\(|timers/promises",
        is_test,
        "a test that sleeps is slow and fails on a busy machine: move a ManualClock, ask the "
        "server's /test/clock, or wait for the event itself",
        "std::this_thread::sleep_for(10ms);",
        "clock.advance(10);",
    ),
    Rule(
        "unfinished",
        r"\b(TODO|FIXME|XXX|HACK)\b",
        lambda path: path != pathlib.Path("tests/lint.py"),
        "finish it, or open an issue and leave the code whole",
        "// TODO: handle errors",
        "// Errors are handled by the caller.",
        reads_comments=True,
    ),
    Rule(
        "endl",
        r"\bstd::endl\b",
        cpp,
        r"'\n': std::endl flushes each time",
        "out << std::endl;",
        r"out << '\n';",
    ),
    Rule(
        "using-namespace",
        r"^using\s+namespace\s+(?!millrace\b|std::(chrono_|string_(view_)?)?literals)",
        cpp,
        "name what is used, shorten a namespace by an alias (namespace fs = std::filesystem), or "
        "write it inside the one function that needs it",
        "using namespace std;",
        "using namespace std::string_view_literals;",
    ),
    Rule(
        "line-length",
        r"^(?!\| ).{101,}$",  # but for the rows of a Markdown table
        lambda path: path.suffix in CPP + (".py", ".mjs") or path.name == "run",
        "at most 100 columns; ./dev format breaks C++ lines",
        "x" * 101,
        "x" * 100,
        reads_comments=True,
    ),
    Rule(
        "white-space",
        r"[ \t]+$|\t",
        lambda path: path.suffix in CPP + (".py", ".mjs", ".txt", ".cmake"),
        "spaces only, and none at the end of a line",
        "int a;  ",
        "  int a;",
        reads_comments=True,
    ),
    Rule(
        "raw-new",
        r"(?<!operator )\bnew\s+[A-Za-z_:]|\bdelete(\[\])?\s+[A-Za-z_*(]",
        cpp,
        "std::make_unique, std::make_shared or a container: then an error path cannot leak (where "
        "a constructor is private: std::unique_ptr<T>(new T) in one expression)",
        "auto* queue = new Queue(name);",
        "auto queue = std::make_unique<Queue>(name);",
    ),
    Rule(
        "assert",
        r"(?<![_\w])assert\s*\(",
        cpp,
        "CHECK (base/check.h), which stays on in release; in a test EXPECT_ or ASSERT_",
        "assert(count > 0);",
        "static_assert(kCountMax > 0);",
    ),
    Rule(
        "clock",
        r"\b(system_clock|steady_clock|high_resolution_clock)::now\b|\bclock_gettime\s*\(|\btime\s*"
        r"\(\s*(nullptr|NULL|0)\s*\)",
        core_of_src,
        "take `now` as a parameter; the time enters through base/clock.h, or no test can move it",
        "auto now = std::chrono::steady_clock::now();",
        "Expected<void> send(const NewMessage& message, Timestamp now);",
    ),
    Rule(
        "random",
        r"\bstd::(random_device|mt19937|default_random_engine)|\b(rand|srand|random)\s*\(\s*\)",
        core_of_src,
        "base/random.h, the one source of randomness: a seed must say all of what happened",
        "std::mt19937 generator;",
        "Random random(seed);",
    ),
    Rule(
        "print",
        r"\bstd::(cout|cerr|clog)\b|(?<![\w:])printf\s*\(|\bputs\s*\(",
        lambda path: cpp_in_src(path) and path.parts[1] != "server" and not is_test(path)
        and path.stem != "check",
        "observe/log.h: one structured line, never mixed into what a command prints",
        'std::cout << "started";',
        'log.info("started");',
    ),
    Rule(
        "regex",
        r"\bstd::regex\b|<regex>",
        cpp_in_src,
        "a small loop: std::regex recurses by the length of its input, which a client chooses",
        "std::regex pattern(text);",
        "bool valid = is_queue_name(text);",
    ),
    Rule(
        "bare-nolint",
        r"NOLINT(NEXTLINE|BEGIN)?(?!END)(?!\([a-z-]+\): \w)",
        cpp,
        "NOLINT(check-name): and the reason",
        "// NOLINT",
        "// NOLINT(bugprone-use-after-move): moved-from on purpose, the test is about that",
        reads_comments=True,
    ),
    Rule(
        "disabled-test",
        r"\bDISABLED_|\.skip\(|@unittest\.skip\b|\bit\.todo\b",
        is_test,
        "repair the test or delete it: a test that does not run is not a test",
        "TEST(Queue, DISABLED_sends) {",
        "TEST(Queue, sends) {",
        reads_comments=True,
    ),
]


def whole_file_problems(path, lines):
    """The rules about a file as a whole: (rule name, line, what to do instead)."""
    if path.suffix != ".h":
        return
    if not lines or not lines[0].startswith("//"):
        yield ("header-comment", 1, "begin with a comment: what it is for, who owns it, threads")
    if "#pragma once" not in lines:
        yield ("pragma-once", 1, "add #pragma once")


TEXT_IN_QUOTES = re.compile(r'"(\\.|[^"\\])*"|(?<![0-9a-fA-F])\'(\\.|[^\'\\])*\'')


# A `new` that is the argument of a smart pointer, also when that stands on the line before.
OWNED_AT_ONCE = re.compile(r"_ptr<\w+>( \w+)?\(new\b|^\s+new\b")


def without_comments(line, suffix):
    """The line with what stands in quotes blanked and its comment cut off."""
    line = TEXT_IN_QUOTES.sub('""', line)
    if suffix in CPP + (".mjs",):
        return re.sub(r"//.*|^\s*\*.*|/\*.*?\*/", "", line)
    return re.sub(r"(^|\s)#.*", "", line)


def finds(rule, line, suffix=".cc"):
    if f"lint-allow {rule.name}:" in line:
        return False
    text = line if rule.reads_comments else without_comments(line, suffix)
    if rule.name == "raw-new":
        text = OWNED_AT_ONCE.sub("owned(", text)
    return re.search(rule.pattern, text) is not None


def our_files():
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            relative = path.relative_to(ROOT)
            if path.is_file() and not SKIPPED_FOLDERS.intersection(relative.parts):
                try:
                    yield relative, path.read_text(encoding="utf-8").splitlines()
                except UnicodeDecodeError:
                    continue  # an image or another binary file


def main():
    problems = {rule.name: [] for rule in RULES}
    problems.update({"header-comment": [], "pragma-once": []})
    for rule in RULES:
        if not finds(rule, rule.bad):
            problems[rule.name].append("tests/lint.py: the rule does not find its own bad example")
        if finds(rule, rule.good):
            problems[rule.name].append("tests/lint.py: the rule finds its own good example")

    for path, lines in our_files():
        rules = [rule for rule in RULES if rule.where(path)]
        if path == pathlib.Path("tests/lint.py"):
            rules = [rule for rule in rules if rule.name in ("line-length", "white-space")]
        for number, line in enumerate(lines, start=1):
            for rule in rules:
                if finds(rule, line, path.suffix):
                    problems[rule.name].append(f"{path}:{number}: {line.strip()[:80]}")
        for name, number, instead in whole_file_problems(path, lines):
            problems[name].append(f"{path}:{number}: {instead}")

    advice = {rule.name: rule.instead for rule in RULES}
    failed = 0
    for name, found in problems.items():
        if not found:
            continue
        failed += 1
        print(f"{name}: {advice.get(name, 'a header is the manual of its module')}")
        for problem in found:
            print(f"    {problem}")
    print(f"{len(problems) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
