"""Makes `fixtures/generated.json`: what `transformers.generate` goes on with, greedily and with its cache,
after prompts of several lengths on each of the checkpoints that `make.py` made.

    python3 crates/train/tests/parity/generate.py
"""

import json

import torch
from transformers import AutoModelForCausalLM

from make import CONFIGS, HERE

PROMPTS = [[7], [3, 1, 4, 1, 5], [2, 7, 1, 8, 2, 8, 1, 8, 2, 8, 4], list(range(39, 8, -2)), [9, 9, 9]]


def main():
    generated = {}
    for name in CONFIGS:
        model = AutoModelForCausalLM.from_pretrained(
            HERE / name, dtype=torch.float32, attn_implementation="eager"
        )
        generated[name] = []
        for prompt in PROMPTS:
            ids = torch.tensor([prompt])
            found = model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=20,
                do_sample=False,
                use_cache=True,
                pad_token_id=0,
            )
            generated[name].append(found[0, len(prompt) :].tolist())
    text = json.dumps(dict(prompts=PROMPTS, generated=generated))
    (HERE / "generated.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
