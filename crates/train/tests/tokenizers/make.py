"""Makes small tokenizers of the kinds that models have, and what transformers makes of texts with them.

    pip install transformers==4.57.6 jinja2==3.1.6
    python crates/train/tests/tokenizers/make.py

Each folder is as a model's: tokenizer.json, tokenizer_config.json, … Its expected.json holds token ids.
The two of pieces come out otherwise each time, since `limit_alphabet` breaks ties by chance.

    python crates/train/tests/tokenizers/make.py --check FOLDER…

compares with transformers what our tests wrote: `expected.json` beside each tokenizer that they saved.
"""

import datetime
import json
import pathlib
import shutil
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer
from transformers.utils import chat_template_utils

HERE = pathlib.Path(__file__).resolve().parent
TEMPLATES = HERE.parent / "templates" / "own"

class Clock(datetime.datetime):
    """A clock that stands still, for the template that says which day it is."""

    @classmethod
    def now(cls, tz=None):
        return cls(2026, 11, 24, 12, 0, 0)


chat_template_utils.datetime = Clock

CORPUS = [
    "The quick brown fox jumps over the lazy dog. It is brief and kind, and it answers.",
    "What is the weather in Köln? Grey, as it was yesterday; and it will be grey tomorrow.",
    "def main():\n    return {'a': 1, 'b': [2, 3]}\n\n\nNumbers: 1 22 333 4444, ½ and 3.14.",
    "Ünïcödé, 世界 and 🐈‍⬛ are welcome here; \t tabs  and   spaces too.",
] * 4

TEXTS = [
    "",
    "Hello",
    " Hello",
    "The quick brown fox",
    "  two  spaces \n\n newlines\t",
    "世界 🐈‍⬛ é e\u0301 ½ \u00a0",
    "<|im_start|>user<|im_end|></s> <s>",
    "zebra xylophone QUARTZ 12345",
    "\u0000\u0001 \ufffd",
]

CHATS = [
    [{"role": "user", "content": "What is it?"}, {"role": "assistant", "content": "It is grey."}],
    [{"role": "user", "content": "  世界?\n"}, {"role": "assistant", "content": "🐈‍⬛\n\nyes "}, {"role": "user", "content": "\n\nAnd?"}],
]

GPT4 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def special(*tokens):
    return [AddedToken(token, special=True, normalized=False) for token in tokens]


def bytes_like_qwen():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(GPT4), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(vocab_size=420, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens(special("<|endoftext|>", "<|im_start|>", "<|im_end|>"))
    tokenizer.add_tokens([AddedToken("<think>", normalized=False)])
    added = tokenizer.get_added_tokens_decoder()
    config = {
        "add_bos_token": False,
        "added_tokens_decoder": {
            str(id): {"content": t.content, "lstrip": t.lstrip, "normalized": t.normalized, "rstrip": t.rstrip, "single_word": t.single_word, "special": t.special}
            for id, t in sorted(added.items())
        },
        "additional_special_tokens": ["<|im_start|>", "<|im_end|>"],
        "bos_token": None,
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>",
        "model_max_length": 32768,
        "pad_token": "<|endoftext|>",
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    }
    generation = {
        "eos_token_id": [tokenizer.token_to_id("<|im_end|>"), tokenizer.token_to_id("<|endoftext|>")],
        "do_sample": True,
        "temperature": 0.7,
        "top_p": 0.8,
        "top_k": 20,
        "repetition_penalty": 1.05,
        "transformers_version": "4.57.6",
    }
    return tokenizer, config, {"chat_template.jinja": (TEMPLATES / "chatml.jinja").read_text(), "generation_config.json": generation}


def pieces_like_llama2():
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=480,
        special_tokens=special("<unk>", "<s>", "</s>") + [f"<0x{byte:02X}>" for byte in range(256)],
        limit_alphabet=60,
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    # The bytes are no special tokens.
    written = json.loads(tokenizer.to_str())
    written["added_tokens"] = written["added_tokens"][:3]
    tokenizer = Tokenizer.from_str(json.dumps(written))
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    token = lambda text: {"__type": "AddedToken", "content": text, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    config = {
        "add_bos_token": True,
        "add_eos_token": False,
        "bos_token": token("<s>"),
        "chat_template": (TEMPLATES / "sys.jinja").read_text(),
        "clean_up_tokenization_spaces": False,
        "eos_token": token("</s>"),
        "legacy": False,
        "model_max_length": 4096,
        "pad_token": None,
        "tokenizer_class": "LlamaTokenizer",
        "unk_token": token("<unk>"),
    }
    return tokenizer, config, {"special_tokens_map.json": {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}, "generation_config.json": {"eos_token_id": 2, "bos_token_id": 1}}


def headers_like_llama3():
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(GPT4), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens(special("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"))
    begin = tokenizer.token_to_id("<|begin_of_text|>")
    tokenizer.post_processor = processors.Sequence(
        [processors.ByteLevel(trim_offsets=True), processors.TemplateProcessing(single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|> $B:1", special_tokens=[("<|begin_of_text|>", begin)])]
    )
    config = {
        "bos_token": "<|begin_of_text|>",
        "chat_template": [
            {"name": "default", "template": (TEMPLATES / "headers.jinja").read_text()},
            {"name": "tool_use", "template": "{{ bos_token }}with tools{{ eos_token }}"},
        ],
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|eot_id|>",
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": 131072,
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    return tokenizer, config, {"generation_config.json": {"eos_token_id": [tokenizer.token_to_id("<|end_of_text|>"), tokenizer.token_to_id("<|eot_id|>")]}}


def pieces_like_gemma():
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    trainer = trainers.BpeTrainer(
        vocab_size=480,
        special_tokens=special("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>") + [f"<0x{byte:02X}>" for byte in range(256)],
        limit_alphabet=60,
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    written = json.loads(tokenizer.to_str())
    written["added_tokens"] = written["added_tokens"][:6]
    tokenizer = Tokenizer.from_str(json.dumps(written))
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", pair="<bos> $A <bos> $B", special_tokens=[("<bos>", 2)])
    config = {
        "add_bos_token": True,
        "add_eos_token": False,
        "bos_token": "<bos>",
        "chat_template": (TEMPLATES / "turns.jinja").read_text(),
        "clean_up_tokenization_spaces": False,
        "eos_token": "<eos>",
        "pad_token": "<pad>",
        "tokenizer_class": "GemmaTokenizer",
        "unk_token": "<unk>",
    }
    return tokenizer, config, {"generation_config.json": {"eos_token_id": [1, 5]}}


def ids(folder, texts=TEXTS, chats=CHATS):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokens = []
    for chat in chats:
        tokens.append(tokenizer.apply_chat_template(chat, tokenize=True, add_generation_prompt=chat[-1]["role"] == "user"))
    return {
        "texts": [[text, tokenizer(text, add_special_tokens=False).input_ids, tokenizer(text).input_ids] for text in texts],
        "chats": [list(pair) for pair in zip(chats, tokens)],
        "special_tokens": tokenizer.special_tokens_map,
        "eos": tokenizer.eos_token_id,
        "length": len(tokenizer),
    }


def write(path, value):
    text = value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    path.write_text(text)


def make():
    for function in (bytes_like_qwen, pieces_like_llama2, headers_like_llama3, pieces_like_gemma):
        folder = HERE / function.__name__.replace("_", "-")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        tokenizer, config, more = function()
        (folder / "tokenizer.json").write_text(tokenizer.to_str())
        for name, value in {"tokenizer_config.json": config, **more}.items():
            write(folder / name, value)
        (folder / "expected.json").write_text(json.dumps(ids(folder), ensure_ascii=False) + "\n")


def check(folder):
    expected = json.loads((folder / "expected.json").read_text())
    texts, chats = ([case[0] for case in expected[what]] for what in ("texts", "chats"))
    found = ids(folder, texts, chats)
    for what in expected:
        assert found[what] == expected[what], f"{folder.name}: {what}:\n{found[what]}\ninstead of\n{expected[what]}"
    print(folder.name, "loads and gives the same ids")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check"]:
        for folder in sys.argv[2:]:
            check(pathlib.Path(folder))
    else:
        make()
