"""Makes the fixtures beside this file: tiny random checkpoints as `transformers` writes them, and what
`transformers` and PyTorch compute with them in float32.

    pip install torch==2.9.0 transformers==4.57.6
    python3 crates/train/tests/parity/make.py             all of them
    python3 crates/train/tests/parity/make.py mistral     those named

Weights are drawn wide, norms and biases away from 1 and 0, or a wrong rotary layout, a missing norm or
a forgotten bias would pass unnoticed.
"""

import copy
import json
import shutil
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config

HERE = Path(__file__).parent / "fixtures"
SIZES = dict(
    vocab_size=40,
    hidden_size=16,
    intermediate_size=24,
    num_hidden_layers=2,
    num_attention_heads=4,
    max_position_embeddings=64,
    tie_word_embeddings=False,
    bos_token_id=None,
    eos_token_id=None,
)
LLAMA3 = dict(
    rope_type="llama3",
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=32,
)
CONFIGS = {
    "llama2": LlamaConfig(**SIZES, num_key_value_heads=4),
    "llama3": LlamaConfig(
        **SIZES, num_key_value_heads=2, head_dim=8, rope_theta=500.0, rope_scaling=LLAMA3
    ),
    "llama-biased": LlamaConfig(
        **SIZES,
        num_key_value_heads=2,
        attention_bias=True,
        mlp_bias=True,
        rms_norm_eps=1e-2,
        rope_scaling=dict(rope_type="linear", factor=2.0),
    ),
    "mistral": MistralConfig(**SIZES, num_key_value_heads=2, sliding_window=None),
    "mistral-window": MistralConfig(**SIZES, num_key_value_heads=1, sliding_window=5),
    "qwen2": Qwen2Config(**{**SIZES, "tie_word_embeddings": True}, num_key_value_heads=2),
    "qwen2-window": Qwen2Config(
        **SIZES, num_key_value_heads=2, use_sliding_window=True, sliding_window=4, max_window_layers=1
    ),
    "qwen3": Qwen3Config(**SIZES, num_key_value_heads=2, head_dim=8),
    "qwen3-biased": Qwen3Config(
        **{**SIZES, "tie_word_embeddings": True},
        num_key_value_heads=1,
        head_dim=6,
        attention_bias=True,
    ),
}
# What other than float32 in one file is tried on.
STORED = {"llama3": dict(dtype=torch.bfloat16), "mistral": dict(dtype=torch.float16)}
SHARDS = {"qwen2-window": "10KB"}
TRAINED = ["llama2", "mistral-window", "qwen2", "qwen3"]
ROWS = [9, 14]
CLIP = 0.1


def draw(model, generator):
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(1 + 0.3 * noise if "norm" in name else 0.3 * noise)


def rounded(tensor):
    return [float(f"{value:.8g}") for value in tensor.detach().flatten().tolist()]


def forward(model, rows):
    return [model(torch.tensor([row])).logits[0] for row in rows]


def greedy(model, start, count):
    ids = list(start)
    for _ in range(count):
        ids.append(int(forward(model, [ids])[0][-1].argmax()))
    return ids[len(start) :]


def train(model, generator):
    """20 steps on 8 rows together: a high rate, a decay that shows and a clip that bites.

    Rows are drawn until float64 comes out the same, so that it is not rounding that decides.
    """
    while True:
        rows = torch.randint(0, 40, (8, 12), generator=generator).tolist()
        precise = fit(copy.deepcopy(model).double(), rows)
        found = fit(copy.deepcopy(model), rows)
        pairs = [pair for key in ["losses", "norms"] for pair in zip(found[key], precise[key])]
        if max(abs(a / b - 1) for a, b in pairs) < 4e-4:
            break
    assert min(found["norms"]) > CLIP, found["norms"]
    if getattr(model.config, "sliding_window", None):
        model.config.sliding_window = None
        blind = fit(copy.deepcopy(model), rows)["losses"]
        assert abs(blind[-1] / found["losses"][-1] - 1) > 1e-2, "the window does not bite"
    return dict(rows=rows, **found)


def fit(model, rows):
    trained = [p for p in model.parameters() if p.requires_grad]
    decayed = [p for p in trained if p.ndim > 1]
    spared = [p for p in trained if p.ndim == 1]
    groups = [dict(params=decayed, weight_decay=0.3), dict(params=spared, weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, lr=1e-2, betas=(0.9, 0.999), eps=1e-8)
    losses, norms = [], []
    targets = sum(len(row) - 1 for row in rows)
    for _ in range(20):
        loss = sum(
            torch.nn.functional.cross_entropy(logits[:-1], torch.tensor(row[1:]), reduction="sum")
            for logits, row in zip(forward(model, rows), rows)
        )
        loss = loss / targets
        optimizer.zero_grad()
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(trained, CLIP)))
        losses.append(float(loss.detach()))
        optimizer.step()
    parameters = {name: rounded(p) for name, p in model.named_parameters()}
    return dict(losses=losses, norms=norms, parameters=parameters)


def main(names):
    for name in names:
        config, folder = CONFIGS[name], HERE / name
        shutil.rmtree(folder, ignore_errors=True)
        generator = torch.Generator().manual_seed(len(name))
        config._attn_implementation = "eager"
        model = AutoModelForCausalLM.from_config(config)
        draw(model, generator)
        stored = STORED.get(name, {})
        model.to(**stored) if stored else None
        shards = dict(max_shard_size=SHARDS[name]) if name in SHARDS else {}
        model.save_pretrained(folder, **shards)
        # Computed in float32 from what was stored.
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager"
        )
        rows = [torch.randint(0, 40, (n,), generator=generator).tolist() for n in ROWS]
        expected = dict(
            rows=rows,
            logits=[rounded(logits) for logits in forward(model, rows)],
            greedy=greedy(model, rows[0][:4], 12),
        )
        if name in TRAINED:
            expected["training"] = train(model, generator)
        (folder / "generation_config.json").unlink(missing_ok=True)
        (folder / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:] or CONFIGS)
