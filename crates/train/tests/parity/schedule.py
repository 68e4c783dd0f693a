"""Makes `fixtures/schedule.json`: the learning rates that the trainer of `transformers` uses in each step of
short runs, as shares of the highest.

    pip install torch==2.9.0 transformers==4.57.6
    python3 crates/train/tests/parity/schedule.py
"""

import json

import torch
from transformers import TrainingArguments, get_scheduler

from make import HERE

# Our name of a schedule and its floor: theirs, with what it takes besides.
KINDS = {
    ("cosine", 0.0): ("cosine", {}),
    ("cosine", 0.25): ("cosine_with_min_lr", dict(min_lr_rate=0.25)),
    ("linear", 0.0): ("linear", {}),
    ("linear", 0.25): ("polynomial", dict(power=1.0, lr_end=0.25)),
    ("constant", 0.0): ("constant_with_warmup", {}),
}
# Shares of warm-up and steps: one step of warm-up at least, unless there is none; rounded up, also where
# only rounding makes 7.000000000000001 of 0.07 × 100; nothing but warm-up.
RUNS = [(0.05, 20), (0.05, 30), (0.07, 100), (0.0, 7), (0.05, 1), (1.0, 5)]


def warmup_steps(share, steps):
    # As a plain function of its two settings: to make the arguments whole would want `accelerate`.
    arguments = TrainingArguments.__new__(TrainingArguments)
    arguments.warmup_steps, arguments.warmup_ratio = 0, share
    return arguments.get_warmup_steps(steps)


def rates(name, settings, share, steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = get_scheduler(name, optimizer, warmup_steps(share, steps), steps, settings)
    found = scheduler.get_last_lr()
    for _ in range(1, steps):
        optimizer.step()
        scheduler.step()
        found += scheduler.get_last_lr()
    return found


def main():
    expected = [
        dict(schedule=schedule, floor=floor, warmup=share, rates=rates(name, settings, share, steps))
        for (schedule, floor), (name, settings) in KINDS.items()
        for share, steps in RUNS
    ]
    (HERE / "schedule.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main()
