r"""
3.3.11 AdamW, NAdam, RAdam, Adafactor · 后来的优化器
====================================================

Four that came after the ten of the notes, each as what it changes in Adam. The fifth,
Muon, is lesson 3.3.12.

.. math::

   \text{AdamW:} \quad & w \leftarrow (1 - \eta \lambda) \, w
        \text{ before Adam's step, instead of } g \leftarrow g + \lambda w \\
   \text{NAdam:} \quad & \text{the momentum of the step to come (Nesterov)} \\
   \text{RAdam:} \quad & \text{no division by } \sqrt v \text{ before } v
        \text{ can be trusted} \\
   \text{Adafactor:} \quad & v_{ij} \approx r_i \, c_j / \bar r:
        \text{ means of rows and columns in place of a matrix}

:memory:    two buffers per weight; Adafactor one number for each row and each column
:use it:    AdamW first, for any network. Adafactor where memory is short.
:then → now: none of them was in PyTorch 1.0; Adafactor came with 2.5
:source:    Loshchilov, Hutter 2019; Dozat 2016; Liu et al. 2020; Shazeer, Stern 2018
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import optim

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, result_dir

RESULT = result_dir(__file__)
torch.manual_seed(0)
start = torch.randn(6, 4, dtype=torch.float64)
gradients = torch.randn(50, 6, 4, dtype=torch.float64)  # for 50 steps

# %%
# Adam's three children, by hand
# ------------------------------
# :math:`m` and :math:`v` are Adam's; the step is what differs. RAdam leaves :math:`v`
# out as long as :math:`\rho_t`, the number of gradients it rests on, is at most 5.


def adamw(m, v, g, t, lr, beta1, beta2, eps):
    """Return the step of AdamW: Adam's own."""
    return lr * m / (1 - beta1**t) / ((v / (1 - beta2**t)).sqrt() + eps)


def nadam(m, v, g, t, lr, beta1, beta2, eps):
    """Return the step of NAdam: gradient of now, momentum of the next step."""
    mu = [beta1 * (1 - 0.5 * 0.96 ** (0.004 * i)) for i in range(1, t + 2)]
    product = torch.tensor(mu[:t]).prod().item()
    ahead = (1 - mu[t - 1]) / (1 - product) * g + mu[t] / (1 - product * mu[t]) * m
    return lr * ahead / ((v / (1 - beta2**t)).sqrt() + eps)


def radam(m, v, g, t, lr, beta1, beta2, eps):
    """Return the step of RAdam: the mean gradient, later a share of Adam's step."""
    limit = 2 / (1 - beta2) - 1
    rho = limit - 2 * t * beta2**t / (1 - beta2**t)
    m_hat = m / (1 - beta1**t)
    if rho <= 5:
        return lr * m_hat
    share = (rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)
    return lr * m_hat * share**0.5 * (1 - beta2**t) ** 0.5 / (v.sqrt() + eps)


def walk_by_hand(step, w, gradients, decay=0.0, lr=0.1):
    """Return the weights after one step of a child of Adam for each gradient."""
    m = v = torch.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        w = (1 - lr * decay) * w - step(m, v, g, t, lr, 0.9, 0.999, eps=0.1)
    return w


def walk(optimizer, w, gradients):
    """Return the weights after one step of the optimizer for each gradient."""
    for g in gradients:
        w.grad = g.to(w.dtype)
        optimizer.step()
    return w


for kind, step in ((optim.AdamW, adamw), (optim.NAdam, nadam), (optim.RAdam, radam)):
    w = torch.nn.Parameter(start.clone())
    decay = 0.3 if kind is optim.AdamW else 0.0
    by_torch = walk(kind([w], lr=0.1, eps=0.1, weight_decay=decay), w, gradients)
    by_hand = walk_by_hand(step, start, gradients, decay)
    check(f"{kind.__name__}: 50 steps", by_hand, by_torch, rtol=1e-6)

# %%
# Adafactor: rows and columns
# ---------------------------
# The rate is the smaller of ``lr`` and :math:`1 / \sqrt t`, times the root mean square
# of the weights. An update whose root mean square is above 1 is scaled down to 1.


def adafactor_by_hand(w, gradients, lr=0.01):
    """Return the weights, a matrix, after one step of Adafactor for each gradient."""
    rows = columns = 0.0
    for t, g in enumerate(gradients, 1):
        new = t**-0.8  # the share of the new squares
        rows = (1 - new) * rows + new * g.square().mean(1, keepdim=True)
        columns = (1 - new) * columns + new * g.square().mean(0, keepdim=True)
        update = g / (rows * columns / rows.mean()).sqrt()
        size = min(lr, t**-0.5) * max(1e-3, w.square().mean().sqrt())
        w = w - size * update / max(1.0, update.square().mean().sqrt())
    return w


w = torch.nn.Parameter(start.clone())
optimizer = optim.Adafactor([w], lr=0.3)
by_hand = adafactor_by_hand(start, gradients, lr=0.3)  # 1 / √t from step 12 on
check("Adafactor: 50 steps", by_hand, walk(optimizer, w, gradients))
kept = {k: tuple(v.shape) for k, v in optimizer.state[w].items() if v.dim()}
print(kept)  # → {'row_var': (6, 1), 'col_var': (1, 4)}

# %%
# The picture
# -----------
# Gradients of 0.01 in every step: AdamW's steps are of full length from the first on.
lengths = {}
for kind in (optim.AdamW, optim.NAdam, optim.RAdam):
    w = torch.nn.Parameter(torch.zeros(1))
    optimizer, places = kind([w], lr=1.0, weight_decay=0.0), [0.0]
    for _ in range(2000):
        places.append(walk(optimizer, w, torch.full((1, 1), 0.01)).item())
    lengths[kind.__name__] = -torch.tensor(places).double().diff()
check_less("RAdam's first ten steps together", lengths["RAdam"][:10].sum(), 0.5)
check("and its last", 0.9, lengths["RAdam"][-1], rtol=0.1)
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
for name, steps in lengths.items():
    ax.semilogx(range(1, 2001), steps, label=name)
ax.set(xlabel="step", ylabel="length of the step / lr", ylim=(0, None))
ax.set_title("RAdam warms up by itself")
ax.legend()
fig.savefig(RESULT / "first_steps.png")
