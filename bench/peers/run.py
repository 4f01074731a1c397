"""Measures libtft, ONNX Runtime and PyTorch on the same network, weights and windows, alternately, in one run.

    python run.py CASES_DIR PEER_TFT [--json FILE] [--svg FILE] [--repeat 7] [--quick]

First the numbers themselves are compared: the largest difference of any quantile must be below 1e-3, else exit 1. Then every
figure is taken --repeat times in turn (libtft, ONNX Runtime, PyTorch, libtft, …), so that a busy moment of the machine hits
everybody; what is printed is the median, the spread is smallest … largest, ratios are formed within each turn.
"""
import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
os.environ.pop("OPENBLAS_CORETYPE", None)
import numpy as np  # noqa: E402
import onnxruntime as ort  # noqa: E402
import torch  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parent))
import case as cases  # noqa: E402
from chart import chart  # noqa: E402


REST_S = 0.3  # before each figure: thread pools of ONNX Runtime and OpenMP spin on after their work, on cores that the next peer needs


WARM_S = 0.1  # without a watch before each forward pass, the same for everybody: caches and the processor's clock are then of this work


def warm(run):
    begin = time.perf_counter()
    while time.perf_counter() < begin + WARM_S:
        run()


class Ours:
    name = "libtft"

    def __init__(self, program, folder):
        self.process = subprocess.Popen([program, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline().strip() == "ready"

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"peer_tft ended at: {line}")
        return float(answer)

    def forward(self, n, threads):
        return self.ask(f"forward {n} {threads}")

    def train(self, n, threads):
        return self.ask(f"train {n} {threads}")

    def raw(self, shape):
        with tempfile.NamedTemporaryFile() as f:
            self.ask(f"raw {f.name}")
            return np.fromfile(f.name, np.float32).reshape(shape)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Onnx:
    name = "ONNX Runtime"

    def __init__(self, folder, x):
        self.folder, self.x, self.sessions = Path(folder), x, {}

    def session(self, n, threads):
        if (n, threads) not in self.sessions:
            o = ort.SessionOptions()
            o.intra_op_num_threads, o.inter_op_num_threads = threads, 1
            o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
            s = ort.InferenceSession(str(self.folder / f"model-{n}.onnx"), o, providers=["CPUExecutionProvider"])
            wanted = {i.name for i in s.get_inputs()}
            xn = cases.repeat(self.x, n)
            self.sessions[n, threads] = s, {k: v.numpy() for k, v in xn.items() if k in wanted}
        return self.sessions[n, threads]

    def run(self, n, threads):
        s, feed = self.session(n, threads)
        return s.run(["raw"], feed)[0]

    def forward(self, n, threads):
        """1,000 windows go in batches of 20: larger ones were slower per window in every run."""
        batch = min(n, 20)
        warm(lambda: self.run(batch, threads))
        start = time.perf_counter()
        for _ in range(n // batch):
            self.run(batch, threads)
        return time.perf_counter() - start

    def train(self, n, threads):
        return None


class Torch:
    name = "PyTorch"

    def __init__(self, name):
        self.model, self.dataset, self.x, self.y = cases.build(name)
        self.wrapped = {}
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-5)

    def forward(self, n, threads):
        torch.set_num_threads(threads)
        batch = min(n, 100)  # its best: larger batches do not fit the cache
        x = cases.repeat(self.x, batch)
        self.model.eval()
        with torch.inference_mode():
            warm(lambda: self.model(x))
            start = time.perf_counter()
            for _ in range(n // batch):
                self.model(x)
        return time.perf_counter() - start

    def train(self, n, threads):
        torch.set_num_threads(threads)
        x = cases.repeat(self.x, n)
        y = ([cases.repeat({"t": t}, n)["t"] for t in self.y[0]], None)
        self.model.train()
        start = time.perf_counter()
        self.optimizer.zero_grad()
        self.model.loss.reset()
        self.model.loss(self.model(x)["prediction"], y).backward()
        self.optimizer.step()
        return time.perf_counter() - start

    def raw(self):
        self.model.eval()
        caught = {}
        original = self.model.transform_output
        self.model.transform_output = lambda prediction, target_scale, loss=None: caught.setdefault("raw", prediction)
        with torch.inference_mode():
            self.model(self.x)
        self.model.transform_output = original
        return torch.cat(caught["raw"], dim=-1).numpy()

    def predict(self, threads):
        """From histories in memory (a data frame) to all quantiles, as a Python daemon does it."""
        from pytorch_forecasting import TimeSeriesDataSet
        torch.set_num_threads(threads)
        frame = cases.mg.fleet(20, [288], 96, seed=21)
        self.model.eval()
        start = time.perf_counter()
        ds = TimeSeriesDataSet.from_dataset(self.dataset, frame, predict=True, stop_randomization=True)
        x, _ = next(iter(ds.to_dataloader(train=False, batch_size=20, num_workers=0)))
        with torch.inference_mode():
            self.model(x)
        return time.perf_counter() - start


def spread(values):
    values = sorted(v for v in values if v is not None)
    return {"median": statistics.median(values), "least": values[0], "most": values[-1]} if values else None


def measure(peers, kind, n, threads, repeat):
    """Every peer in turn, `repeat` times; the first turn warms up and is not kept."""
    turns = {p.name: [] for p in peers}
    for turn in range(repeat + 1):
        for p in peers:
            time.sleep(REST_S)
            seconds = getattr(p, kind)(n, threads)
            if turn > 0:
                turns[p.name].append(seconds)
    ours = turns["libtft"]
    row = {"kind": kind, "n": n, "threads": threads, "peers": {}}
    for name, values in turns.items():
        s = spread(values)
        if s:
            s["ratio_to_libtft"] = spread([v / o for v, o in zip(values, ours)])
            row["peers"][name] = s
    return row


def show(row):
    what = f"{row['kind']:8s} {row['n']:5d} windows, {row['threads']} thread{'s' if row['threads'] > 1 else ' '}"
    parts = []
    for name, s in row["peers"].items():
        text = f"{name} {1e3 * s['median']:8.2f} ms ({1e3 * s['least']:.2f}…{1e3 * s['most']:.2f})"
        if name != "libtft":
            r = s["ratio_to_libtft"]
            text += f" = {r['median']:.1f}x ({r['least']:.1f}…{r['most']:.1f})"
        parts.append(text)
    rate = row["n"] / row["peers"]["libtft"]["median"]
    print(f"{what}: " + ", ".join(parts) + f"; libtft {rate:,.0f}/s", flush=True)


START_TORCH = """
import sys, time, warnings; warnings.filterwarnings("ignore")
sys.path.insert(0, {here!r})
import case, torch
model, ds, x, y = case.build({name!r})
with torch.inference_mode(): model(x)
"""
START_ONNX = """
import sys, numpy as np, onnxruntime as ort
s = ort.InferenceSession({path!r}, providers=["CPUExecutionProvider"])
feed = dict(np.load({feed!r}))
s.run(None, {{i.name: feed[i.name] for i in s.get_inputs()}})
"""
# Not ru_maxrss: a child inherits its parent's figure across exec().
PEAK = "\nprint(1024 * next(int(l.split()[1]) for l in open('/proc/self/status') if l.startswith('VmHWM')))\n"


def started(command, stdin=None):
    start = time.perf_counter()
    out = subprocess.run(command, input=stdin, capture_output=True, text=True, check=True).stdout
    return time.perf_counter() - start, float(out.split()[-1])


def starts(name, folder, program, x, repeat):
    """Process start to 20 forecasts in memory, and the memory that took."""
    here = str(Path(__file__).resolve().parent)
    with tempfile.NamedTemporaryFile(suffix=".npz") as feed:
        np.savez(feed.name, **{k: v.numpy() for k, v in x.items() if k in cases.INPUTS and torch.is_tensor(v)})
        commands = {
            "libtft": ([program, folder], "first 20 1\nrss\n"),
            "ONNX Runtime": ([sys.executable, "-c", START_ONNX.format(path=f"{folder}/model-20.onnx", feed=feed.name) + PEAK], None),
            "PyTorch": ([sys.executable, "-c", START_TORCH.format(here=here, name=name) + PEAK], None)}
        rows = {k: [started(*c) for _ in range(repeat)] for k, c in commands.items()}
    return {k: {"seconds": spread([t for t, _ in v]), "bytes": spread([m for _, m in v])} for k, v in rows.items()}


def machine():
    model = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(), "date": datetime.date.today().isoformat(),
            "torch": torch.__version__, "onnxruntime": ort.__version__, "python": platform.python_version()}


def compare(name, folder, program, repeat, quick):
    torch_peer = Torch(name)
    ours, onnx = Ours(program, folder), Onnx(folder, torch_peer.x)
    reference = torch_peer.raw()
    differences = {"ONNX Runtime": float(np.abs(onnx.run(20, 1) - reference).max()),
                   "libtft": float(np.abs(ours.raw(reference.shape) - reference).max())}
    print(f"\n{name}: largest difference from PyTorch of {reference.size:,} numbers: "
          + ", ".join(f"{k} {v:.1e}" for k, v in differences.items()), flush=True)
    if max(differences.values()) > 1e-3:
        sys.exit(f"{name}: the peers do not compute the same")
    peers, rows = [ours, onnx, torch_peer], []
    for threads in (1, 2):
        for n in (1, 20) if quick else (1, 20, 1000):
            rows.append(measure(peers, "forward", n, threads, repeat if n < 1000 else max(5, repeat // 2)))
            show(rows[-1])
        for n in (64,) if quick else (64, 256):
            rows.append(measure([ours, torch_peer], "train", n, threads, 2 if quick else 5))
            show(rows[-1])
    memory = starts(name, folder, program, torch_peer.x, 2 if quick else 5)
    for k, v in memory.items():
        print(f"start to 20 forecasts: {k} {v['seconds']['median']:.3f} s, {v['bytes']['median'] / 2**20:.0f} MiB", flush=True)
    whole = {threads: spread([torch_peer.predict(threads) for _ in range(repeat)]) for threads in (1, 2)}
    for threads, s in whole.items():
        print(f"pytorch-forecasting, histories of 20 servers to quantiles, {threads} thread(s): {1e3 * s['median']:.1f} ms", flush=True)
    ours.close()
    return {"case": name, "parameters": sum(p.numel() for p in torch_peer.model.parameters()), "difference": differences,
            "rows": rows, "start": memory, "pytorch_forecasting_predict": whole}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("cases")
    p.add_argument("program")
    p.add_argument("--json")
    p.add_argument("--svg")
    p.add_argument("--repeat", type=int, default=7)
    p.add_argument("--quick", action="store_true", help="small batches, few repetitions: does it run?")
    a = p.parse_args()
    result = {"machine": machine(), "cases": []}
    print("machine:", ", ".join(f"{k} {v}" for k, v in result["machine"].items()))
    for name in cases.SHAPES:
        folder = f"{a.cases}/{name}"
        if Path(folder).is_dir():
            result["cases"].append(compare(name, folder, a.program, 2 if a.quick else a.repeat, a.quick))
    if a.json:
        Path(a.json).write_text(json.dumps(result, indent=1) + "\n")
    if a.svg:
        Path(a.svg).write_text(chart(result))


if __name__ == "__main__":
    main()
