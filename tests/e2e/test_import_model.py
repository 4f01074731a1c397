"""tftd import model: the reference networks become model directories with the same weights; what is broken is named."""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile

TFTD = os.environ["TFTD"]
GOLDEN = pathlib.Path(__file__).parents[1] / "golden"


def run(*arguments):
    done = subprocess.run([TFTD, *map(str, arguments)], capture_output=True, text=True)
    return done.returncode, done.stdout.strip(), done.stderr


def tensors(path):
    data = path.read_bytes()
    n = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + n])
    header.pop("__metadata__", None)
    return {k: data[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]] for k, v in header.items()}


def every_case_keeps_its_weights(out):
    for case in ("tiny", "bare", "multi", "daemon"):
        code, path, err = run("import", "model", GOLDEN / case, "--out", out)
        assert code == 0, err
        config = json.loads((pathlib.Path(path) / "config.json").read_text())
        assert config["contract"] is None and config["network"]["hidden_size"] > 0
        before, after = tensors(GOLDEN / case / "model.safetensors"), tensors(pathlib.Path(path) / "model.safetensors")
        aliases = json.loads((GOLDEN / case / "config.json").read_text())["parameter_aliases"]
        assert set(after) == set(before) - set(aliases), case
        assert all(after[k] == before[k] for k in after), case
        print(f"{case}: {len(after)} tensors as they were, {len(aliases)} further names gone")


def what_is_broken_is_named(out):
    with tempfile.TemporaryDirectory() as folder:
        broken = pathlib.Path(folder) / "case"
        shutil.copytree(GOLDEN / "tiny", broken)
        weights = (broken / "model.safetensors").read_bytes()
        for sin, data, expected in (("cut", weights[:-4], "model.safetensors"), ("empty", b"", "model.safetensors"),
                                    ("no header", b"\xff" * 64, "model.safetensors")):
            (broken / "model.safetensors").write_bytes(data)
            code, _, err = run("import", "model", broken, "--out", out)
            assert code == 4 and expected in err, (sin, code, err)
        (broken / "config.json").write_text('{"hidden_size": "four"}')
        code, _, err = run("import", "model", broken, "--out", out)
        assert code == 4 and "hidden_size" in err, err
        assert run("import", "model", broken / "none", "--out", out)[0] == 4
        assert run("import", "model", GOLDEN / "tiny")[0] == 2
        assert run("import")[0] == 2
    assert not list(pathlib.Path(out).glob(".*")), "something was left lying about"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        every_case_keeps_its_weights(folder)
        what_is_broken_is_named(folder)
    print("import model: complete")
