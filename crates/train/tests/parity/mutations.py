#!/usr/bin/env python3
"""Proves that the parity tests notice mistakes: makes one at a time, and each must fail at least one of them.

    python3 crates/train/tests/parity/mutations.py              all of them, a build for each
    python3 crates/train/tests/parity/mutations.py epsilon      those whose names hold the word

The mistakes are made in a copy of the workspace; the working tree is only read. The copy is built in the
same target folder, so that what it depends on is not built again, yet under another version: its libraries
have names of their own there, and no other build takes a mistaken one for its own.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
SOURCES = Path("crates/train/src")
# Name: file, what stands there, what is put in its place.
MUTATIONS = {
    # Scores do not depend on the order of a head's channels, so taking neighbours apart first is the
    # same as turning neighbouring pairs.
    "interleaved rotary": (
        "model/context.rs",
        "let size = x_bhtk.dims()[3];",
        "let [batch, heads, time, size] = x_bhtk.dims();\n"
        "let x_bhtk = x_bhtk.reshape([batch, heads, time, size / 2, 2]).swap_dims(3, 4);\n"
        "let x_bhtk = x_bhtk.reshape([batch, heads, time, size]);",
    ),
    "missing q/k norm": ("model/attention.rs", "Some(norm) => norm.forward(x)", "Some(_) => x"),
    "decayed norms and biases": ("optim.rs", "if rank > 1 {", "if rank > 0 {"),
    "another epsilon in norms": ("model/layers.rs", "(self.eps)", "(10.0 * self.eps)"),
    "another epsilon in AdamW": ("optim.rs", "(config.epsilon)", "(1e3 * config.epsilon)"),
    "unshifted target": ("tokens/batch.rs", "row.ids[1..]", "row.ids[..places]"),
    "attention across rows": ("tokens/batch.rs", "if segment == own {", "if segment <= own {"),
    "no clipping": ("trainer.rs", "(gradient_norm + 1e-6)).min(1.0)", "(gradient_norm + 1e-6)).powi(0)"),
}


def copy_workspace(to):
    """With the time of now, or cargo would take what an earlier copy left behind for this one's."""
    skipped = shutil.ignore_patterns(".git", "target", "out", "__pycache__")
    shutil.copytree(ROOT, to, ignore=skipped, copy_function=shutil.copy)
    manifest = to / "Cargo.toml"
    text = manifest.read_text()
    version = re.search(r'^\[workspace\.package\]\nversion = "(\d+\.\d+\.\d+)"$', text, re.M)[1]
    other = version.rpartition(".")[0] + ".999"
    ours = re.compile(rf'^(version = |ethos-.*version = )"{re.escape(version)}"', re.M)
    manifest.write_text(ours.sub(rf'\g<1>"{other}"', text))
    lock = to / "Cargo.lock"
    ours = re.compile(rf'^(name = "ethos-.*"\nversion = )"{re.escape(version)}"', re.M)
    lock.write_text(ours.sub(rf'\g<1>"{other}"', lock.read_text()))


def cargo(workspace, *arguments):
    environment = os.environ | {"CARGO_INCREMENTAL": "0"}
    environment.setdefault("CARGO_TARGET_DIR", str(ROOT / "target"))
    # Of the whole workspace, so that features are those of its other builds.
    command = [environment.get("CARGO", "cargo"), "test", "--workspace", "--locked", "--test", "parity"]
    return subprocess.run(
        [*command, *arguments], cwd=workspace, env=environment, capture_output=True, text=True
    )


def failed_tests(workspace):
    """The names of the parity tests that fail there."""
    built = cargo(workspace, "--no-run")
    if built.returncode != 0:
        sys.exit(built.stderr)
    tested = cargo(workspace)
    failed = re.findall(r"^test (\S+) \.\.\. FAILED$", tested.stdout, re.M)
    if (tested.returncode == 0) == bool(failed):
        sys.exit(tested.stdout + tested.stderr)
    return failed


def main(words):
    chosen = {
        name: mutation
        for name, mutation in MUTATIONS.items()
        if not words or any(word in name for word in words)
    }
    unnoticed = []
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "workspace"
        copy_workspace(workspace)
        if failed := failed_tests(workspace):
            sys.exit(f"without any mistake: {failed}")
        for name, (file, right, wrong) in chosen.items():
            path = workspace / SOURCES / file
            text = path.read_text()
            if text.count(right) != 1:
                sys.exit(f"{name}: {file} does not hold `{right}` once")
            path.write_text(text.replace(right, wrong))
            failed = failed_tests(workspace)
            print(f"{name}: {', '.join(failed) or 'NOT NOTICED'}", flush=True)
            if not failed:
                unnoticed.append(name)
            path.write_text(text)
    if unnoticed or not chosen:
        sys.exit("not noticed: " + (", ".join(unnoticed) or "there is no such mutation"))


if __name__ == "__main__":
    main(sys.argv[1:])
