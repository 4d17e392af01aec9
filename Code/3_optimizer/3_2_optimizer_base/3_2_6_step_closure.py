r"""
3.2.6 step(closure) · 执行一步更新
==================================

Change the weights once. A closure is a function of yours that computes the loss and its
gradients; LBFGS calls it again and again in one step, to learn them at other weights.

:signature: ``optimizer.step(closure=None)``; LBFGS insists on a closure
:closure:   without arguments: it clears the gradients, computes the loss, calls
            ``backward`` and returns the loss
:called:    once, before the weights move; by LBFGS up to ``max_iter`` times in a step,
            and more often in a line search (lesson 3.3.10)
:returns:   the loss of the *first* call, from before the step; None without closure
:use it:    for LBFGS. Elsewhere ``backward()``, then ``step()``, does the same.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn, optim

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # Code/
from utils import check, check_less, refused, result_dir

RESULT = result_dir(__file__)

# %%
# SGD calls it once
# -----------------
# One call. The loss that returns, 4, is the one at w = 3; the weight goes on to 2.6.


def bowl(w):
    """Return a loss that is least at w = 1."""
    return (w - 1) ** 2


def closure_for(optimizer, w, loss_of, seen, clear=True):
    """Return a closure that notes in the list seen where it is called: [w, loss]."""

    def ask():
        if clear:
            optimizer.zero_grad()
        loss = loss_of(w)
        loss.backward()
        seen.append([w.item(), loss.item()])
        return loss

    return ask


def start(kind, **settings):
    """Return a weight of 3, an optimizer for it, and an empty list."""
    w = nn.Parameter(torch.tensor(3.0, dtype=torch.float64))
    return w, kind([w], **settings), []


w, sgd, seen = start(optim.SGD, lr=0.1)
loss = sgd.step(closure_for(sgd, w, bowl, seen))
print(len(seen), loss.item(), w.item())  # → 1 4.0 2.6

# %%
# By hand
# -------
# Ask, then step. Gradients are on in the closure, even where they are off around it.
for kind in (optim.SGD, optim.Adam, optim.RMSprop):
    runs = {"by hand": [], "by torch": []}
    for who, run in runs.items():
        w, optimizer, seen = start(kind, lr=0.1)
        closure = closure_for(optimizer, w, bowl, seen)
        for _ in range(20):
            if who == "by hand":
                loss = closure()
                optimizer.step()
            else:
                with torch.no_grad():
                    loss = optimizer.step(closure)
            run.append([loss.item(), w.item()])
    check(f"{kind.__name__}: 20 losses and weights", *runs.values(), rtol=1e-12)

# %%
# LBFGS calls it many times
# -------------------------
# One step is a walk of up to ``max_iter`` inner steps, and it asks before each of them.
# What returns is the first loss, which knows nothing of what is reached.


def funnel(w):
    """Return a loss that is round at its minimum, w = 1, and straight further out."""
    return torch.log(torch.cosh(w - 1))


for max_iter in (1, 5, 20):
    w, lbfgs, seen = start(optim.LBFGS, max_iter=max_iter)
    loss = lbfgs.step(closure_for(lbfgs, w, funnel, seen))
    check(f"max_iter={max_iter}: the first loss returns", seen[0][1], loss.item())
    print(f"calls: {len(seen)}, reached: {funnel(w).item():.3f}")
# → calls: 1, reached: 0.461
# → calls: 5, reached: 0.199
# → calls: 12, reached: 0.000

# %%
# Pitfalls
# --------
# Without ``zero_grad`` in the closure the gradients of all calls add up.
for clear in (True, False):
    w, lbfgs, _ = start(optim.LBFGS)
    loss = lbfgs.step(closure_for(lbfgs, w, bowl, [], clear))
    print(f"zero_grad: {clear}, from {loss.item():.0f} to {bowl(w).item():.0f}")
# → zero_grad: True, from 4 to 0
check_less("zero_grad forgotten: far out of the bowl", 100, w.abs())

# %%
# Without closure, without its ``return``, and silently without its ``backward``: LBFGS
# takes a missing gradient for zero, and stays.
with refused(TypeError, "missing 1 required positional argument: 'closure'"):
    lbfgs.step()
with refused(TypeError, "NoneType"):
    lbfgs.step(lambda: None)
w = nn.Parameter(torch.tensor(3.0))
optim.LBFGS([w]).step(lambda: bowl(w))
print("w:", w.item())  # → w: 3.0

# %%
# The picture
# -----------
fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
ax.plot(line := torch.linspace(-3, 5, 200), funnel(line), color="0.7")
for call, (where, height) in enumerate(seen, 1):
    ax.plot(where, height, "o", color="tab:red" if call == 1 else "tab:blue")
    text = {1: "1: this loss returns", 2: "2 and 9"}.get(call, call if call < 9 else "")
    ax.text(where + 0.1, height + (0.1 if where < 1 else -0.25), text)
ax.set(title="One step of LBFGS: 12 calls, and the first loss returns")
ax.set(xlabel="w", ylabel="loss")
fig.savefig(RESULT / "one_step.png")
