"""docs/compatibility.md, made from the cases."""

SECTIONS = {
    1: "Protocols",
    2: "Errors",
    3: "Endpoints, queue URLs and ARNs",
    4: "Who is calling",
    5: "Permissions and policies",
    6: "Queue names and attributes",
    7: "The message",
    8: "Batches",
    9: "The actions",
    10: "Standard queues",
    11: "FIFO queues",
    12: "Dead-letter queues",
    13: "Message move tasks",
    14: "Fair queues",
    15: "Encryption at rest",
    17: "Quotas",
    18: "Digests",
}

HEAD = """\
# Compatibility with Amazon SQS

<!-- Made by `./dev docs` from the cases in tests/conformance/cases. -->

Each row is a case of the conformance suite, which asks the real server, in both protocols where
both can ask. `tests/conformance/cases/run "<a part of its title>"` runs one. How a fact is known:

| mark | what AWS does is known because it was |
| --- | --- |
| W | seen on the wire |
| D | documented by AWS |
| E | claimed by an emulator or in reports; a text may differ by a word |
| V | recomputed from recorded values |
| ? | not known; the row tells what Millrace chose |"""


LISTS = (
    ("Differences by choice", "What AWS does is known, and Millrace does otherwise.", "difference"),
    ("Where AWS's behaviour is not known", "What Millrace chose.", "choice"),
)


def escaped(text):
    """The text for Markdown, which else takes <name> for HTML and * for emphasis."""
    for mark, written in (("<", "&lt;"), ("*", "\\*"), ("|", "\\|")):
        text = text.replace(mark, written)
    return text


def millrace_does(case):
    return case.headers.get("difference") or case.headers.get("choice") or "the same"


def section_table(number, cases):
    lines = [
        f"## {SECTIONS[number]}",
        "",
        "| case | what AWS does | what Millrace does | known |",
        "| --- | --- | --- | --- |",
    ]
    for case in cases:
        cells = [case.title, case.headers["aws"], millrace_does(case), case.headers["evidence"]]
        lines.append("| " + " | ".join(map(escaped, cells)) + " |")
    return "\n".join(lines)


def list_of(title, explanation, cases, header):
    lines = [f"## {title}", "", explanation, ""]
    lines += [f"- **{escaped(case.title)}**: {escaped(case.headers[header])}" for case in cases]
    return "\n".join(lines)


def markdown(cases):
    parts = [HEAD]
    for number in sorted({case.section for case in cases}):
        parts.append(section_table(number, [case for case in cases if case.section == number]))
    for title, explanation, header in LISTS:
        chosen = [case for case in cases if header in case.headers]
        if chosen:
            parts.append(list_of(title, explanation, chosen, header))
    return "\n\n".join(parts)
