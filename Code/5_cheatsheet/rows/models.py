"""The preface and chapter 2 of the notes: models, initial weights, finetuning."""

import importlib.metadata
import pickle

from utils.migration import Row, raises, warns, works, wrong

NET = """
class Net(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.body, self.head = nn.Linear(4, 6), nn.Linear(6, classes)
    def forward(self, x):
        return self.head(self.body(x).relu())
"""

PREFACE = [
    Row(
        "preface",
        "The package is called `torch`, for CPU and GPU alike: `pip install torch`.",
        given="from importlib.metadata import version",
        old="version('pytorch-cpu')",
        happens=raises(importlib.metadata.PackageNotFoundError, "pytorch-cpu"),
        new="version('torch')",
        proof="int(new.split('.')[0]) >= 2",
    ),
]

MODELS = [
    Row(
        "2.1",
        "`torch.nn.Sequtntial` is a typing error for `Sequential`.",
        old="torch.nn.Sequtntial(nn.Linear(2, 3), nn.ReLU())",
        happens=raises(AttributeError, "has no attribute 'Sequtntial'"),
        new="torch.nn.Sequential(nn.Linear(2, 3), nn.ReLU())(torch.ones(5, 2))",
        proof="new.shape == (5, 3)",
    ),
    Row(
        "2.1",
        "Layers in a Python list are not found: the optimizer gets none of their "
        "weights. `ModuleList` registers them.",
        given="""
            class Net(nn.Module):
                def __init__(self, box):
                    super().__init__()
                    self.layers = box([nn.Linear(4, 4), nn.Linear(4, 2)])
            """,
        old="list(Net(list).parameters())",
        happens=wrong("old == []"),
        new="list(Net(nn.ModuleList).parameters())",
        proof="[p.numel() for p in new] == [16, 4, 8, 2]",
    ),
    Row(
        "2.1",
        "`ModuleList` is no `Sequential`: it has no `forward`.",
        given="layers = [nn.Linear(4, 4), nn.Linear(4, 2)]",
        old="nn.ModuleList(layers)(torch.ones(1, 4))",
        happens=raises(NotImplementedError, 'missing the required "forward" function'),
        new="nn.Sequential(*layers)(torch.ones(1, 4))",
        proof="torch.equal(new, layers[1](layers[0](torch.ones(1, 4))))",
    ),
    Row(
        "2.1",
        "Without `super().__init__()` a module can't hold layers.",
        old="""
            class Net(nn.Module):
                def __init__(self):
                    self.fc = nn.Linear(2, 3)
            Net()
            """,
        happens=raises(AttributeError, "before Module.__init__() call"),
        new="""
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.fc = nn.Linear(2, 3)
            Net()
            """,
        proof="list(dict(new.named_parameters())) == ['fc.weight', 'fc.bias']",
    ),
]

COPIED = [  # what is no Python when it is copied from the notes
    Row(
        "2.1.1",
        "`__ init __` has blanks in it: it is one name.",
        old="""
            class Net(nn.Module):
                def __ init __(self):
                    pass
            """,
        happens={
            "python 3.10": raises(SyntaxError, "invalid syntax"),
            "python 3.11": raises(SyntaxError, "expected '('"),
        },
        new="""
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
            Net()
            """,
        proof="isinstance(new, nn.Module)",
        since="torch 2.6, python 3.10",
    ),
    Row(
        "2.1.1",
        "`forward（self，x）` has the brackets and the comma of Chinese text.",
        old="""
            class Net(nn.Module):
                def forward（self，x）:
                    return x
            """,
        happens=raises(SyntaxError, "invalid character '（' (U+FF08)"),
        new="""
            class Net(nn.Module):
                def forward(self, x):
                    return x
            Net()(3)
            """,
        proof="new == 3",
        since="torch 2.6, python 3.10",
    ),
]

INIT = [
    Row(
        "2.2",
        '"Ten ways" to fill weights stand under eleven headings: the eleventh, '
        "`calculate_gain`, fills nothing.",
        given="""
        headings = "xavier_uniform_ xavier_normal_ kaiming_uniform_ kaiming_normal_ "
        headings += "uniform_ normal_ constant_ eye_ orthogonal_ sparse_ calculate_gain"
        headings = headings.split()
        """,
        old="10  # as heading 2.2 says",
        happens=wrong("old != len(headings)"),
        new="[name for name in headings if name.endswith('_')]",
        proof="len(new) == 10 and all(hasattr(init, name) for name in headings)",
    ),
    Row(
        "2.2.1",
        "The source that the notes show calls `self.name_modules()`: it is "
        "`named_modules()`.",
        given="net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())",
        old="[module for name, module in net.name_modules()]",
        happens=raises(AttributeError, "name_modules"),
        new="[module for name, module in net.named_modules()]",
        proof="new == list(net.modules())",
    ),
    Row(
        "2.2.1",
        "`modules()` yields the layers, and first of all the net itself.",
        given="net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())",
        old="list(net.modules())",
        happens=wrong("old[0] is net and len(old) == 3"),
        new="list(net.children())",
        proof="new == [net[0], net[1]]",
    ),
    Row(
        "2.2.2.1",
        "The bound is `gain * sqrt(6 / (fan_in + fan_out))`: without the parentheses "
        "it is more than 50 times as large here.",
        given="weight = torch.empty(75, 150)  # fan_out, fan_in",
        old="math.sqrt(6 / 150 + 75)",
        happens=wrong("old / math.sqrt(6 / 225) > 50"),
        new="init.xavier_uniform_(weight).abs().max()",
        proof="0.99 * math.sqrt(6 / 225) < new <= math.sqrt(6 / 225)",
    ),
    Row(
        "2.2.2.2",
        "The deviation is `gain * sqrt(2 / (fan_in + fan_out))`, with parentheses.",
        given="weight = torch.empty(75, 150)",
        old="math.sqrt(2 / 150 + 75)",
        happens=wrong("old / math.sqrt(2 / 225) > 50"),
        new="init.xavier_normal_(weight).std()",
        proof="abs(new / math.sqrt(2 / 225) - 1) < 0.05",
    ),
    Row(
        "2.2.2.2",
        "Xavier and Kaiming count inputs and outputs: a bias has neither.",
        given="layer = nn.Linear(4, 3)",
        old="init.xavier_normal_(layer.bias)",
        happens=raises(ValueError, "fewer than 2 dimensions"),
        new="init.zeros_(layer.bias)",
        proof="new.tolist() == [0, 0, 0]",
    ),
    Row(
        "2.2.2",
        "Names without the underscore are deprecated: what changes its argument ends "
        "in one.",
        given="weight = torch.empty(75, 150)",
        old="init.xavier_uniform(weight)",
        happens=warns(FutureWarning, "deprecated in favor of"),
        new="init.xavier_uniform_(weight)",
        proof="torch.equal(old, new)",
    ),
    Row(
        "2.2.2.3",
        "`mode` is `fan_in` or `fan_out`, as the notes say: other libraries' "
        "`fan_avg` is refused.",
        given="weight = torch.empty(64, 16)",
        old="init.kaiming_uniform_(weight, mode='fan_avg')",
        happens=raises(ValueError, "Mode fan_avg not supported"),
        new="init.kaiming_uniform_(weight, mode='fan_out', nonlinearity='relu')",
        proof="0.95 * math.sqrt(6 / 64) < new.abs().max() <= math.sqrt(6 / 64)",
    ),
    Row(
        "2.2.2.3",
        "The default, `leaky_relu` with slope 0, is the same as `relu`.",
        given="weight = torch.empty(64, 16)",
        old="init.kaiming_uniform_(weight).clone()",
        happens=works(),
        new="init.kaiming_uniform_(weight, nonlinearity='relu')",
        proof="torch.equal(old, new)",
    ),
    Row(
        "2.2.2.3",
        "`fan_in` and `fan_out` are read off the weight's shape, which a transposed "
        "convolution has the other way round: its inputs are counted by `fan_out`.",
        given="weight = nn.ConvTranspose2d(3, 7, 3).weight  # 3 channels in, 7 out",
        old="init._calculate_fan_in_and_fan_out(weight)",
        happens=wrong("old == (7 * 9, 3 * 9)"),
        new="init.kaiming_uniform_(weight, mode='fan_out', nonlinearity='relu')"
        ".abs().max()",
        proof="0.9 * math.sqrt(6 / 27) < new <= math.sqrt(6 / 27)",
    ),
    Row(
        "2.2.2.3",
        "A grouped convolution's `fan_in` is what one group reads: channels / groups.",
        given="weight = nn.Conv2d(8, 8, 3, groups=4).weight",
        old="8 * 3 * 3  # channels x height x width",
        happens=wrong("old == 72 != init._calculate_fan_in_and_fan_out(weight)[0]"),
        new="init.kaiming_uniform_(weight, nonlinearity='relu').abs().max()",
        proof="0.9 * math.sqrt(6 / 18) < new <= math.sqrt(6 / 18)",
    ),
    Row(
        "2.2.2.8",
        "`eye_` takes matrices alone. For a convolution that hands its input on there"
        " is `dirac_`.",
        given="layer = nn.Conv2d(3, 3, 3, padding=1, bias=False)",
        old="init.eye_(layer.weight)",
        happens=raises(ValueError, "Only tensors with 2 dimensions are supported"),
        new="""
            init.dirac_(layer.weight)
            picture = torch.rand(1, 3, 5, 5)
            layer(picture)
            """,
        proof="torch.equal(new, picture)",
    ),
    Row(
        "2.2.2.8",
        "`dirac_` in turn refuses a matrix.",
        old="init.dirac_(torch.empty(3, 3))",
        happens=raises(ValueError, "Only tensors with 3, 4, or 5 dimensions"),
        new="init.eye_(torch.empty(3, 3))",
        proof="torch.equal(new, torch.eye(3))",
    ),
    Row(
        "2.2.2.9",
        "`orthogonal_` has no bfloat16 form on a CPU: fill in float32, then convert.",
        old="init.orthogonal_(torch.empty(4, 4, dtype=torch.bfloat16))",
        happens={
            "torch 2.6": raises(RuntimeError, "not implemented for 'BFloat16'"),
            "torch 2.14": raises(NotImplementedError, "not implemented for 'BFloat16'"),
        },
        new="init.orthogonal_(torch.empty(4, 6)).to(torch.bfloat16)",
        proof="torch.allclose(new.float() @ new.float().T, torch.eye(4), atol=0.02)",
    ),
    Row(
        "2.2.2.9",
        "`orthogonal_` flattens a convolution's weight to (out, rest); a vector, such "
        "as a bias, is refused.",
        old="init.orthogonal_(torch.empty(4))",
        happens=raises(ValueError, "Only tensors with 2 or more dimensions"),
        new="init.orthogonal_(torch.empty(4, 3, 2, 2)).flatten(1)",
        proof="torch.allclose(new @ new.T, torch.eye(4), atol=1e-5)",
    ),
    Row(
        "2.2.2.10",
        "`sparse_` takes matrices alone.",
        given="layer = nn.Conv2d(3, 3, 3)",
        old="init.sparse_(layer.weight, sparsity=0.5)",
        happens=raises(ValueError, "Only tensors with 2 dimensions are supported"),
        new="init.sparse_(nn.Linear(6, 10).weight, sparsity=0.5)",
        proof="(new == 0).sum(0).tolist() == [5] * 6",
    ),
    Row(
        "2.2.2.10",
        "A column gets `ceil(sparsity * rows)` zeros, and 0.07 * 100 is a little more"
        " than 7.",
        given="weight = torch.empty(100, 3)",
        old="init.sparse_(weight, sparsity=0.07)",
        happens=wrong("(old == 0).sum(0).tolist() == [8, 8, 8]"),
        new="init.sparse_(weight, sparsity=0.0699)",
        proof="(new == 0).sum(0).tolist() == [7, 7, 7]",
    ),
    Row(
        "2.2.2.10",
        "A sparsity above 1 is not refused: everything is zero.",
        given="weight = torch.empty(4, 3)",
        old="init.sparse_(weight, sparsity=1.5)",
        happens=wrong("not old.any()"),
        new="init.sparse_(weight, sparsity=0.5)",
        proof="(new == 0).sum(0).tolist() == [2, 2, 2]",
    ),
    Row(
        "2.2.2.11",
        "`calculate_gain` knows tanh, relu, leaky_relu, selu and sigmoid, not today's"
        " gelu or silu.",
        old="init.calculate_gain('gelu')",
        happens=raises(ValueError, "Unsupported nonlinearity gelu"),
        new="[init.calculate_gain(f) for f in ('linear', 'tanh', 'relu', 'selu')]",
        proof="np.allclose(new, [1, 5 / 3, 2**0.5, 3 / 4])",
    ),
    Row(
        "2.2.2.11",
        "`calculate_gain` wants names in lower case.",
        old="init.calculate_gain('ReLU')",
        happens=raises(ValueError, "Unsupported nonlinearity ReLU"),
        new="init.calculate_gain('relu')",
        proof="new == math.sqrt(2)",
    ),
    Row(
        "2.2.2.11",
        "Without `param` the leaky slope is 0.01 here, but 0 in `kaiming_uniform_`: "
        "say it.",
        old="init.calculate_gain('leaky_relu')",
        happens=wrong("1.41414 < old < init.calculate_gain('leaky_relu', 0)"),
        new="init.calculate_gain('leaky_relu', 0.2)",
        proof="abs(new - math.sqrt(2 / (1 + 0.2**2))) < 1e-12",
    ),
    Row(
        "2.2.3",
        "`nn,Conv2d` is a typing error: `isinstance` gets three arguments.",
        given="m = nn.Conv2d(3, 6, 5)",
        old="isinstance(m, nn,Conv2d)",
        happens=raises(NameError, "name 'Conv2d' is not defined"),
        new="isinstance(m, nn.Conv2d)",
        proof="new is True",
    ),
    Row(
        "2.2.3",
        "The notes' loop is `kaiming_normal_` with `fan_out`, by hand.",
        given="m = nn.Conv2d(3, 6, 5)\ntorch.manual_seed(3)",
        old="""
            n = m.kernel_size[0] * m.kernel_size[1] * m.out_channels
            m.weight.data.normal_(0, math.sqrt(2. / n))
            """,
        happens=works(),
        new="init.kaiming_normal_(m.weight, mode='fan_out', nonlinearity='relu')",
        proof="torch.equal(old, new)",
    ),
    Row(
        "2.2.3",
        "Without `.data` autograd refuses to have a parameter changed in place; "
        "`torch.no_grad()` is today's way.",
        given="m = nn.Conv2d(3, 6, 5)",
        old="m.weight.normal_(0, 0.1)",
        happens=raises(RuntimeError, "a leaf Variable that requires grad"),
        new="""
            with torch.no_grad():
                m.weight.normal_(0, 0.1)
            m.weight
            """,
        proof="new.requires_grad and 0.08 < new.std() < 0.12",
    ),
    Row(
        "2.2.3",
        "The default, in `_ConvNd.reset_parameters`, is no accident: weights and bias"
        " are uniform within 1 / sqrt(fan_in).",
        given="torch.manual_seed(0)",
        old="nn.Conv2d(3, 6, 5)",
        happens=works(),
        new="""
            weight = nn.Conv2d(3, 6, 5).weight
            init.kaiming_uniform_(weight, a=math.sqrt(5))
            """,
        proof="[0.98 < w.abs().max() * 75**0.5 <= 1 for w in (old.weight, new)] "
        "== [True] * 2 and old.bias.abs().max() * 75**0.5 <= 1",
    ),
    Row(
        "2.2",
        "Since then: `trunc_normal_`. Its limits are absolute: the default 2 cuts "
        "nothing off a deviation of 0.02.",
        given="weight = torch.empty(20000)",
        old="init.trunc_normal_(weight, std=0.02)",
        happens=wrong("old.abs().max() > 2 * 0.02"),
        new="init.trunc_normal_(weight, std=0.02, a=-0.04, b=0.04)",
        proof="new.abs().max() <= 0.04 and abs(new.std() / 0.02 - 0.88) < 0.02",
    ),
    Row(
        "2.2",
        "Other libraries' names are not here: LeCun's is Kaiming's with the gain of "
        "`linear`.",
        given="weight = torch.empty(200, 100)",
        old="init.lecun_normal_(weight)",
        happens=raises(AttributeError, "lecun_normal_"),
        new="init.kaiming_normal_(weight, nonlinearity='linear').std()",
        proof="abs(new - 100**-0.5) < 0.003 and not hasattr(init, 'variance_scaling_')",
    ),
    Row(
        "2.2",
        "Since then: `generator=`, so that one layer's weights don't hang on what was"
        " drawn before.",
        given="weight = torch.empty(3, 4)",
        old="torch.rand(1); init.uniform_(weight).clone()",
        happens=works(),
        new="""
            def draw():
                seeded = torch.Generator().manual_seed(1)
                return init.uniform_(weight, generator=seeded).clone()
            first = draw()
            torch.rand(1)
            draw()
            """,
        proof="torch.equal(first, new)",
    ),
]

FINETUNE = [
    Row(
        "2.3.1",
        "`torch.load` of a state_dict works as it did; `weights_only=True`, now the "
        "default, runs no code from the file. It is a zip archive: call it `.pt`.",
        given=NET + "import zipfile\nweights = Net().state_dict()\n"
        "torch.save(weights, 'net_params.pkl')",
        old="torch.load('net_params.pkl')",
        happens=works(),
        new="""
            torch.save(weights, "net_params.pt")
            torch.load("net_params.pt", map_location="cpu", weights_only=True)
            """,
        proof="all(torch.equal(old[k], new[k]) for k in old) and len(new) == 4 "
        "and zipfile.is_zipfile('net_params.pt')",
    ),
    Row(
        "2.3.1",
        "A whole model is refused by the new default. Keep the state_dict; allow the "
        "file to run code only if it is your own.",
        given=NET + "torch.save(Net(), 'net.pkl')",
        old="torch.load('net.pkl')",
        happens=raises(pickle.UnpicklingError, "Weights only load failed"),
        new="torch.load('net.pkl', weights_only=False)",
        proof="isinstance(new, Net)",
    ),
    Row(
        "2.3.1",
        "The classes that a file needs can also be named; then nothing else is run.",
        given=NET + "torch.save(Net(), 'net.pkl')",
        old="torch.load('net.pkl')",
        happens=raises(
            pickle.UnpicklingError, "Unsupported global: GLOBAL __main__.Net"
        ),
        new="""
            with torch.serialization.safe_globals([Net, nn.Linear, set]):
                net = torch.load("net.pkl")
            net
            """,
        proof="type(new) is Net and Net not in torch.serialization.get_safe_globals()",
    ),
    Row(
        "2.3.1",
        "`if k in net_state_dict` looks at names alone: a head of another size "
        "passes, and loading fails. Compare the shapes too.",
        given=NET + "pretrained_dict, net = Net(10).state_dict(), Net(5)\n"
        "net_state_dict = net.state_dict()",
        old="""
            pretrained_dict_l = {k: v for k, v in pretrained_dict.items()
                                 if k in net_state_dict}
            net_state_dict.update(pretrained_dict_l)
            net.load_state_dict(net_state_dict)
            """,
        happens=raises(RuntimeError, "size mismatch for head.weight"),
        new="""
            fitting = {k: v for k, v in pretrained_dict.items()
                       if k in net_state_dict and v.shape == net_state_dict[k].shape}
            net.load_state_dict(fitting, strict=False)
            """,
        proof="len(fitting) == 2 and new.missing_keys == ['head.weight', 'head.bias']",
    ),
    Row(
        "2.3.1",
        "`strict=False` forgives names, not shapes.",
        given=NET + "net = Net(5)",
        old="net.load_state_dict(Net(10).state_dict(), strict=False)",
        happens=raises(RuntimeError, "size mismatch for head.weight"),
        new="net.body.load_state_dict(Net(10).body.state_dict())",
        proof="new.missing_keys == []",
    ),
    Row(
        "2.3.1",
        "The error comes late: what fitted has been copied already. Load into a new "
        "net after a failure.",
        given=NET + "net = Net(5)\nbefore = net.body.weight.clone()",
        old="""
            try:
                net.load_state_dict(Net(10).state_dict())
            except RuntimeError:
                pass
            net.body.weight
            """,
        happens=wrong("not torch.equal(old, before)"),
        new="net = Net(10); net.load_state_dict(Net(10).state_dict())",
        proof="new.unexpected_keys == []",
    ),
    Row(
        "2.3.1",
        "Weights saved from `DataParallel` are called `module.…`: the filter keeps "
        "none, and the net loads its own weights with 'All keys matched'.",
        given=NET + "net = Net()\nnet_state_dict = net.state_dict()\n"
        "pretrained_dict = nn.DataParallel(Net()).state_dict()",
        old="""
            kept = {k: v for k, v in pretrained_dict.items() if k in net_state_dict}
            net_state_dict.update(kept)
            net.load_state_dict(net_state_dict)
            """,
        happens=wrong("kept == {} and 'All keys matched' in repr(old)"),
        new="""
            renamed = {k.removeprefix("module."): v for k, v in pretrained_dict.items()}
            net.load_state_dict(renamed)
            """,
        proof="torch.equal(net.head.bias, pretrained_dict['module.head.bias'])",
    ),
    Row(
        "2.3.1",
        "A `state_dict` is no copy: its tensors are the net's own, buffers included.",
        given="net = nn.BatchNorm2d(2)",
        old="""
            before = net.state_dict()
            net(torch.rand(4, 2, 3, 3))
            before["num_batches_tracked"].item()
            """,
        happens=wrong("old == 1"),
        new="""
            before = {k: v.clone() for k, v in net.state_dict().items()}
            net(torch.rand(4, 2, 3, 3))
            before["num_batches_tracked"].item()
            """,
        proof="new == 0",
    ),
    Row(
        "2.3.1",
        "`assign=True` puts the loaded tensors in place of the net's own, so that an "
        "older dictionary stays as it was.",
        given="net = nn.Linear(2, 1)\nbefore = net.state_dict()\n"
        "loaded = {'weight': torch.zeros(1, 2), 'bias': torch.zeros(1)}",
        old="net.load_state_dict(loaded); before['weight'].abs().sum()",
        happens=wrong("old == 0"),
        new="net.load_state_dict(loaded, assign=True); before['weight'].abs().sum()",
        proof="new > 0 and not net.weight.any()",
    ),
    Row(
        "2.3.1",
        "`resnet18(pretrained=True)`: the argument is called `weights`.",
        given="from torchvision import models\nweights = models.ResNet18_Weights",
        old="models.resnet18(pretrained=False)",
        happens=warns(UserWarning, "The parameter 'pretrained' is deprecated"),
        new="models.resnet18(weights=None)",
        proof="new.fc.bias.numel() == 1000 and 'resnet18' in str(weights.DEFAULT.url)",
        since="torchvision 0.21",
    ),
    Row(
        "2.3.2",
        "`filter` can be read once: used again, it makes a group without parameters, "
        "and nothing says so. Use a list.",
        given=NET + "net = Net()\nhead = list(map(id, net.head.parameters()))",
        old="""
            base = filter(lambda p: id(p) not in head, net.parameters())
            count = sum(p.numel() for p in base)
            groups = [{"params": base}, {"params": net.head.parameters(), "lr": 0.1}]
            optim.SGD(groups, lr=0.01).param_groups[0]["params"]
            """,
        happens=wrong("count == 30 and old == []"),
        new="""
            base = [p for p in net.parameters() if id(p) not in head]
            groups = [{"params": base}, {"params": net.head.parameters(), "lr": 0.1}]
            optim.SGD(groups, lr=0.01).param_groups[0]["params"]
            """,
        proof="sum(p.numel() for p in new) == 30",
    ),
]

ROWS = [*PREFACE, *MODELS, *COPIED, *INIT, *FINETUNE]
