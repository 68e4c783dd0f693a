"""Makes `fixtures/long-*`: the logits that `transformers` computes in float32 at the end of 4,200 tokens, where
the angles of the rotary positions are large. The configurations are those of models in use: Llama 3.1's
scaling, and a theta of a million without any. And `fixtures/rope.json`: the frequencies themselves, at
the head sizes of such models.

    pip install torch==2.9.0 transformers==4.57.6
    python3 crates/train/tests/parity/long.py
"""

import json
import shutil

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen3Config
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from make import HERE, SIZES, draw, forward, rounded

LENGTH = 4200
LAST = 6  # positions whose logits are kept
LLAMA31 = dict(
    rope_type="llama3",
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=8192,
)
SHAPE = {
    **SIZES,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 32,
}
CONFIGS = {
    "long-llama3": LlamaConfig(
        **{**SHAPE, "max_position_embeddings": 131072}, rope_theta=500000.0, rope_scaling=LLAMA31
    ),
    "long-qwen3": Qwen3Config(**{**SHAPE, "max_position_embeddings": 40960}, rope_theta=1000000.0),
}
ROPES = [
    dict(head_dim=128, rope_theta=500000.0, rope_scaling=LLAMA31),
    dict(head_dim=64, rope_theta=500000.0, rope_scaling={**LLAMA31, "factor": 32.0}),
    dict(head_dim=128, rope_theta=1000000.0, rope_scaling=None),
    dict(head_dim=80, rope_theta=1000000.0, rope_scaling=None),
    dict(head_dim=96, rope_theta=10000.0, rope_scaling=dict(rope_type="linear", factor=3.0)),
]


def tokens():
    """Drawn by a congruential generator, so that the test can draw them too."""
    state, ids = 1, []
    for _ in range(LENGTH):
        state = (1103515245 * state + 12345) % 2**31
        ids.append((state >> 16) % SHAPE["vocab_size"])
    return ids


def make(name, config):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config)
    draw(model, torch.Generator().manual_seed(len(name)))
    with torch.no_grad():
        # Sharp attention: an average over thousands of tokens would show no angle.
        for layer in model.model.layers:
            getattr(layer.self_attn, "q_norm", layer.self_attn.q_proj).weight.mul_(3.0)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    logits = forward(model, [tokens()])[0][-LAST:]
    # That float64 comes out the same says that little of it is rounding.
    precise = forward(model.double(), [tokens()])[0][-LAST:]
    assert (logits - precise).abs().max() < 1e-5 * logits.abs().max()
    expected = dict(rows=[], logits=[rounded(logits)])
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


def frequencies(settings):
    """With the scaling as ethos writes it: under its name."""
    config = LlamaConfig(**settings, max_position_embeddings=131072)
    scaling = dict(settings["rope_scaling"] or {})
    kind = scaling.pop("rope_type", "default")
    found, attention = ROPE_INIT_FUNCTIONS[kind](config, None)
    assert attention == 1.0
    named = {kind: scaling} if scaling else None
    values = [float(f"{value:.9g}") for value in found.tolist()]
    return {**settings, "rope_scaling": named, "frequencies": values}


if __name__ == "__main__":
    for name, config in CONFIGS.items():
        make(name, config)
    rope = [frequencies(settings) for settings in ROPES]
    (HERE / "rope.json").write_text(json.dumps(rope) + "\n")
