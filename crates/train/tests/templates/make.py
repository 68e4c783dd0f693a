"""Renders chats and small templates with transformers, for the tests to compare with.

    pip install transformers==4.57.6 jinja2==3.1.6
    python crates/train/tests/templates/make.py

writes expected.json and snippets.json. Templates are those in own/ and, where it is there, in the folder
shared/templates beside the repository: of those, which are other people's, only a hash and a length
of each text is written.
"""

import copy
import datetime
import json
import pathlib

import jinja2
import transformers.utils.chat_template_utils as chat_template_utils
from snippets import VARIABLES, snippets

HERE = pathlib.Path(__file__).resolve().parent
PUBLISHED = HERE.parents[4] / "shared" / "templates"

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "What the weather is: \"sky\" & <degrees> in °C",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Where"},
                    "days": {"type": ["integer", "null"], "minimum": 0, "maximum": 1e3},
                    "tags": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
                },
                "required": ["city"],
            },
        },
    },
    {"type": "function", "function": {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}}},
]


class Clock(datetime.datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz=None):
        return cls(2025, 3, 9, 5, 7, 3)


chat_template_utils.datetime = Clock


def render(template, chat, **kwargs):
    # As `apply_chat_template` of a tokenizer with these special tokens does it.
    rendered, _ = chat_template_utils.render_jinja_template(
        conversations=[copy.deepcopy([copy.copy(m) for _ in range(chat.get("repeat", 1)) for m in chat["messages"]])],
        tools=TOOLS if chat.get("tools") else None,
        documents=chat.get("documents"),
        chat_template=template,
        **SPECIAL,
        **chat.get("kwargs", {}),
        **kwargs,
    )
    return rendered[0]


def fnv(text):
    """64 bits of FNV-1a: enough to tell texts apart."""
    state = 0xCBF29CE484222325
    for byte in text.encode():
        state = (state ^ byte) * 0x100000001B3 % 2**64
    return f"{state:016x}"


def attempt(whole, function, *args, **kwargs):
    try:
        text = function(*args, **kwargs)
        text.encode()
    except Exception as error:
        raised = whole and type(error) is jinja2.TemplateError
        return {"raised": str(error)} if raised else {"error": str(error) if whole else True}
    return {"text": text} if whole else {"fnv": fnv(text), "length": len(text.encode())}


def expected():
    chats = json.loads((HERE / "chats.json").read_text())
    folders = [(HERE / "own", True), (PUBLISHED, False)]
    files = [(path, whole) for folder, whole in folders for path in sorted(folder.glob("*.jinja"))]
    for path, whole in files:
        template = path.read_text()
        for chat in chats:
            endings = {
                "whole": {},
                "prompt": {"add_generation_prompt": True},
                "continued": {"continue_final_message": True},
            }
            yield {
                "template": path.stem,
                "own": whole,
                "chat": chat["name"],
                **{name: attempt(whole, render, template, chat, **kwargs) for name, kwargs in endings.items()},
            }


def small():
    for template in dict.fromkeys(snippets()):
        compiled = lambda: chat_template_utils._compile_jinja_template(template)
        yield {"template": template, **attempt(True, lambda: compiled().render(**VARIABLES))}


def write(name, head, cases):
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    head = json.dumps(head, ensure_ascii=False)[:-1]
    (HERE / name).write_text(head + ', "cases": [\n' + lines + "\n]}\n")


if __name__ == "__main__":
    write("expected.json", {"special": SPECIAL, "tools": TOOLS}, expected())
    write("snippets.json", {"variables": VARIABLES}, small())
