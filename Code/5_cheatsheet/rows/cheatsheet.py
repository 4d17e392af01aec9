"""Rows of the notes' last part, the lists of names, and what else has come since."""

import torch

from utils.migration import Row, raises, warns, works, wrong


def gpu_call(without_cuda):
    """Return what becomes of asking for a GPU here.

    ``without_cuda`` is the error of a PyTorch that was built without CUDA.
    """
    if torch.backends.cuda.is_built():
        return raises(RuntimeError, "GPU")  # no driver, or no GPU
    return raises(without_cuda, "Torch not compiled with CUDA")


HAS_GPU = torch.cuda.is_available()


TENSORS = [
    Row(
        "cheat sheet",
        "`torch.FloatTensor(2, 3)` still makes a tensor of whatever was in memory. Say "
        "what you want: `zeros`, `empty`, `tensor`.",
        old="torch.FloatTensor(2, 3)",
        happens=works(),
        new="torch.zeros(2, 3, dtype=torch.float32)",
        proof="new.shape == old.shape == (2, 3) and new.dtype == old.dtype and "
        "not new.any()",
    ),
    Row(
        "cheat sheet",
        "`torch.FloatTensor(2.0)` is refused: a whole number is a size, a list is "
        "data. `torch.tensor` takes all as data.",
        old="torch.FloatTensor(2.0)",
        happens=raises(TypeError, "data must be a sequence"),
        new="torch.tensor(2.0)",
        proof="new.item() == 2 and torch.FloatTensor([2]).shape == (1,) and "
        "torch.FloatTensor(2).shape == (2,)",
    ),
    Row(
        "cheat sheet",
        "`torch.cuda.FloatTensor` fails without a GPU. Choose the device once and name "
        "it.",
        old="torch.cuda.FloatTensor(2, 3)",
        happens=warns(UserWarning, "constructors are no longer recommended")
        if HAS_GPU
        else gpu_call(without_cuda=TypeError),
        new="""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.zeros(2, 3, device=device)
        """,
        proof="new.shape == (2, 3) and new.device.type == device.type",
    ),
    Row(
        "cheat sheet",
        "`.cuda()` fails without a GPU: `.to(device)` does not.",
        old="torch.ones(2).cuda()",
        happens=works() if HAS_GPU else gpu_call(without_cuda=AssertionError),
        new="""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.ones(2).to(device)
        """,
        proof="new.tolist() == [1, 1] and new.device.type == device.type",
    ),
    Row(
        "cheat sheet",
        "Since then: `torch.accelerator`, the same for every make of GPU.",
        old="'cuda' if torch.cuda.is_available() else 'cpu'",
        happens=works(),
        new="""
        gpu = torch.accelerator.is_available()
        torch.accelerator.current_accelerator().type if gpu else "cpu"
        """,
        proof="new in (old, 'mps', 'xpu', 'npu') and torch.device(new).type == new",
    ),
    Row(
        "cheat sheet",
        "`.new(data)` keeps the dtype, and cuts 1.5 to 1.",
        given="x = torch.zeros(2, dtype=torch.int64)",
        old="x.new([1.5])",
        happens=wrong("old.tolist() == [1]"),
        new="x.new_tensor([1.5], dtype=torch.float32)",
        proof="new.tolist() == [1.5]",
    ),
    Row(
        "cheat sheet",
        "`.new(2, 3)` has whatever was in memory. `.new_zeros` is zero, `.new_empty` "
        "says so.",
        given="x = torch.zeros(2, dtype=torch.float64)",
        old="x.new(2, 3)",
        happens=works(),
        new="x.new_zeros(2, 3)",
        proof="new.dtype == old.dtype and new.shape == old.shape and not new.any()",
    ),
    Row(
        "cheat sheet",
        "A change through `.data` is hidden from autograd: the gradient is wrong, and "
        "nothing says so. `.detach()` raises an error in its place.",
        given="x = torch.tensor([0.0, 1.0], requires_grad=True)\ny = x.exp()",
        old="""
        y.data.mul_(0)
        torch.autograd.grad(y.sum(), x)[0]
        """,
        happens=wrong("not old.any()"),
        new="""
        try:
            y.detach().mul_(0)
            torch.autograd.grad(y.sum(), x)
        except RuntimeError as error:
            found = str(error)
        found
        """,
        proof="'modified by an inplace operation' in new",
    ),
    Row(
        "cheat sheet",
        "`loss.data[0]`, the number in a loss, was an index into one element. A loss "
        "has no dimension today: `.item()`.",
        given="loss = torch.tensor(0.5)",
        old="loss.data[0]",
        happens=raises(IndexError, "invalid index of a 0-dim tensor"),
        new="loss.item()",
        proof="new == 0.5 and type(new) is float",
    ),
    Row(
        "cheat sheet",
        "`float(loss)` warns where the loss has a history: `.item()`.",
        given="loss = 0.5 * torch.ones((), requires_grad=True)",
        old="float(loss)",
        happens={
            "torch 2.6": works(),
            "torch 2.8": warns(UserWarning, "requires_grad=True to a scalar"),
        },
        new="loss.item()",
        proof="new == old == 0.5",
    ),
    Row(
        "cheat sheet",
        "`total += loss` keeps the graph of every step alive; the number is `.item()`.",
        given="w = torch.ones(2, requires_grad=True)",
        old="""
        total = 0
        for _ in range(3):
            total += w.sum()
        total
        """,
        happens=wrong("old.requires_grad"),
        new="""
        total = 0
        for _ in range(3):
            total += w.sum().item()
        total
        """,
        proof="new == 6 and type(new) is float",
    ),
    Row(
        "cheat sheet",
        "`sequeeze()` is a typo of `squeeze()`.",
        given="x = torch.zeros(2, 1)",
        old="x.sequeeze()",
        happens=raises(AttributeError, "no attribute 'sequeeze'"),
        new="x.squeeze()",
        proof="new.shape == (2,)",
    ),
    Row(
        "cheat sheet",
        "`unsequence()` is a typo of `unsqueeze()`.",
        given="x = torch.zeros(2)",
        old="x.unsequence(0)",
        happens=raises(AttributeError, "no attribute 'unsequence'"),
        new="x.unsqueeze(0)",
        proof="new.shape == (1, 2)",
    ),
    Row(
        "cheat sheet",
        "A bare `squeeze()` also takes the batch away, when it has one image. Name the "
        "dimensions, of which there may be several now.",
        given="batch = torch.zeros(1, 3, 1, 1)",
        old="batch.squeeze()",
        happens=wrong("old.shape == (3,)"),
        new="batch.squeeze((2, 3))",
        proof="new.shape == (1, 3)",
    ),
    Row(
        "cheat sheet",
        "`.repeat` tiles. What NumPy calls `repeat` is `repeat_interleave`.",
        given="x = torch.tensor([1, 2])",
        old="x.repeat(2)",
        happens=wrong("old.tolist() != np.repeat([1, 2], 2).tolist()"),
        new="x.repeat_interleave(2)",
        proof="new.tolist() == np.repeat([1, 2], 2).tolist() and "
        "old.tolist() == np.tile([1, 2], 2).tolist()",
    ),
    Row(
        "cheat sheet",
        "`.repeat` wants a number for each dimension.",
        given="x = torch.zeros(2, 3)",
        old="x.repeat(2)",
        happens=raises(RuntimeError, "can not be smaller than number of dimensions"),
        new="x.repeat(2, 1)",
        proof="new.shape == (4, 3)",
    ),
    Row(
        "cheat sheet",
        "`.view().permute().view()` is refused: `.contiguous()` in between, or "
        "`.reshape`.",
        given="x = torch.arange(6)",
        old="x.view(2, 3).permute(1, 0).view(6)",
        happens=raises(RuntimeError, "view size is not compatible"),
        new="x.view(2, 3).permute(1, 0).reshape(6)",
        proof="new.tolist() == [0, 3, 1, 4, 2, 5]",
    ),
    Row(
        "cheat sheet",
        "`x.T` of more than two dimensions is deprecated: it reverses all. `.mT` swaps "
        "the last two.",
        given="x = torch.arange(24).view(2, 3, 4)",
        old="x.T",
        happens=warns(
            UserWarning, "The use of `x.T` on tensors of dimension other than 2"
        ),
        new="x.mT",
        proof="new.shape == (2, 4, 3) and old.shape == (4, 3, 2)",
    ),
    Row(
        "cheat sheet",
        "`torch.from_numpy` shares the memory: who changes one changes both.",
        given="a = np.zeros(2)",
        old="""
        x = torch.from_numpy(a)
        a[0] = 7
        x[0].item()
        """,
        happens=works(),
        new="""
        x = torch.tensor(a)
        a[0] = 7
        x[0].item()
        """,
        proof="old == 7 and new == 0",
    ),
    Row(
        "cheat sheet",
        "`torch.from_numpy` keeps NumPy's 64 bits, which a layer refuses.",
        given="a, layer = np.ones((1, 2)), nn.Linear(2, 1)",
        old="layer(torch.from_numpy(a))",
        happens=raises(RuntimeError, "must have the same dtype"),
        new="layer(torch.from_numpy(a).float())",
        proof="new.dtype == torch.float32",
    ),
    Row(
        "cheat sheet",
        "`torch.from_numpy` refuses a flipped array, whose stride is negative: copy "
        "it.",
        given="a = np.arange(3.0)[::-1]",
        old="torch.from_numpy(a)",
        happens=raises(ValueError, "stride"),
        new="torch.from_numpy(a.copy())",
        proof="new.tolist() == [2, 1, 0]",
    ),
    Row(
        "cheat sheet",
        "`torch.from_numpy` warns of an array that may not be written to, such as "
        "`np.asarray(picture)`.",
        given="picture = Image.new('L', (2, 2), 9)",
        old="torch.from_numpy(np.asarray(picture))",
        happens=warns(UserWarning, "The given NumPy array is not writable"),
        new="torch.from_numpy(np.array(picture))",
        proof="new.tolist() == [[9, 9], [9, 9]]",
    ),
    Row(
        "cheat sheet",
        "`np.float` is gone: `float`, or `np.float64`.",
        old="np.zeros(2, dtype=np.float)",
        happens=raises(AttributeError, "module 'numpy' has no attribute 'float'"),
        new="np.zeros(2, dtype=float)",
        proof="new.dtype == np.float64",
        since="numpy 2.2",
    ),
    Row(
        "cheat sheet",
        "`np.int` is gone: `int`, or `np.int64`.",
        old="np.int(3.7)",
        happens=raises(AttributeError, "module 'numpy' has no attribute 'int'"),
        new="int(3.7)",
        proof="new == 3",
        since="numpy 2.2",
    ),
    Row(
        "cheat sheet",
        "`float()` of an array with a dimension: NumPy refuses it now.",
        given="a = np.array([1.5])",
        old="float(a)",
        happens={
            "numpy 2.2": warns(
                DeprecationWarning, "ndim > 0 to a scalar is deprecated"
            ),
            "numpy 2.4": raises(
                TypeError, "only 0-dimensional arrays can be converted"
            ),
        },
        new="a.item()",
        proof="new == 1.5",
        since="numpy 2.2",
    ),
    Row(
        "cheat sheet",
        "`add_(number, tensor)`: the number has a name now.",
        given="x, y = torch.ones(2), torch.ones(2)",
        old="x.add_(3, y)",
        happens=warns(UserWarning, "This overload of add_ is deprecated"),
        new="x.add_(y, alpha=3)",
        proof="new.tolist() == old.tolist() == [4, 4]",
    ),
    Row(
        "cheat sheet",
        "Masks were uint8; they are bool now. A comparison gives one.",
        given="x = torch.arange(3)",
        old="x[torch.tensor([1, 0, 1], dtype=torch.uint8)]",
        happens=warns(UserWarning, "indexing with dtype torch.uint8 is now deprecated"),
        new="x[torch.tensor([1, 0, 1], dtype=torch.bool)]",
        proof="new.tolist() == old.tolist() == [0, 2]",
    ),
    Row(
        "cheat sheet",
        "`1 - mask`, the opposite of a mask, is refused: bools can't be subtracted.",
        given="mask = torch.tensor([1.0, -1.0]) > 0",
        old="1 - mask",
        happens={
            "torch 2.6": raises(RuntimeError, "with a bool tensor is not supported"),
            "torch 2.14": raises(NotImplementedError, "with a bool tensor is not"),
        },
        new="~mask",
        proof="new.tolist() == [False, True]",
    ),
    Row(
        "cheat sheet",
        "`.size(0)` works, and so does `.shape[0]`.",
        given="x = torch.zeros(2, 3)",
        old="x.size(0)",
        happens=works(),
        new="x.shape[0]",
        proof="new == old == 2",
    ),
    Row(
        "cheat sheet",
        "`torch.max` and `torch.min` along a dimension return values and places; "
        "`amax` and `argmax` return one.",
        given="x = torch.tensor([[1.0, 5.0, 2.0]])",
        old="torch.max(x, 1)",
        happens=works(),
        new="x.amax(1), x.argmax(1)",
        proof="new == (old.values, old.indices) and new[1].item() == 1",
    ),
    Row(
        "cheat sheet",
        "`torch.clamp` takes tensors as limits now, one for each element.",
        given="x = torch.tensor([-3.0, 5.0])",
        old="torch.clamp(x, min=-1, max=1)",
        happens=works(),
        new="""
        low, high = torch.tensor([-2.0, 0.0]), torch.tensor([0.0, 4.0])
        torch.clamp(x, min=low, max=high)
        """,
        proof="old.tolist() == [-1, 1] and new.tolist() == [-2, 4]",
    ),
    Row(
        "cheat sheet",
        "`torch.cat` mixes dtypes now: a float type wins over an integer one.",
        given="a, b = torch.zeros(1, dtype=torch.int64), torch.tensor([0.5])",
        old="torch.cat([a.float(), b])",
        happens=works(),
        new="torch.cat([a, b])",
        proof="torch.equal(new, old) and new.dtype == torch.float32",
    ),
    Row(
        "cheat sheet",
        "`iter(loader).next()` was Python 2.",
        given="loader = DataLoader([1, 2, 3, 4], batch_size=2)",
        old="iter(loader).next()",
        happens=raises(AttributeError, "no attribute 'next'"),
        new="next(iter(loader))",
        proof="new.tolist() == [1, 2]",
    ),
    Row(
        "cheat sheet",
        "`from troch.utils.data import Dataset`: it is torch.",
        old="from troch.utils.data import Dataset",
        happens=raises(ModuleNotFoundError, "troch"),
        new="""
        from torch.utils.data import Dataset
        Dataset.__module__
        """,
        proof="new.startswith('torch.utils.data')",
    ),
    Row(
        "cheat sheet",
        "`set_default_tensor_type` is deprecated: dtype and device are two things.",
        old="""
        torch.set_default_tensor_type(torch.DoubleTensor)
        torch.zeros(1).dtype
        """,
        happens=warns(UserWarning, "please use torch.set_default_dtype()"),
        new="""
        torch.set_default_dtype(torch.float64)
        torch.zeros(1).dtype
        """,
        proof="new == torch.float64",
    ),
    Row(
        "cheat sheet",
        "`load_state_dict(torch.load(pretrained))` works as it did. Say where to, and "
        "that only weights are expected.",
        given="""
        model = nn.Linear(2, 1)
        torch.save(model.state_dict(), "weights.pt")
        """,
        old="model.load_state_dict(torch.load('weights.pt'))",
        happens=works(),
        new="""
        weights = torch.load("weights.pt", map_location="cpu", weights_only=True)
        nn.Linear(2, 1).load_state_dict(weights)
        """,
        proof="str(new) == str(old) == '<All keys matched successfully>'",
    ),
]

LAYERS = [
    Row(
        "cheat sheet",
        '"`y = wx + b`": samples are rows, so it is `x @ w.T + b`.',
        given="layer, x = nn.Linear(3, 2), torch.randn(4, 3)",
        old="layer.weight @ x + layer.bias",
        happens=raises(RuntimeError, "mat1 and mat2 shapes cannot be multiplied"),
        new="x @ layer.weight.T + layer.bias",
        proof="torch.allclose(new, layer(x))",
    ),
    Row(
        "cheat sheet",
        "`Conv2d`'s size: the formula leaves out the dilation. It says 9, and 7 it is.",
        given="x, conv = torch.zeros(1, 1, 11, 11), nn.Conv2d(1, 1, 3, dilation=2)",
        old="(11 - 3 + 2 * 0) / 1 + 1",
        happens=wrong("old == 9 and conv(x).shape[-1] == 7"),
        new="math.floor((11 + 2 * 0 - 2 * (3 - 1) - 1) / 1 + 1)",
        proof="new == conv(x).shape[-1]",
    ),
    Row(
        "cheat sheet",
        "`Conv2d`'s size: the formula leaves out the rounding down. It says 3.5, and 3 "
        "it is.",
        given="x, conv = torch.zeros(1, 1, 9, 9), nn.Conv2d(1, 1, 4, stride=2)",
        old="(9 - 4 + 2 * 0) / 2 + 1",
        happens=wrong("old == 3.5 and conv(x).shape[-1] == 3"),
        new="math.floor((9 + 2 * 0 - 1 * (4 - 1) - 1) / 2 + 1)",
        proof="new == conv(x).shape[-1]",
    ),
    Row(
        "cheat sheet",
        "`Conv2d(padding='same')`, new, keeps the size, with stride 1 only.",
        given="x = torch.zeros(1, 1, 8, 8)",
        old="nn.Conv2d(1, 1, 3, stride=2, padding='same')",
        happens=raises(ValueError, "not supported for strided convolutions"),
        new="nn.Conv2d(1, 1, 3, padding='same')(x)",
        proof="new.shape == x.shape",
    ),
    Row(
        "cheat sheet",
        "`Conv2d` has learnt `padding_mode` and `dtype`. Zeros around the image darken "
        "its edge; a mirror does not.",
        given="x, ones = torch.ones(1, 1, 4, 4), torch.ones(1, 1, 3, 3) / 9",
        old="F.conv2d(x, ones, padding=1)",
        happens=works(),
        new="""
        conv = nn.Conv2d(
            1, 1, 3, padding=1, bias=False, padding_mode="reflect", dtype=torch.float32)
        init.constant_(conv.weight, 1 / 9)
        conv(x)
        """,
        proof="old[0, 0, 0, 0] < 0.5 and torch.allclose(new, x)",
    ),
    Row(
        "cheat sheet",
        "`F.softmax(x)` guesses the dimension, and warns: name it.",
        given="x = torch.zeros(2, 4)",
        old="F.softmax(x)",
        happens=warns(UserWarning, "Implicit dimension choice for softmax"),
        new="F.softmax(x, dim=1)",
        proof="torch.equal(new, torch.full((2, 4), 0.25))",
    ),
    Row(
        "cheat sheet",
        "`F.log_softmax(x)` guesses the dimension too.",
        given="x = torch.zeros(2, 4)",
        old="F.log_softmax(x)",
        happens=warns(UserWarning, "Implicit dimension choice for log_softmax"),
        new="F.log_softmax(x, dim=1)",
        proof="torch.allclose(new, torch.full((2, 4), -math.log(4)))",
    ),
    Row(
        "cheat sheet",
        "`F.softmax(x)` of three dimensions guesses the first: the batch.",
        given="x = torch.zeros(2, 3, 4)",
        old="""
        warnings.simplefilter("ignore")  # as many scripts do
        F.softmax(x)
        """,
        happens=wrong("torch.allclose(old.sum(0), torch.ones(3, 4))"),
        new="F.softmax(x, dim=-1)",
        proof="torch.allclose(new.sum(-1), torch.ones(2, 3))",
    ),
    Row(
        "cheat sheet",
        "`F.sigmoid` and `F.tanh`, once deprecated, warn no more; `torch.sigmoid` is "
        "the same.",
        given="x = torch.tensor([0.0, 2.0])",
        old="F.sigmoid(x), F.tanh(x)",
        happens=works(),
        new="torch.sigmoid(x), torch.tanh(x)",
        proof="all(torch.equal(*pair) for pair in zip(old, new)) and new[0][0] == 0.5",
    ),
    Row(
        "cheat sheet",
        "`F.upsample` is `F.interpolate`.",
        given="x = torch.arange(4.0).view(1, 1, 2, 2)",
        old="F.upsample(x, scale_factor=2)",
        happens=warns(UserWarning, "Use `nn.functional.interpolate` instead"),
        new="F.interpolate(x, scale_factor=2)",
        proof="torch.equal(new, old) and new.shape == (1, 1, 4, 4)",
    ),
    Row(
        "cheat sheet",
        "`clip_grad_norm` works in place, and has the underscore that says so.",
        given="w = nn.Parameter(torch.ones(1))\nw.grad = torch.tensor([4.0])",
        old="nn.utils.clip_grad_norm([w], 1.0)",
        happens=warns(FutureWarning, "in favor of `torch.nn.utils.clip_grad_norm_`"),
        new="nn.utils.clip_grad_norm_([w], 1.0)",
        proof="new == old == 4 and abs(w.grad.item() - 1) < 1e-4",
    ),
    Row(
        "4.3",
        "`register_backward_hook` misses gradients of a module of several steps, and "
        "warns: `register_full_backward_hook`.",
        given="""
        class Net(nn.Module):
            def forward(self, x):
                return (3 * x).exp()

        net, seen = Net(), []
        x = torch.zeros(2, requires_grad=True)
        hook = lambda module, grad_in, grad_out: seen.append(grad_in[0])
        """,
        old="""
        net.register_backward_hook(hook)
        net(x).sum().backward()
        seen[0].tolist()
        """,
        happens=warns(FutureWarning, "Please use register_full_backward_hook"),
        new="""
        net.register_full_backward_hook(hook)
        net(x).sum().backward()
        seen[0].tolist()
        """,
        proof="old == [1, 1] and new == [3, 3]",
    ),
    Row(
        "4.3",
        "`register_full_backward_hook` does not go with an in-place layer behind it.",
        given="""
        def run(inplace):
            net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(inplace=inplace))
            seen = []
            net[0].register_full_backward_hook(lambda m, i, o: seen.append(o[0].shape))
            net(torch.ones(1, 2, requires_grad=True)).sum().backward()
            return seen
        """,
        old="run(inplace=True)",
        happens=raises(RuntimeError, "is a view and is being modified inplace"),
        new="run(inplace=False)",
        proof="new == [(1, 2)]",
    ),
    Row(
        "cheat sheet",
        "`optimizer.param_groups[]`, as listed, lacks the number of the group.",
        given="optimizer = optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)",
        old="optimizer.param_groups[]",
        happens=raises(SyntaxError, "invalid syntax"),
        new="optimizer.param_groups[0]['lr']",
        proof="new == 0.1",
        since="torch 2.6, python 3.10",
    ),
    Row(
        "cheat sheet",
        "`torch.jit.trace` is deprecated: `torch.compile`, `torch.export`.",
        given="net, x = nn.Linear(2, 1), torch.ones(1, 2)",
        old="torch.jit.trace(net, x)(x)",
        happens={
            "torch 2.6": works(),
            "torch 2.14": warns(
                FutureWarning, "switch to `torch.compile` or `torch.ex"
            ),
        },
        new="torch.export.export(net, (x,)).module()(x)",
        proof="torch.equal(new, old)",
    ),
    Row(
        "cheat sheet",
        "`torch.jit.script` is deprecated too.",
        given="""
        def double(x):
            return 2 * x
        """,
        old="torch.jit.script(double)(torch.ones(1)).item()",
        happens={
            "torch 2.6": works(),
            "torch 2.14": warns(
                FutureWarning, "switch to `torch.compile` or `torch.ex"
            ),
        },
        new="""
        class Double(nn.Module):
            def forward(self, x):
                return double(x)
        torch.export.export(Double(), (torch.ones(1),)).module()(torch.ones(1)).item()
        """,
        proof="new == old == 2",
    ),
]

SINCE_THEN = [
    Row(
        "cheat sheet",
        "Since then: `torch.inference_mode`, a stricter `no_grad`, whose tensors can't "
        "enter a graph later.",
        given="w = torch.ones(2, requires_grad=True)",
        old="""
        with torch.no_grad():
            y = 2 * w
        (y * w).sum().backward()  # goes through
        w.grad.tolist()
        """,
        happens=works(),
        new="""
        with torch.inference_mode():
            y = 2 * w
        try:
            found = y * w
        except RuntimeError as error:
            found = str(error)
        found
        """,
        proof="'cannot be saved for backward' in new and old == [2, 2]",
    ),
    Row(
        "cheat sheet",
        "Since then: `nn.RMSNorm` divides by the root mean square, and subtracts no "
        "mean.",
        given="x = torch.randn(2, 8)",
        old="x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt()",
        happens=works(),
        new="nn.RMSNorm(8, eps=1e-6)(x)",
        proof="torch.allclose(new, old, atol=1e-6)",
    ),
    Row(
        "cheat sheet",
        "`torch.cuda.amp.autocast` became `torch.amp.autocast`, for every device.",
        old="torch.cuda.amp.autocast(enabled=False)",
        happens=warns(
            FutureWarning, "Please use `torch.amp.autocast('cuda', args...)`"
        ),
        new="""
        with torch.amp.autocast("cpu", dtype=torch.bfloat16):
            y = torch.ones(2, 2) @ torch.ones(2, 2)
        y.dtype
        """,
        proof="new == torch.bfloat16",
    ),
    Row(
        "cheat sheet",
        "`torch.cuda.amp.GradScaler` became `torch.amp.GradScaler`.",
        old="torch.cuda.amp.GradScaler(enabled=False)",
        happens=warns(
            FutureWarning, "Please use `torch.amp.GradScaler('cuda', args...)`"
        ),
        new="torch.amp.GradScaler('cpu', init_scale=8.0).scale(torch.ones(1)).item()",
        proof="new == 8",
    ),
    Row(
        "cheat sheet",
        "Since then: `AveragedModel`, an average of the weights over the steps. The "
        "first update copies.",
        given="""
        from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
        net = nn.Linear(1, 1, bias=False)
        values = [1.0, 2.0]
        """,
        old="""
        average = None
        for value in values:
            average = value if average is None else 0.9 * average + 0.1 * value
        average
        """,
        happens=works(),
        new="""
        mean = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.9))
        for value in values:
            init.constant_(net.weight, value)
            mean.update_parameters(net)
        mean.module.weight.item()
        """,
        proof="abs(new - old) < 1e-6 and abs(new - 1.1) < 1e-6",
    ),
    Row(
        "cheat sheet",
        "`AveragedModel` copies the buffers of a `BatchNorm2d`: average them with "
        "`use_buffers=True`, or compute them by `update_bn`.",
        given="""
        from torch.optim.swa_utils import AveragedModel

        def mean_of(**how):
            net = nn.BatchNorm2d(1)
            mean = AveragedModel(net, **how)
            for value in (0.0, 4.0):
                net.running_mean.fill_(value)
                mean.update_parameters(net)
            return mean.module.running_mean.item()
        """,
        old="mean_of()",
        happens=wrong("old == 4"),
        new="mean_of(use_buffers=True)",
        proof="new == 2 and hasattr(torch.optim.swa_utils, 'update_bn')",
    ),
    Row(
        "cheat sheet",
        "Since then: `SWALR`, which leads the rate to a constant one while an average "
        "is taken.",
        given="""
        from torch.optim.swa_utils import SWALR
        optimizer = optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)

        def rates(scheduler):
            found = []
            for _ in range(3):
                optimizer.step()
                scheduler.step()
                found.append(optimizer.param_groups[0]["lr"])
            return found
        """,
        old="""
        lr_at = lambda t: 1 - 0.5 * min(t, 2) / 2
        rates(lr_scheduler.LambdaLR(optimizer, lr_at))
        """,
        happens=works(),
        new="rates(SWALR(optimizer, 0.05, anneal_epochs=2, anneal_strategy='linear'))",
        proof="np.allclose(new[1:], 0.05) and np.allclose(old, [0.075, 0.05, 0.05])",
    ),
    Row(
        "cheat sheet",
        "`torchvision.datasets.FakeData`, pictures of noise, lets you try a script "
        "without a download.",
        old="torchvision.datasets.CIFAR10('empty', download=False)",
        happens=raises(RuntimeError, "Dataset not found or corrupted"),
        new="torchvision.datasets.FakeData(5, image_size=(3, 32, 32), num_classes=10)",
        proof="len(new) == 5 and new[0][0].size == (32, 32) and 0 <= new[0][1] < 10",
        since="torchvision 0.21",
    ),
]

ROWS = TENSORS + LAYERS + SINCE_THEN
