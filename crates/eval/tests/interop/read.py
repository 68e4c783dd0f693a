"""Reads logs with Inspect AI and says what is in them: python read.py LOG..."""

import json
import math
import sys

from inspect_ai.log import read_eval_log, read_eval_log_sample_summaries


def told(path):
    log = read_eval_log(path)
    assert log.version == 2
    scores = {}
    for sample in log.samples:
        for name, score in (sample.scores or {}).items():
            value = score.value
            value = None if isinstance(value, float) and math.isnan(value) else value
            scores.setdefault(name, []).append(value)
    return {
        "status": log.status,
        "task": log.eval.task,
        "model": log.eval.model,
        "samples": len(log.samples),
        "summaries": len(read_eval_log_sample_summaries(path)),
        "epochs": log.eval.config.epochs,
        "messages": sum(len(sample.messages) for sample in log.samples),
        "tools": sum(
            len(event.tools) for sample in log.samples for event in sample.events if event.event == "model"
        ),
        "events": sorted({event.event for sample in log.samples for event in sample.events}),
        "errors": sum(sample.error is not None for sample in log.samples),
        "limits": [sample.limit.type for sample in log.samples if sample.limit],
        "means": {
            score.name: score.metrics["mean"].value
            for score in log.results.scores
            if "mean" in score.metrics
        },
        "scores": {name: sorted(v for v in values if v is not None) for name, values in scores.items()},
        "unscored": {name: sum(v is None for v in values) for name, values in scores.items()},
        "reductions": len(log.reductions or []),
    }


print(json.dumps([told(path) for path in sys.argv[1:]]))
