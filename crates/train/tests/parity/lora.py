"""Makes `fixtures/lora`: an adapter on the Qwen3 fixture as `peft` writes it, and what `peft` and PyTorch
compute with it in float32, 20 training steps included.

    pip install torch==2.9.0 transformers==4.57.6 peft==0.18.0
    python3 crates/train/tests/parity/lora.py
"""

import json
import os
import shutil

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from make import CLIP, HERE, fit, forward, rounded

BASE = HERE / "qwen3"
FOLDER = HERE / "lora"
CONFIG = dict(
    r=3,
    lora_alpha=6,
    lora_dropout=0.0,
    target_modules=["q_proj", "v_proj", "o_proj", "gate_proj", "down_proj"],
    task_type="CAUSAL_LM",
)


def base(dtype=torch.float32):
    return AutoModelForCausalLM.from_pretrained(BASE, dtype=dtype, attn_implementation="eager")


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    model = get_peft_model(base(), LoraConfig(**CONFIG))
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    model.peft_config["default"].base_model_name_or_path = "qwen3"
    model.save_pretrained(FOLDER)
    (FOLDER / "README.md").unlink()
    model.train()  # saving marks an adapter as used for inference, which freezes nothing

    rows = [torch.randint(0, 40, (n,), generator=generator).tolist() for n in [9, 14]]
    logits = [rounded(logits) for logits in forward(model, rows)]
    taught = torch.randint(0, 40, (8, 12), generator=generator).tolist()
    precise = PeftModel.from_pretrained(base(torch.float64), FOLDER, is_trainable=True).double()
    expected = fit(precise, taught)
    found = fit(PeftModel.from_pretrained(base(), FOLDER, is_trainable=True), taught)
    for key in ["losses", "norms"]:
        far = max(abs(a / b - 1) for a, b in zip(found[key], expected[key]))
        assert far < 4e-4, (key, far, found[key])
    assert min(found["norms"]) > CLIP, found["norms"]
    found["parameters"] = {
        name.replace(".default", ""): values
        for name, values in found["parameters"].items()
        if "lora_" in name
    }
    assert found["parameters"].keys() == load_file(FOLDER / "adapter_model.safetensors").keys()
    merged = PeftModel.from_pretrained(base(), FOLDER).merge_and_unload()
    far = max(
        (a - torch.tensor(b).view_as(a)).abs().max() for a, b in zip(forward(merged, rows), logits)
    )
    assert far < 1e-4, far
    training = dict(rows=taught, **found)
    (FOLDER / "expected.json").write_text(
        json.dumps(dict(rows=rows, logits=logits, training=training)) + "\n"
    )


if __name__ == "__main__":
    main()
