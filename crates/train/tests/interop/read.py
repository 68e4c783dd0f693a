"""Reads checkpoints and adapters with `transformers` and `peft`, and compares their logits and end tokens
with those given: `read.py cases.json`, as `interop.rs` calls it. Prints a line for each case."""

import json
import sys
import warnings

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

warnings.filterwarnings("error", message=".*missing.*")


def load(folder):
    model, info = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    for kind in ["missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"]:
        assert not info[kind], (folder, kind, info[kind])
    return model


for case in json.load(open(sys.argv[1])):
    model = load(case["base"] or case["folder"])
    # Where `generate` stops.
    assert model.generation_config.eos_token_id == case["ends"], (case["folder"], model.generation_config)
    if case["base"]:
        model = PeftModel.from_pretrained(model, case["folder"])
    with torch.no_grad():
        found = model(torch.tensor([case["row"]])).logits.flatten()
    expected = torch.tensor(case["logits"])
    far = ((found - expected).abs().max() / expected.abs().max()).item()
    assert far < 1e-4, (case["folder"], far)
    print(case["folder"], far)
