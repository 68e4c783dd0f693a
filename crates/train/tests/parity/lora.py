"""Makes `fixtures/lora` and `fixtures/lora-tied`: adapters on the Qwen3 fixture and on the Qwen2 one (biases,
embeddings tied to the head), as `peft` writes them, and what `peft` and PyTorch compute with them in
float32, 20 training steps included.

    pip install torch==2.9.0 transformers==4.57.6 peft==0.18.0
    python3 crates/train/tests/parity/lora.py               both
    python3 crates/train/tests/parity/lora.py lora-tied     those named
"""

import json
import os
import shutil
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from make import HERE, forward, rounded, train

SOME = ["q_proj", "v_proj", "o_proj", "gate_proj", "down_proj"]
# The base and the projections that have factors.
ADAPTERS = {
    "lora": ("qwen3", SOME),
    "lora-tied": ("qwen2", [*SOME, "k_proj", "up_proj"]),
}
CONFIG = dict(r=3, lora_alpha=6, lora_dropout=0.0, task_type="CAUSAL_LM")


def load(base):
    return AutoModelForCausalLM.from_pretrained(
        HERE / base, dtype=torch.float32, attn_implementation="eager"
    )


def make(name):
    (base, targets), folder = ADAPTERS[name], HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    model = get_peft_model(load(base), LoraConfig(**CONFIG, target_modules=targets))
    generator = torch.Generator().manual_seed(len(name))
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if "lora_" in parameter_name:
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    model.peft_config["default"].base_model_name_or_path = base
    model.save_pretrained(folder)
    (folder / "README.md").unlink()
    model.train()  # saving marks an adapter as used for inference, which freezes nothing

    rows = [torch.randint(0, 40, (n,), generator=generator).tolist() for n in [9, 14]]
    logits = [rounded(logits) for logits in forward(model, rows)]

    training = train(PeftModel.from_pretrained(load(base), folder, is_trainable=True), generator)
    training["parameters"] = {
        name.replace(".default", ""): values
        for name, values in training["parameters"].items()
        if "lora_" in name
    }
    saved = load_file(folder / "adapter_model.safetensors")
    assert training["parameters"].keys() == saved.keys()
    merged = PeftModel.from_pretrained(load(base), folder).merge_and_unload()
    far = max(
        (a - torch.tensor(b).view_as(a)).abs().max() for a, b in zip(forward(merged, rows), logits)
    )
    assert far < 1e-4, far
    expected = dict(rows=rows, logits=logits, training=training)
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    for name in sys.argv[1:] or ADAPTERS:
        make(name)
