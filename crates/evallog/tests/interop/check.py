"""What inspect_ai sees in the logs of a folder, as JSON."""

import json
import sys
from pathlib import Path

from inspect_ai.log import list_eval_logs, read_eval_log, read_eval_log_sample
from inspect_ai.log import read_eval_log_sample_summaries


def see(path):
    log = read_eval_log(str(path))
    header = read_eval_log(str(path), header_only=True)
    assert header.status == log.status, "the header alone differs"
    assert header.eval.model_dump_json() == log.eval.model_dump_json(), "the header alone differs"
    assert header.samples is None
    samples = sorted(log.samples or [], key=lambda sample: (str(sample.id), sample.epoch))
    for sample in samples:
        alone = read_eval_log_sample(str(path), sample.id, sample.epoch)
        assert alone.model_dump_json() == sample.model_dump_json(), "a sample alone differs"
    summaries = read_eval_log_sample_summaries(str(path)) if samples else []
    assert sorted((str(s.id), s.epoch) for s in summaries) == sorted((str(s.id), s.epoch) for s in samples)
    first = samples[0] if samples else None
    results = log.results
    return {
        "status": log.status,
        "task": log.eval.task,
        "tags": log.tags,
        "metadata": log.metadata,
        "plan": [step.solver for step in log.plan.steps],
        "temperature": log.plan.config.temperature,
        "error": log.error and log.error.message,
        "usage": {model: usage.total_tokens for model, usage in log.stats.model_usage.items()},
        "samples": [[sample.id, sample.epoch] for sample in samples],
        "scores": first and {name: score.value for name, score in first.scores.items()},
        "reasons": first and {name: score.reason for name, score in first.scores.items()},
        "messages": first and [[message.role, message.text] for message in first.messages],
        "call": first and first.messages[1].tool_calls[0].arguments,
        "events": first and [event.event for event in first.events],
        "completion": first and first.output.completion,
        "sample_metadata": first and first.metadata,
        "store": first and first.store,
        "limit": first and [first.limit.type, first.limit.limit],
        "sample_error": first and first.error.message,
        "metrics": results
        and {name: metric.value for name, metric in results.scores[0].metrics.items()},
        "completed": results and results.completed_samples,
        "reductions": log.reductions
        and [[score.sample_id, score.value] for score in log.reductions[0].samples],
    }


def main(folder):
    folder = Path(folder)
    seen = {path.name: see(path) for path in sorted(folder.iterdir())}
    listed = {Path(log.name).name: [log.task, log.task_id] for log in list_eval_logs(str(folder))}
    seen["listed"] = {name: of for name, of in listed.items() if name.startswith("20")}
    print(json.dumps(seen, indent=1, ensure_ascii=False))


main(sys.argv[1])
