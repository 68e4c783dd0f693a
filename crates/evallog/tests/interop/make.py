"""Has inspect_ai write logs of several kinds of tasks against its mock model.

    python make.py FOLDER        # .eval and .json logs, named after the kind
    python make.py FOLDER small  # fewer of them, for ../fixtures

The mock model states its own usage: inspect_ai would otherwise fetch a tokeniser to count.
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from inspect_ai import Epochs, Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatCompletionChoice, ChatMessageAssistant, ChatMessageSystem
from inspect_ai.model import ChatMessageUser, ContentReasoning, ContentText, GenerateConfig
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import Score, accuracy, includes, match, mean, scorer, stderr
from inspect_ai.solver import generate, solver, system_message, use_tools
from inspect_ai.tool import ToolCall, tool

USAGE = dict(input_tokens=11, output_tokens=7, total_tokens=18, input_tokens_cache_read=2)


def answer(content, **more):
    output = ModelOutput.from_content(model="mockllm/model", content=content, **more)
    output.usage = ModelUsage(**USAGE)
    return output


def model(*contents):
    """Answers with these texts, over and over; a text may be a whole output."""
    turn = iter(range(1_000_000))

    def outputs(input, tools, tool_choice, config):
        content = contents[next(turn) % len(contents)]
        return content() if callable(content) else answer(content)

    return get_model("mockllm/model", custom_outputs=outputs, memoize=False)


@tool
def weather():
    async def execute(city: str):
        """What the weather is like.

        Args:
            city: Where.
        """
        return f"Rain in {city}." if city != "Nowhere" else float("nan")

    return execute


@scorer(metrics={"harmful": [accuracy(), stderr()], "verdict": [mean()]})
def verdicts():
    async def score(state, target):
        text = state.output.completion
        value = {"harmful": 1.0 if "bad" in text else 0.0, "verdict": len(text)}
        return Score(value=value, answer=text, explanation="counted", metadata={"judge": None})

    return score


@scorer(metrics=[accuracy(), mean()])
def sometimes():
    async def score(state, target):
        if state.sample_id == 1:
            return Score.unscored(reason="refusal", explanation="The judge would not say.")
        return Score(value=float("nan") if state.sample_id == 2 else 0.5, metadata={"inf": float("inf")})

    return score


@solver
def breaks():
    async def solve(state, generate):
        if state.sample_id == "broken":
            raise ValueError("it broke, 'as' \"planned\" \u2014 \x1b[31mred\x1b[0m")
        return await generate(state)

    return solve


@solver
def talks():
    async def solve(state, generate):
        while True:
            state = await generate(state)
            state.messages.append(ChatMessageUser(content="Go on."))

    return solve


@solver
def keeps():
    async def solve(state, generate):
        state.store.set("notes", {"nan": float("nan"), "none": None, "list": [1, 2.5, "3", None]})
        state.metadata["seen"] = [True, -0.0, 1e300, 12345678901234567890]
        return await generate(state)

    return solve


def tool_call():
    message = ChatMessageAssistant(
        content=[
            ContentReasoning(reasoning="I should look.", signature="abc"),
            ContentText(text="Looking."),
        ],
        tool_calls=[ToolCall(id="call_1", function="weather", arguments={"city": "Bergen"})],
        source="generate",
        model="mockllm/model",
    )
    choice = ChatCompletionChoice(message=message, stop_reason="tool_calls")
    return ModelOutput(model="mockllm/model", choices=[choice], usage=ModelUsage(**USAGE))


def tasks():
    plain = [Sample(input="Say yes.", target="yes"), Sample(input="Say no.", target="no")]
    yield "plain", Task(dataset=plain, solver=[system_message("Be brief."), generate()], scorer=match()), model(
        "yes", "yes"
    ), {}
    yield "dict_scores", Task(
        dataset=[Sample(id=f"case/{n}", input=f"Case {n}", target="", metadata={"n": n}) for n in range(3)],
        solver=generate(),
        scorer=verdicts(),
        epochs=2,
    ), model("all bad", "fine"), {}
    yield "epochs", Task(dataset=plain, solver=generate(), scorer=[match(), includes()]), model(
        "yes", "no", "yes"
    ), dict(epochs=Epochs(3, ["mean", "at_least_2"]))
    yield "tools", Task(
        dataset=[Sample(id="rain \u2602 \U0001f327", input="Weather?", target="Rain")],
        solver=[use_tools(weather()), generate()],
        scorer=includes(),
    ), model(tool_call, "Rain in Bergen."), {}
    yield "errors", Task(
        dataset=[Sample(id="whole", input="a", target="a"), Sample(id="broken", input="b", target="b")],
        solver=breaks(),
        scorer=match(),
        fail_on_error=False,
    ), model("a"), {}
    yield "failed", Task(
        dataset=[Sample(id="broken", input="b", target="b")], solver=breaks(), scorer=match()
    ), model("a"), {}
    yield "limits", Task(
        dataset=[Sample(input="Talk.", target="x")], solver=talks(), scorer=match(), message_limit=4
    ), model("Well."), {}
    yield "nan", Task(
        dataset=[Sample(input=f"q{n}", target="x") for n in range(1, 4)],
        solver=keeps(),
        scorer=sometimes(),
        tags=["one", "two"],
        metadata={"unseen": [1, {"a": None}]},
    ), model("x"), {}
    yield "chats", Task(
        dataset=[
            Sample(
                input=[ChatMessageSystem(content="s"), ChatMessageUser(content=[ContentText(text="hi")])],
                target=["a", "b"],
                choices=["a", "b"],
            )
        ],
        solver=generate(),
        scorer=match(),
        config=GenerateConfig(temperature=0.5, seed=7, stop_seqs=["\n"]),
    ), model(lambda: answer("a" * 200, stop_reason="max_tokens")), {}


SMALL = ["plain.json", "nan.json", "tools.eval", "nan.eval", "epochs.eval", "dict_scores.eval", "limits.eval"]


def main(folder, small):
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    # Outside of a checkout: its place and revision would be in the logs.
    os.chdir(tempfile.mkdtemp())
    for kind in ["eval", "json"]:
        for name, task, llm, more in tasks():
            if small and f"{name}.{kind}" not in SMALL:
                continue
            scratch = folder / "scratch"
            [log] = eval(
                task, model=llm, log_dir=str(scratch), log_format=kind, display="none", **more
            )
            shutil.move(log.location.removeprefix("file://"), folder / f"{name}.{kind}")
            shutil.rmtree(scratch)
            print(json.dumps({"log": f"{name}.{kind}", "status": log.status}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] == ["small"])
