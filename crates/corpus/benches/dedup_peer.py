"""The documents of benches/dedup.rs in datasketch: python dedup_peer.py TEXTS RESULT THRESHOLD."""

import json
import sys
import time

import datasketch
from datasketch import MinHash, MinHashLSH

texts, result, threshold = sys.argv[1:]
with open(texts, encoding="utf-8") as rows:
    texts = [json.loads(row)["text"] for row in rows]

began = time.perf_counter()
index = MinHashLSH(threshold=float(threshold), num_perm=128)
near = 0
for number, text in enumerate(texts):
    words = text.lower().split()
    runs = {" ".join(words[at : at + 5]) for at in range(max(1, len(words) - 4))}
    sketch = MinHash(num_perm=128)
    sketch.update_batch([run.encode() for run in runs])
    # What has near ones falls and is not added, as in the Rust program.
    if index.query(sketch):
        near += 1
    else:
        index.insert(number, sketch)
seconds = time.perf_counter() - began

with open(result, "w", encoding="utf-8") as out:
    json.dump({"seconds": seconds, "near": near, "version": datasketch.__version__}, out)
