"""Whether logs that were read and written again say the same: `a.eval` and `a.eval.json`, say.

What inspect_ai makes of both is compared, and where the form is the same also the JSON itself, which
shows fields that inspect_ai would drop.
"""

import json
import sys
import zipfile
from pathlib import Path

import inspect_ai._util.zipfile  # noqa: F401  (teaches zipfile to unpack zstd)
from inspect_ai.log import read_eval_log


def text(value):
    """As text: NaN is not itself, and 1 is 1.0."""
    return json.dumps(value, sort_keys=True, default=str)


def dumped(path):
    log = read_eval_log(str(path))
    # Of an archive inspect_ai sorts them, of a `.json` log it does not.
    log.samples.sort(key=lambda sample: (sample.epoch, str(sample.id)))
    return text(log.model_dump())


def raw(path):
    if path.suffix == ".json":
        return {"": text(json.loads(path.read_text()))}
    with zipfile.ZipFile(path) as log:
        names = [name for name in log.namelist() if not name.startswith("_journal/summaries/")]
        return {name: text(json.loads(log.read(name))) for name in names}


def differs(what, theirs, ours):
    if theirs != ours:
        at = next((i for i, (a, b) in enumerate(zip(theirs, ours)) if a != b), min(len(theirs), len(ours)))
        print(f"{what}\n  theirs: {theirs[max(0, at - 80):at + 80]}\n  ours:   {ours[max(0, at - 80):at + 80]}")
    return theirs != ours


def main(theirs, ours):
    wrong, compared = 0, 0
    for path in sorted(Path(ours).iterdir()):
        original = Path(theirs) / path.stem
        wrong += differs(path.name, dumped(original), dumped(path))
        compared += 1
        if original.suffix == path.suffix:
            before, after = raw(original), raw(path)
            wrong += differs(f"{path.name}: members", text(sorted(before)), text(sorted(after)))
            for name in before.keys() & after.keys():
                wrong += differs(f"{path.name}: {name}", before[name], after[name])
    print(f"{compared} logs compared, {wrong} differences")
    sys.exit(wrong > 0 or compared == 0)


main(*sys.argv[1:])
