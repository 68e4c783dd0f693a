"""The grid of benches/grid.rs in Inspect AI: python grid.py PROMPTS LOGS EPOCHS ANSWER JUDGEMENT."""

import itertools
import sys

from inspect_ai import Task, eval
from inspect_ai.dataset import json_dataset
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import model_graded_qa
from inspect_ai.solver import generate

prompts, logs, epochs, answer, judgement = sys.argv[1:]
numbers = itertools.count()


def output(model, text):
    output = ModelOutput.from_content(model, text)
    # Without it the mock model counts tokens by a vocabulary that it downloads.
    output.usage = ModelUsage(input_tokens=2000, output_tokens=400, total_tokens=2400)
    return output


def answers(*_):
    return output("mockllm/model", answer.replace("Case 0", f"Case {next(numbers)}"))


def judgements(*_):
    return output("mockllm/judge", judgement + "\nGRADE: I")


task = Task(
    dataset=json_dataset(prompts),
    solver=generate(),
    scorer=model_graded_qa(model=get_model("mockllm/judge", custom_outputs=judgements)),
)
model = get_model("mockllm/model", custom_outputs=answers)
[log] = eval(
    task,
    model=model,
    epochs=int(epochs),
    log_dir=logs,
    display="none",
    max_connections=64,
    log_level="error",
)
assert log.status == "success", log.error
assert log.results.completed_samples == 27 * int(epochs), log.results
