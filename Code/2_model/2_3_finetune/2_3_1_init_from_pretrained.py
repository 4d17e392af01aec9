r"""
2.3.1 init from pretrained · Finetune之权值初始化
=================================================

Finetuning: a network starts from the weights of one that has learned something similar.
They come as a state dict, from the name of each parameter to its tensor.

:the notes: their three steps have four holes, shown here and closed
:then → now: since 2.6 ``torch.load`` reads tensors and plain data only
"""

import pickle
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torchvision.models import ResNet18_Weights, resnet18
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import Net, check, check_less, needs, refused, result_dir, train_epoch

RESULT = result_dir(__file__)
torch.manual_seed(1)

# %%
# The source network learns the digits 0 to 4, at random places
# -------------------------------------------------------------
digits, crop = load_digits(), v2.RandomCrop(32, padding=12)
labels, pixels = torch.from_numpy(digits.target), torch.from_numpy(digits.images / 8)
large = nn.functional.interpolate(pixels.float()[:, None], size=20)
old, new = (labels < 5).nonzero()[:, 0], (labels >= 5).nonzero()[:, 0]
source, loss = Net(classes=5), nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(source.parameters(), lr=3e-3)
for _ in range(7):
    images = torch.stack([crop(digit) for digit in large]).expand(-1, 3, -1, -1)
    batches = [(images[i], labels[i]) for i in old[torch.randperm(len(old))].split(32)]
    train_epoch(source, batches, loss, optimizer)

# %%
# The notes' three steps: save, load, initialise
# ----------------------------------------------
torch.save(source.state_dict(), RESULT / "net_params.pkl")
pretrained_dict = torch.load(RESULT / "net_params.pkl")
net = Net(classes=5)
net_state_dict = net.state_dict()
pretrained_dict_1 = {k: v for k, v in pretrained_dict.items() if k in net_state_dict}
net_state_dict.update(pretrained_dict_1)
print(net.load_state_dict(net_state_dict))  # → <All keys matched successfully>
check("same weights, same scores", source(images[:9]), net(images[:9]))

# %%
# Four holes
# ----------
# With other classes fc3 passes the filter, which looks at names, and is refused, with
# all else already loaded; ``strict=False`` forgives names, not shapes. ``DataParallel``
# puts ``module.`` before each name: none passes, the network gets its own weights and
# reports success. A whole network is a pickle, which could run any code: refused.
net = Net(classes=10)
kept = {k: v for k, v in pretrained_dict.items() if k in net.state_dict()}
for strict in (True, False):
    with refused(RuntimeError, "size mismatch for fc3.weight"):
        net.load_state_dict(net.state_dict() | kept, strict)
check("half-loaded", pretrained_dict["conv1.weight"], net.conv1.weight)
parallel = nn.DataParallel(source).state_dict()
kept = {k: v for k, v in parallel.items() if k in net.state_dict()}
print(len(kept), net.load_state_dict(net.state_dict() | kept))  # → 0 <All keys …>
torch.save(source, RESULT / "whole.pkl")
with refused(pickle.UnpicklingError, "Weights only load failed"):
    torch.load(RESULT / "whole.pkl")


# %%
# The holes closed
# ----------------
def load_what_fits(net: nn.Module, state: dict) -> tuple[list[str], dict[str, str]]:
    """Load each tensor that has the name, less ``module.``, and shape of one in net.

    Return the names loaded, and why others were not; ValueError if nothing fits.
    """
    own, fits, skipped = net.state_dict(), {}, {}
    for key, value in state.items():
        name = key if key in own else key.removeprefix("module.")
        if name not in own:
            skipped[key] = "unknown to the network"
        elif value.shape != own[name].shape:
            skipped[name] = f"{tuple(value.shape)} for {tuple(own[name].shape)}"
        else:
            fits[name] = value
    if not fits:
        raise ValueError(f"nothing fits: {skipped}")
    missing = net.load_state_dict(fits, strict=False).missing_keys
    return list(fits), dict.fromkeys(missing, "not in the file") | skipped


# %%
# Another head, DataParallel, main.py; torchvision's ResNet-18, if it is in the cache.
print(load_what_fits(Net(classes=10), pretrained_dict)[1])
# → {'fc3.weight': '(5, 84) for (10, 84)', 'fc3.bias': '(5,) for (10,)'}
print(len(load_what_fits(Net(classes=5), parallel)[0]))  # → 10
weights = torch.load(needs("weights"), weights_only=True)["net"]
_, skipped = load_what_fits(Net(classes=len(weights["fc3.bias"]) + 1), weights)
check("main.py: all but the head", ["fc3.weight", "fc3.bias"], list(skipped))
with refused(ValueError, "nothing fits"):
    load_what_fits(Net(), {"net": weights})
file = Path(torch.hub.get_dir(), "checkpoints", Path(ResNet18_Weights.DEFAULT.url).name)
if file.is_file():
    print("ResNet-18:", load_what_fits(resnet18(num_classes=10), torch.load(file))[1])
else:
    print("ResNet-18: not here; torchvision.models.resnet18(weights='DEFAULT') gets it")

# %%
# The picture: learn 5 to 9 from 100 images, three times
# ------------------------------------------------------
torch.manual_seed(1)
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
draws = [new[torch.randperm(len(new))][:300].split([100, 200]) for _ in range(3)]
for way in ("finetuned", "new fc3 trained, the rest frozen", "from scratch"):
    curves = torch.zeros(3, 7)
    for curve, (few, test) in zip(curves, draws, strict=True):
        net = Net(classes=10)
        if way != "from scratch":
            load_what_fits(net, pretrained_dict)
        net.requires_grad_("frozen" not in way).fc3.requires_grad_()
        optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
        batches = [(images[i], labels[i]) for i in few.split(25)]
        for i in range(7):
            right = net(images[test]).argmax(1) == labels[test]
            curve[i] = 100 * right.float().mean()
            train_epoch(net, batches, loss, optimizer)
    ax.plot(range(0, 28, 4), curves.mean(0), ".-", label=way)
lead = torch.tensor(ax.lines[0].get_ydata() - ax.lines[2].get_ydata())[1:]
check_less(f"ahead after every epoch, and at last by {lead[-1]:.0f} points", 3, lead)
ax.set_title("New digits are learned sooner and better with the weights of the old")
ax.set(xlabel="step", ylabel="% right, of other images", ylim=(0, 80))
ax.legend(loc="upper left")
fig.savefig(RESULT / "finetuned.png")
