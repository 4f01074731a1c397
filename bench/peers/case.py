"""The networks that are compared: pytorch-forecasting's own model and batch, written as a reference case.

    python case.py OUT [hidden32|hidden160]

OUT/<case>/ is what tests/golden/make_golden.py writes (that script does the work): config.json, model.safetensors, input, and
beside them model.onnx for each batch size that ONNX Runtime is measured with. 20 windows of a made fleet, 288 steps in,
96 out, 4 targets, 7 quantiles.
"""
import contextlib
import io
import sys
import warnings
from pathlib import Path

import torch
import torch.nn as nn

warnings.filterwarnings("ignore")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "golden"))
import make_golden as mg  # noqa: E402
from pytorch_forecasting import MultiNormalizer, TemporalFusionTransformer, TimeSeriesDataSet  # noqa: E402
from pytorch_forecasting.metrics import MultiLoss, QuantileLoss  # noqa: E402

SHAPES = {"hidden32": dict(hidden_size=32, attention_head_size=8, hidden_continuous_size=16),
          "hidden160": dict(hidden_size=160, attention_head_size=4, hidden_continuous_size=16)}
ONNX_BATCHES = (1, 20, 100)  # ONNX Runtime gets 1,000 windows as the best of 50 x 20 and 10 x 100


def spec(name):
    df = mg.fleet(20, [288], 96, seed=21)
    targets = list(mg.METRICS)
    ds = TimeSeriesDataSet(
        df, time_idx="time_idx", target=targets, group_ids=["server_id"],
        max_encoder_length=288, min_encoder_length=288, max_prediction_length=96, min_prediction_length=96,
        static_categoricals=["profile"], time_varying_known_reals=["hour", "day_of_week", "month", "is_weekend"],
        time_varying_unknown_reals=targets, target_normalizer=MultiNormalizer([mg.norm() for _ in targets]),
        add_relative_time_idx=True, add_target_scales=True, add_encoder_length=True, predict_mode=True)
    hp = dict(dropout=0.1, lstm_layers=1, output_size=[7] * 4, loss=MultiLoss([QuantileLoss(mg.QUANTILES) for _ in targets]),
              **SHAPES[name])
    return dict(dataset=ds, hparams=hp, items=list(range(20)), quantiles=mg.QUANTILES, train=dict(steps=4))


def build(name, seed=7):
    """The model in evaluation mode, its dataset, one collated batch of 20 windows. The same numbers every time."""
    torch.set_default_dtype(torch.float32)
    torch.manual_seed(seed)
    s = spec(name)
    with contextlib.redirect_stdout(io.StringIO()):
        model = TemporalFusionTransformer.from_dataset(s["dataset"], learning_rate=1e-3, log_interval=-1, **s["hparams"])
        mg.train(model, s["dataset"], **s["train"])
    x, y = mg.batch_of(s["dataset"], s["items"])
    return model.eval(), s["dataset"], x, y


INPUTS = ("encoder_cat", "encoder_cont", "decoder_cat", "decoder_cont", "encoder_lengths", "decoder_lengths", "target_scale")


def repeat(x, n):
    """The batch of 20 windows as one of n: cut short, or repeated."""
    def rows(t):
        return t.repeat(*([(n + t.size(0) - 1) // t.size(0)] + [1] * (t.dim() - 1)))[:n].contiguous()
    return {k: ([rows(t) for t in v] if isinstance(v, (list, tuple)) else rows(v)) for k, v in x.items()}


class Raw(nn.Module):
    """What is exported: inputs as tensors, the four targets' quantiles before rescaling as [B, T, 28]."""

    def __init__(self, model, x):
        super().__init__()
        self.model = model
        self.fixed = {k: x[k] for k in ("encoder_lengths", "decoder_lengths", "target_scale")}
        for module in model.modules():  # all windows are full: pytorch-forecasting's packing is not needed, nor exportable
            if isinstance(module, nn.LSTM) and type(module) is not nn.LSTM:
                module.forward = lambda input, hx=None, _m=module, **_: nn.LSTM.forward(_m, input, hx)

    def forward(self, encoder_cat, encoder_cont, decoder_cat, decoder_cont):
        x = dict(encoder_cat=encoder_cat, encoder_cont=encoder_cont, decoder_cat=decoder_cat, decoder_cont=decoder_cont, **self.fixed)
        caught = {}
        self.model.transform_output = lambda prediction, target_scale, loss=None: caught.setdefault("raw", prediction)
        try:
            self.model(x)
        finally:
            del self.model.transform_output
        return torch.cat(caught["raw"], dim=-1)


def export(model, x, n, path):
    xn = repeat(x, n)
    wrapper = Raw(model, xn)
    arguments = tuple(xn[k] for k in ("encoder_cat", "encoder_cont", "decoder_cat", "decoder_cont"))
    with torch.no_grad():
        torch.onnx.export(wrapper, arguments, str(path), opset_version=17, dynamo=False,
                          input_names=["encoder_cat", "encoder_cont", "decoder_cat", "decoder_cont"], output_names=["raw"])


def write(name, out):
    mg.make(name, spec(name), out)
    model, _, x, _ = build(name)
    for n in ONNX_BATCHES:
        export(model, x, n, out / name / f"model-{n}.onnx")
    torch.save(model.state_dict(), out / name / "model.pt")


if __name__ == "__main__":
    torch.set_num_threads(2)
    for case in sys.argv[2:] or SHAPES:
        write(case, Path(sys.argv[1]))
