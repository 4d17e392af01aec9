"""Rows of chapter 3: loss functions, optimizers, learning rates."""

from utils.migration import Row, raises, warns, works, wrong

ONE_WEIGHT = """
w = nn.Parameter(torch.ones(1))
optimizer = optim.SGD([w], lr=0.1)
"""
MOMENTUM = """
w = nn.Parameter(torch.ones(1))
optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
w.sum().backward()
optimizer.step()  # the gradient is 1: w is 0.9 now
"""
ADAM_STATE = """
net = nn.Linear(2, 3)
adam = optim.Adam(net.parameters())
net(torch.ones(1, 2)).sum().backward()
adam.step()
"""
PARABOLA = """
w = nn.Parameter(torch.tensor([3.0]))

def closure():
    optimizer.zero_grad()
    loss = ((w - 1) ** 2).sum()
    loss.backward()
    return loss
"""
EPOCHS = """
optimizer = optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)

def rates(scheduler, epochs):
    found = []
    for _ in range(epochs):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return np.array(found)
"""

COUNTS = [
    Row(
        "preface",
        "The preface promises 6 optimizers, chapter 3 ten. There are ten; six is the "
        "number of the learning-rate schedulers.",
        given="""
        ten = "SGD ASGD Rprop Adagrad Adadelta RMSprop Adam Adamax SparseAdam LBFGS"
        """,
        old="6",
        happens=wrong("old < len(ten.split())"),
        new="[getattr(optim, name) for name in ten.split()]",
        proof="len(new) == 10 and all(issubclass(o, optim.Optimizer) for o in new)",
    ),
    Row(
        "3.1",
        "All 17 loss functions are still there.",
        given="""
        names = '''L1 MSE CrossEntropy NLL PoissonNLL KLDiv BCE BCEWithLogits
            MarginRanking HingeEmbedding MultiLabelMargin SmoothL1 SoftMargin
            MultiLabelSoftMargin CosineEmbedding MultiMargin TripletMargin'''.split()
        """,
        old="[getattr(nn, name + 'Loss')() for name in names]",
        happens=works(),
        new="[getattr(nn, name + 'Loss')(reduction='mean') for name in names]",
        proof="len(new) == 17 and {loss.reduction for loss in old + new} == {'mean'}",
    ),
    Row(
        "3.4",
        "All six schedulers are still there. `ReduceLROnPlateau`, once a class of its "
        "own, is one of the family.",
        given="""
        names = '''StepLR MultiStepLR ExponentialLR CosineAnnealingLR
            ReduceLROnPlateau LambdaLR'''.split()
        """,
        old="[getattr(lr_scheduler, name) for name in names]",
        happens=works(),
        new="[issubclass(kind, lr_scheduler.LRScheduler) for kind in "
        "(getattr(lr_scheduler, name) for name in names)]",
        proof="new == [True] * 6",
    ),
]

LOSSES = [
    Row(
        "3.1",
        "`size_average=` became `reduction=`. False means the sum.",
        given="x, y = torch.tensor([1.0, 2.0]), torch.zeros(2)",
        old="nn.L1Loss(size_average=False)(x, y)",
        happens=warns(UserWarning, "please use reduction='sum' instead"),
        new="nn.L1Loss(reduction='sum')(x, y)",
        proof="new == old == 3",
    ),
    Row(
        "3.1",
        "`reduce=` became `reduction=`. False means a loss for each element.",
        given="x, y = torch.tensor([1.0, 2.0]), torch.zeros(2)",
        old="nn.L1Loss(reduce=False)(x, y)",
        happens=warns(UserWarning, "please use reduction='none' instead"),
        new="nn.L1Loss(reduction='none')(x, y)",
        proof="new.tolist() == old.tolist() == [1, 2]",
    ),
    Row(
        "3.1",
        "`nn.MSELoss(False)`: the first argument by position is still `size_average`. "
        "Write `reduction=` by name.",
        given="x, y = torch.tensor([1.0, 2.0]), torch.zeros(2)",
        old="nn.MSELoss(False)(x, y)",
        happens=warns(UserWarning, "please use reduction='sum' instead"),
        new="nn.MSELoss(reduction='sum')(x, y)",
        proof="new == old == 5",
    ),
    Row(
        "3.1",
        "`size_average=` overrides `reduction=` where both are given.",
        given="x, y = torch.tensor([1.0, 2.0]), torch.zeros(2)",
        old="nn.L1Loss(size_average=False, reduction='mean')(x, y)",
        happens=warns(UserWarning, "please use reduction='sum' instead"),
        new="nn.L1Loss(reduction='mean')(x, y)",
        proof="new == 1.5 and old == 3",
    ),
    Row(
        "3.1",
        "`'elementwise_mean'`, as PyTorch 0.4.1 called the mean, is `'mean'`.",
        given="x, y = torch.tensor([1.0, 2.0]), torch.zeros(2)",
        old="nn.L1Loss(reduction='elementwise_mean')(x, y)",
        happens=warns(UserWarning, "Please use reduction='mean' instead"),
        new="nn.L1Loss(reduction='mean')(x, y)",
        proof="new == old == 1.5",
    ),
    Row(
        "3.1.1",
        "`L1Loss` of a prediction (N, 1) and a target (N,) takes N x N differences: a "
        "warning, and a wrong number.",
        given="x, y = torch.arange(4.0)[:, None], torch.arange(4.0)",
        old="nn.L1Loss()(x, y)",
        happens=warns(UserWarning, "different to the input size"),
        new="nn.L1Loss()(x.squeeze(1), y)",
        proof="new == 0 and old == 1.25",
    ),
    Row(
        "3.1.2",
        "`MSELoss` of shapes (N, 1) and (N,): every prediction is right here, and the "
        "loss is not 0.",
        given="x, y = torch.arange(4.0)[:, None], torch.arange(4.0)",
        old="nn.MSELoss()(x, y)",
        happens=warns(UserWarning, "different to the input size"),
        new="nn.MSELoss()(x.squeeze(1), y)",
        proof="new == 0 and old == 2.5",
    ),
    Row(
        "3.1.3",
        "`CrossEntropyLoss` wants whole class numbers: a float target is refused.",
        given="scores = torch.tensor([[2.0, 0.0], [0.0, 2.0]])",
        old="nn.CrossEntropyLoss()(scores, torch.tensor([0.0, 1.0]))",
        happens=raises(RuntimeError, "Float"),
        new="nn.CrossEntropyLoss()(scores, torch.tensor([0, 1]))",
        proof="abs(new - math.log(1 + math.exp(-2))) < 1e-6",
    ),
    Row(
        "3.1.3",
        "`CrossEntropyLoss` wants int64 class numbers, and refuses int32: `.long()`.",
        given="""
        scores = torch.tensor([[2.0, 0.0], [0.0, 2.0]])
        target = torch.tensor([0, 1], dtype=torch.int32)
        """,
        old="nn.CrossEntropyLoss()(scores, target)",
        happens=raises(RuntimeError, "Int"),
        new="nn.CrossEntropyLoss()(scores, target.long())",
        proof="abs(new - math.log(1 + math.exp(-2))) < 1e-6",
    ),
    Row(
        "3.1.3",
        "`CrossEntropyLoss` refuses a target of shape (N, 1): squeeze it to (N,).",
        given="scores, target = torch.zeros(2, 5), torch.tensor([[1], [2]])",
        old="nn.CrossEntropyLoss()(scores, target)",
        happens=raises(RuntimeError, "0D or 1D target tensor expected"),
        new="nn.CrossEntropyLoss()(scores, target.squeeze(1))",
        proof="abs(new - math.log(5)) < 1e-6",
    ),
    Row(
        "3.1.3",
        "`CrossEntropyLoss` counts classes from 0: of five, the last is 4.",
        given="scores = torch.zeros(2, 5)",
        old="nn.CrossEntropyLoss()(scores, torch.tensor([1, 5]))",
        happens=raises(IndexError, "Target 5 is out of bounds"),
        new="nn.CrossEntropyLoss()(scores, torch.tensor([1, 5]) - 1)",
        proof="abs(new - math.log(5)) < 1e-6",
    ),
    Row(
        "3.1.3",
        "`CrossEntropyLoss(weight)`: the mean divides by the sum of the targets' "
        "weights, not by their number.",
        given="""
        weight, target = torch.tensor([1.0, 4.0]), torch.tensor([0, 0, 1])
        scores = torch.tensor([[0.0, 0.0], [0.0, 1.0], [0.0, 2.0]])
        each = nn.CrossEntropyLoss(weight, reduction="none")(scores, target)
        """,
        old="each.sum() / len(target)",
        happens=wrong("abs(old - nn.CrossEntropyLoss(weight)(scores, target)) > 0.1"),
        new="nn.CrossEntropyLoss(weight)(scores, target)",
        proof="abs(new - each.sum() / weight[target].sum()) < 1e-6",
    ),
    Row(
        "3.1.3",
        "`CrossEntropyLoss(ignore_index=...)`: if all targets of a batch are ignored, "
        "the mean is 0 / 0.",
        given="scores, target = torch.zeros(2, 5), torch.tensor([-100, -100])",
        old="nn.CrossEntropyLoss(ignore_index=-100)(scores, target)",
        happens=wrong("old.isnan()"),
        new="""
        total = nn.CrossEntropyLoss(ignore_index=-100, reduction='sum')(scores, target)
        total / (target != -100).sum().clamp(min=1)
        """,
        proof="new == 0",
    ),
    Row(
        "3.1.3",
        "`CrossEntropyLoss` takes probabilities as targets now: soft labels need no "
        "loss of their own.",
        given="""
        scores, p = torch.randn(4, 3), torch.rand(4, 3).softmax(1)
        """,
        old="-(p * F.log_softmax(scores, dim=1)).sum(1).mean()",
        happens=works(),
        new="nn.CrossEntropyLoss()(scores, p)",
        proof="abs(new - old) < 1e-6",
    ),
    Row(
        "3.1.3",
        "`label_smoothing=`: once written by hand, it is an argument of "
        "`CrossEntropyLoss`.",
        given="""
        scores, target = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
        """,
        old="""
        smooth = 0.9 * F.one_hot(target, 3) + 0.1 / 3
        -(smooth * F.log_softmax(scores, dim=1)).sum(1).mean()
        """,
        happens=works(),
        new="nn.CrossEntropyLoss(label_smoothing=0.1)(scores, target)",
        proof="abs(new - old) < 1e-6",
    ),
    Row(
        "3.1.3",
        "`CrossEntropyLoss(weight)` with probabilities as targets weighs the classes, "
        "but its mean divides by N.",
        given="""
        weight, p = torch.tensor([1.0, 4.0]), torch.tensor([[0.5, 0.5], [1.0, 0.0]])
        scores = torch.zeros(2, 2)
        each = nn.CrossEntropyLoss(weight, reduction="none")(scores, p)
        """,
        old="each.sum() / (p @ weight).sum()  # as with class numbers",
        happens=wrong("abs(old - nn.CrossEntropyLoss(weight)(scores, p)) > 0.1"),
        new="nn.CrossEntropyLoss(weight)(scores, p)",
        proof="abs(new - each.sum() / 2) < 1e-6",
    ),
    Row(
        "3.1.4",
        "`NLLLoss` takes logarithms. Of probabilities, which the scripts that came "
        "with the notes give it, it makes a negative loss without a word.",
        given="scores, target = torch.tensor([[1.0, 2.0]]), torch.tensor([1])",
        old="nn.NLLLoss()(scores.softmax(1), target)",
        happens=wrong("old < 0"),
        new="nn.NLLLoss()(scores.log_softmax(1), target)",
        proof="new > 0 and abs(new - F.cross_entropy(scores, target)) < 1e-6",
    ),
    Row(
        "cheat sheet",
        "`NLLLoss2d` is deprecated: `NLLLoss` takes images of class numbers too.",
        given="""
        log_p = torch.randn(2, 3, 4, 4).log_softmax(1)
        target = torch.randint(3, (2, 4, 4))
        """,
        old="nn.NLLLoss2d()(log_p, target)",
        happens=warns(FutureWarning, "Please use `NLLLoss` instead"),
        new="nn.NLLLoss()(log_p, target)",
        proof="new == old and new.shape == ()",
    ),
    Row(
        "3.1.5",
        "`PoissonNLLLoss` takes negative targets, which no count can be, without a "
        "word: then the loss has no minimum.",
        given="x = torch.tensor([-10.0, -20.0, -30.0])",
        old="nn.PoissonNLLLoss(reduction='none')(x, torch.tensor([-1.0]).expand(3))",
        happens=wrong("old[0] > old[2] < -29"),
        new="nn.PoissonNLLLoss(reduction='none')(x, torch.poisson(torch.ones(3)))",
        proof="bool((new >= 0).all())",
    ),
    Row(
        "3.1.5",
        "`PoissonNLLLoss` does not know `'elementwise_mean'` at all.",
        given="x, y = torch.zeros(2), torch.ones(2)",
        old="nn.PoissonNLLLoss(reduction='elementwise_mean')(x, y)",
        happens=raises(ValueError, "elementwise_mean is not a valid value"),
        new="nn.PoissonNLLLoss(reduction='mean')(x, y)",
        proof="new == 1",
    ),
    Row(
        "3.1.6",
        "`KLDivLoss` takes the logarithm of the prediction. Of probabilities, as in "
        'the scripts that came with the notes, it makes a negative "divergence": '
        "-0.667, or -0.222 as the mean of three elements, in place of 1.484.",
        given="""
        q = torch.tensor([[0.1132, 0.5477, 0.3390]])
        p = torch.tensor([[0.8541, 0.0511, 0.0947]])
        """,
        old="nn.KLDivLoss(reduction='batchmean')(q, p).item()",
        happens=wrong("round(old, 3) == -0.667 and round(old / 3, 3) == -0.222"),
        new="nn.KLDivLoss(reduction='batchmean')(q.log(), p).item()",
        proof="round(new, 3) == 1.484 and abs(new - (p * (p / q).log()).sum()) < 1e-6",
    ),
    Row(
        "3.1.6",
        "`KLDivLoss()` divides by the number of elements. The divergence of a sample "
        "is `'batchmean'`.",
        given="p, q = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.2, 0.8]])",
        old="nn.KLDivLoss()(q.log(), p)",
        happens=warns(UserWarning, "'batchmean' divides only by the batch size"),
        new="nn.KLDivLoss(reduction='batchmean')(q.log(), p)",
        proof="abs(new - 2 * old) < 1e-6",
    ),
    Row(
        "3.1.7",
        "`BCELoss` takes probabilities and checks them.",
        given="scores, y = torch.tensor([1.5, -0.5]), torch.tensor([1.0, 0.0])",
        old="nn.BCELoss()(scores, y)",
        happens=raises(RuntimeError, "input should be between 0 and 1"),
        new="nn.BCEWithLogitsLoss()(scores, y)",
        proof="abs(new - nn.BCELoss()(scores.sigmoid(), y)) < 1e-6",
    ),
    Row(
        "3.1.7",
        "`BCELoss` refuses NaN: a network that has diverged is noticed here.",
        given="p, y = torch.tensor([float('nan')]), torch.tensor([1.0])",
        old="nn.BCELoss()(p, y)",
        happens=raises(RuntimeError, "input should be between 0 and 1"),
        new="p.isfinite().all().item()  # ask first",
        proof="new is False and nn.BCEWithLogitsLoss()(p, y).isnan()",
    ),
    Row(
        "3.1.7",
        "`BCELoss` refuses shapes that differ, which once it only warned of.",
        given="p, y = torch.full((4, 1), 0.5), torch.ones(4)",
        old="nn.BCELoss()(p, y)",
        happens=raises(ValueError, "Please ensure they have the same size"),
        new="nn.BCELoss()(p.squeeze(1), y)",
        proof="abs(new - math.log(2)) < 1e-6",
    ),
    Row(
        "3.1.7",
        "`BCELoss` stops logarithms at -100, so a wrong answer given with certainty "
        "costs 100. By hand it is infinite.",
        given="p, y = torch.zeros(1), torch.ones(1)",
        old="-(y * p.log()).mean()",
        happens=wrong("old.isinf()"),
        new="nn.BCELoss()(p, y)",
        proof="new == 100",
    ),
    Row(
        "3.1.8",
        "`pos_weight=` weighs the positives of each class; by hand, in two terms.",
        given="x, y = torch.randn(4, 2), torch.tensor([[0.0, 1.0]] * 4)",
        old="(3 * y * F.softplus(-x) + (1 - y) * F.softplus(x)).mean()",
        happens=works(),
        new="nn.BCEWithLogitsLoss(pos_weight=torch.tensor([3.0, 3.0]))(x, y)",
        proof="abs(new - old) < 1e-6",
    ),
    Row(
        "3.1.8",
        "There is no `nn.FocalLoss`: torchvision has it as a function.",
        given="x, y = torch.tensor([2.0, -1.0]), torch.tensor([1.0, 1.0])",
        old="nn.FocalLoss()(x, y)",
        happens=raises(AttributeError, "no attribute 'FocalLoss'"),
        new="torchvision.ops.sigmoid_focal_loss(x, y, alpha=-1, gamma=2)",
        proof="torch.allclose(new, (1 - x.sigmoid()) ** 2 * F.softplus(-x))",
        since="torch 2.6, torchvision 0.21",
    ),
    Row(
        "3.1.8",
        "There is no `nn.DiceLoss`: it is one line.",
        given="""
        p, y = torch.tensor([0.9, 0.8, 0.1]), torch.tensor([1.0, 1.0, 0.0])
        """,
        old="nn.DiceLoss()(p, y)",
        happens=raises(AttributeError, "no attribute 'DiceLoss'"),
        new="1 - 2 * (p * y).sum() / (p.sum() + y.sum())",
        proof="abs(new - (1 - 3.4 / 3.8)) < 1e-6",
    ),
    Row(
        "3.1.9",
        "`MarginRankingLoss` takes 1 or -1: which of two should rank higher. With 0 "
        "the loss is the margin, whatever the ranks.",
        given="""
        low, high = torch.tensor([1.0, 2.0]), torch.tensor([5.0, 9.0])
        """,
        old="nn.MarginRankingLoss(margin=0.5)(high, low, torch.tensor([0.0, 0.0]))",
        happens=wrong("old == 0.5"),
        new="nn.MarginRankingLoss(margin=0.5)(high, low, torch.tensor([-1.0, -1.0]))",
        proof="new == (4 + 7) / 2 + 0.5",
    ),
    Row(
        "cheat sheet",
        "`MarginRankingLoss` is said to judge similarity. It asks which score is "
        "higher; for similarity there is `CosineEmbeddingLoss`.",
        given="a, same = torch.tensor([[1.0, 2.0]]), torch.ones(1)",
        old="nn.MarginRankingLoss()(5 * a, a, torch.ones(1, 2))",
        happens=wrong("old == 0 and (5 * a != a).all()"),
        new="nn.CosineEmbeddingLoss()(a, torch.tensor([[-2.0, 1.0]]), same)",
        proof="abs(new - 1) < 1e-6",
    ),
    Row(
        "3.1.10",
        "`HingeEmbeddingLoss` takes targets 1 and -1. A 0 is taken for both: the sum "
        "of the two cases.",
        given="x = torch.tensor([0.3])",
        old="nn.HingeEmbeddingLoss()(x, torch.tensor([0.0]))",
        happens=wrong("abs(old - (0.3 + 0.7)) < 1e-6"),
        new="nn.HingeEmbeddingLoss()(x, torch.tensor([-1.0]))",
        proof="abs(new - 0.7) < 1e-6",
    ),
    Row(
        "3.1.11",
        "`MultiLabelMarginLoss` takes a list of class numbers that ends with -1. Zeros "
        "and ones, one per class, are taken for such a list.",
        given="x = torch.tensor([[0.1, 0.2, 0.4, 0.8]])  # classes 1 and 3 are right",
        old="nn.MultiLabelMarginLoss()(x, torch.tensor([[0, 1, 0, 1]]))",
        happens=wrong("abs(old - 0.75) > 1"),
        new="nn.MultiLabelMarginLoss()(x, torch.tensor([[1, 3, -1, -1]]))",
        proof="abs(new - (0.9 + 1.2 + 0.3 + 0.6) / 4) < 1e-6",
    ),
    Row(
        "cheat sheet",
        "The list of losses has 16 entries but lacks two of the 17: `PoissonNLLLoss` "
        "and `MultiLabelMarginLoss`. `NLLLoss2d` is none of them.",
        given="""
        listed = '''L1 SmoothL1 MSE BCE BCEWithLogits CrossEntropy NLL NLLLoss2d KLDiv
            MarginRanking MultiMargin SoftMargin MultiLabelSoftMargin CosineEmbedding
            HingeEmbedding TripletMargin'''.split()
        """,
        old="[name for name in listed if hasattr(nn, name + 'Loss')]",
        happens=wrong("len(listed) == 16 and len(old) == 15"),
        new="[nn.PoissonNLLLoss, nn.MultiLabelMarginLoss]",
        proof="not {kind.__name__.removesuffix('Loss') for kind in new} & set(listed)",
    ),
    Row(
        "3.1.12",
        "`HuberLoss` is `SmoothL1Loss` times the width of its parabola, `delta` or "
        "`beta`.",
        given="x, y = torch.tensor([0.1, 3.0, -7.0]), torch.zeros(3)",
        old="2 * nn.SmoothL1Loss(beta=2.0)(x, y)",
        happens=works(),
        new="nn.HuberLoss(delta=2.0)(x, y)",
        proof="abs(new - old) < 1e-6",
    ),
    Row(
        "3.1.12",
        "`SmoothL1Loss` of shapes (N, 1) and (N,) warns too, and is wrong.",
        given="x, y = torch.arange(4.0)[:, None], torch.arange(4.0)",
        old="nn.SmoothL1Loss()(x, y)",
        happens=warns(UserWarning, "different to the input size"),
        new="nn.SmoothL1Loss()(x.squeeze(1), y)",
        proof="new == 0 and old == 0.875",
    ),
    Row(
        "cheat sheet",
        "`SoftMarginLoss` is called a multi-label loss. It is the logistic loss of two "
        "classes, 1 and -1: labels 0 give ln 2, whatever the score.",
        given="x = torch.tensor([3.0, -5.0])",
        old="nn.SoftMarginLoss(reduction='none')(x, torch.tensor([0.0, 0.0]))",
        happens=wrong("torch.allclose(old, torch.full((2,), math.log(2)))"),
        new="nn.SoftMarginLoss(reduction='none')(x, torch.tensor([1.0, -1.0]))",
        proof="torch.allclose(new, torch.log1p(torch.exp(torch.tensor([-3.0, -5]))))",
    ),
    Row(
        "cheat sheet",
        "`MultiLabelSoftMarginLoss` is called the multi-class `SoftMarginLoss`. It is "
        "the multi-label one, with labels 0 and 1: `BCEWithLogitsLoss` per sample.",
        given="x = torch.tensor([[1.0, -2.0, 3.0], [0.0, 1.0, 1.0]])",
        old="nn.MultiLabelSoftMarginLoss()(x, torch.tensor([[0, 0, 1], [0, 0, 1.0]]))",
        happens=wrong("abs(old - F.cross_entropy(x, torch.tensor([2, 2]))) > 0.1"),
        new="nn.BCEWithLogitsLoss()(x, torch.tensor([[0, 0, 1], [0, 0, 1.0]]))",
        proof="abs(new - old) < 1e-6",
    ),
    Row(
        "3.1.14",
        "`MultiLabelSoftMarginLoss` does not know `'elementwise_mean'` at all.",
        given="x, y = torch.zeros(1, 2), torch.ones(1, 2)",
        old="nn.MultiLabelSoftMarginLoss(reduction='elementwise_mean')(x, y)",
        happens=raises(ValueError, "elementwise_mean is not valid"),
        new="nn.MultiLabelSoftMarginLoss(reduction='mean')(x, y)",
        proof="abs(new - math.log(2)) < 1e-6",
    ),
    Row(
        "3.1.15",
        "`CosineEmbeddingLoss` takes targets 1 (alike) and -1. A 0 gives the loss 0 "
        "and teaches nothing.",
        given="a, b = torch.tensor([[1.0, 2.0]]), torch.tensor([[-1.0, 3.0]])",
        old="nn.CosineEmbeddingLoss()(a, b, torch.tensor([0.0]))",
        happens=wrong("old == 0"),
        new="nn.CosineEmbeddingLoss()(a, b, torch.tensor([-1.0]))",
        proof="abs(new - 5 / math.sqrt(5 * 10)) < 1e-6",
    ),
    Row(
        "3.1.16",
        "`MultiMarginLoss` knows the powers 1 and 2 alone.",
        given="x, y = torch.tensor([[1.0, 3.0]]), torch.tensor([0])",
        old="nn.MultiMarginLoss(p=3)(x, y)",
        happens=raises(ValueError, "only p == 1 and p == 2 supported"),
        new="nn.MultiMarginLoss(p=2)(x, y)",
        proof="new == (1 - 1 + 3) ** 2 / 2",
    ),
    Row(
        "cheat sheet",
        '`TripleMarginLoss` ("what is that?", ask the notes) is a typo: '
        "`TripletMarginLoss` pulls a towards p and pushes it away from n.",
        given="a, p, n = torch.tensor([[[0.0]], [[3.0]], [[1.0]]])",
        old="nn.TripleMarginLoss()(a, p, n)",
        happens=raises(AttributeError, "no attribute 'TripleMarginLoss'"),
        new="nn.TripletMarginLoss()(a, p, n)",
        proof="abs(new - (3 - 1 + 1)) < 1e-4",
    ),
    Row(
        "3.1.17",
        "`TripletMarginLoss` refuses a margin of 0: all vectors in one point would be "
        "perfect.",
        given="a, p, n = torch.zeros(3, 1, 2)",
        old="nn.TripletMarginLoss(margin=0)(a, p, n)",
        happens=raises(ValueError, "expected margin to be greater than 0"),
        new="nn.TripletMarginLoss(margin=0.2)(a, p, n)",
        proof="abs(new - 0.2) < 1e-6",
    ),
    Row(
        "3.1.17",
        "`TripletMarginWithDistanceLoss` takes any function as its distance.",
        given="""
        a, p, n = torch.randn(3, 4, 2)
        far = lambda x, y: 1 - F.cosine_similarity(x, y)
        """,
        old="(far(a, p) - far(a, n) + 1).clamp(min=0).mean()",
        happens=works(),
        new="nn.TripletMarginWithDistanceLoss(distance_function=far)(a, p, n)",
        proof="abs(new - old) < 1e-6",
    ),
    Row(
        "3.1",
        "`margin=`: five of the 17 losses have one. Left out, it is 0 for two of them "
        "and 1 for three.",
        given="""
        names = '''MarginRanking CosineEmbedding HingeEmbedding MultiMargin
            TripletMargin'''
        """,
        old="[getattr(nn, name + 'Loss')().margin for name in names.split()]",
        happens=works(),
        new="""
        triplet = nn.TripletMarginLoss()
        triplet.margin, triplet.p, triplet.eps
        """,
        proof="old == [0, 0, 1, 1, 1] and new == (1, 2, 1e-6)",
    ),
    Row(
        "3.1",
        "Since then: `GaussianNLLLoss`, whose network also says how sure it is; the "
        "variance is an input.",
        given="x, y, var = torch.zeros(3), torch.ones(3), torch.tensor([0.5, 1, 2])",
        old="0.5 * (var.log() + (x - y) ** 2 / var).mean()",
        happens=works(),
        new="nn.GaussianNLLLoss()(x, y, var)",
        proof="abs(new - old) < 1e-6",
    ),
    Row(
        "3.1",
        "`CTCLoss` is for labels in order but without places. Here one frame and one "
        "letter: -log p.",
        given="log_p = torch.tensor([0.1, 0.9]).log().view(1, 1, 2)",
        old="-log_p[0, 0, 1]",
        happens=works(),
        new="nn.CTCLoss()(log_p, torch.tensor([[1]]), (1,), (1,))",
        proof="abs(new - old) < 1e-6",
    ),
    Row(
        "3.1.3",
        "Since then: `LinearCrossEntropyLoss`, the last layer and the loss in one.",
        given="""
        x, target = torch.randn(4, 3), torch.tensor([0, 1, 4, 2])
        weight = torch.randn(5, 3)
        """,
        old="F.cross_entropy(F.linear(x, weight), target)",
        happens=works(),
        new="""
        fused = nn.LinearCrossEntropyLoss(3, 5)
        fused.linear.weight = nn.Parameter(weight)
        fused(x, target), F.linear_cross_entropy(x, weight, target)
        """,
        proof="all(abs(loss - old) < 1e-6 for loss in new)",
        since="torch 2.13",
    ),
]

BASE = [
    Row(
        "3.2.1",
        '`param_groups`: "each element is one parameter and its settings". It is a '
        "group of parameters.",
        given="net = nn.Linear(2, 3)",
        old="optim.SGD(net.parameters(), lr=0.1).param_groups",
        happens=wrong("len(old) == 1 and len(old[0]['params']) == 2"),
        new="optim.SGD([{'params': [p]} for p in net.parameters()], lr=0.1)",
        proof="[len(group['params']) for group in new.param_groups] == [1, 1]",
    ),
    Row(
        "3.2.1",
        "`param_groups` has the four settings that the notes name, and a few new ones.",
        given=ONE_WEIGHT,
        old="""
        [optimizer.param_groups[0][key]
         for key in ("params", "weight_decay", "lr", "momentum")]
        """,
        happens=works(),
        new="set(optimizer.param_groups[0])",
        proof="new >= {'maximize', 'foreach', 'differentiable', 'fused'}",
    ),
    Row(
        "3.2.1",
        "`param_groups` keep the parameters' names, if given `named_parameters()`.",
        given="net = nn.Linear(2, 3)",
        old="optim.SGD(net.parameters(), lr=0.1).param_groups[0].get('param_names')",
        happens=works(),
        new="optim.SGD(net.named_parameters(), lr=0.1).param_groups[0]['param_names']",
        proof="old is None and new == ['weight', 'bias']",
    ),
    Row(
        "3.2.1",
        "Optimizers refuse a tensor that was computed from others: they move what it "
        "was computed from.",
        given="w = nn.Parameter(torch.ones(1))",
        old="optim.SGD([2 * w], lr=0.1)",
        happens=raises(ValueError, "can't optimize a non-leaf Tensor"),
        new="optim.SGD([w], lr=0.1).param_groups[0]['params']",
        proof="new[0] is w",
    ),
    Row(
        "3.2.1",
        "`net.parameters()` is used up by the first optimizer that it is given to: ask "
        "for it anew.",
        given="""
        net = nn.Linear(2, 3)
        parameters = net.parameters()
        first = optim.SGD(parameters, lr=0.1)
        """,
        old="optim.Adam(parameters)",
        happens=raises(ValueError, "optimizer got an empty parameter list"),
        new="optim.Adam(net.parameters()).param_groups[0]['params']",
        proof="len(new) == 2",
    ),
    Row(
        "3.2.2",
        "`zero_grad()` does not set gradients to zero, it removes them. Code that "
        "looks at `.grad` afterwards fails.",
        given=ONE_WEIGHT + "w.sum().backward()\n",
        old="""
        optimizer.zero_grad()
        w.grad.norm()
        """,
        happens=raises(AttributeError, "'NoneType' object has no attribute 'norm'"),
        new="""
        optimizer.zero_grad(set_to_none=False)
        w.grad.norm()
        """,
        proof="new == 0",
    ),
    Row(
        "3.2.2",
        "`net.zero_grad()` removes the gradients as well.",
        given="""
        net = nn.Linear(1, 1)
        net(torch.ones(1)).backward()
        """,
        old="""
        net.zero_grad()
        [p.grad for p in net.parameters()]
        """,
        happens=wrong("old == [None, None]"),
        new="""
        net.zero_grad(set_to_none=False)
        [p.grad.item() for p in net.parameters()]
        """,
        proof="new == [0, 0]",
    ),
    Row(
        "3.2.2",
        "`zero_grad()` stops a parameter that gets no gradient. With zeros, as in the "
        "notes' time, it coasts on its momentum.",
        given=MOMENTUM,
        old="""
        optimizer.zero_grad()
        optimizer.step()
        w.item()
        """,
        happens=wrong("abs(old - 0.9) < 1e-6"),
        new="""
        optimizer.zero_grad(set_to_none=False)
        optimizer.step()
        w.item()
        """,
        proof="abs(new - (0.9 - 0.1 * 0.9)) < 1e-6",
    ),
    Row(
        "3.2.2",
        "`backward()` adds to the gradients, as the notes say: clear them before each "
        "step.",
        given=ONE_WEIGHT,
        old="""
        (2 * w).sum().backward()
        (3 * w).sum().backward()
        w.grad.item()
        """,
        happens=works(),
        new="""
        (2 * w).sum().backward()
        optimizer.zero_grad()
        (3 * w).sum().backward()
        w.grad.item()
        """,
        proof="old == 5 and new == 3",
    ),
    Row(
        "3.2.3",
        '`optimizer.state_dict()`: "the model\'s parameters, key = layer name" is what '
        "the model's holds. The optimizer's has buffers and settings, no weight.",
        given="""
        net = nn.Linear(2, 3)
        optimizer = optim.Adam(net.parameters())
        """,
        old="optimizer.state_dict()",
        happens=wrong("list(old) == ['state', 'param_groups'] and type(old) is dict"),
        new="net.state_dict()",
        proof="list(new) == ['weight', 'bias']",
    ),
    Row(
        "3.2.3",
        "`optimizer.state_dict()` has its buffers by number, not by name. Without "
        "momentum SGD has none.",
        given=ADAM_STATE,
        old="adam.state_dict()['state']['weight']",
        happens=raises(KeyError, "weight"),
        new="adam.state_dict()['state'][0]",
        proof="set(new) == {'step', 'exp_avg', 'exp_avg_sq'} and not "
        "optim.SGD(net.parameters()).state_dict()['state']",
    ),
    Row(
        "3.2.4",
        '`optimizer.load_state_dict`: "loads parameters into the network". It leaves '
        "the network as it is: load both.",
        given="""
        before, after = nn.Linear(2, 3), nn.Linear(2, 3)
        saved = optim.Adam(before.parameters()).state_dict()
        """,
        old="""
        optim.Adam(after.parameters()).load_state_dict(saved)
        torch.equal(after.weight, before.weight)
        """,
        happens=wrong("old is False"),
        new="""
        after.load_state_dict(before.state_dict())
        torch.equal(after.weight, before.weight)
        """,
        proof="new is True",
    ),
    Row(
        "3.2.4",
        "`optimizer.load_state_dict` overrides the learning rate that you have just "
        "chosen.",
        given=ONE_WEIGHT,
        old="""
        fresh = optim.SGD([w], lr=0.001)
        fresh.load_state_dict(optimizer.state_dict())
        fresh.param_groups[0]["lr"]
        """,
        happens=wrong("old == 0.1"),
        new="""
        fresh = optim.SGD([w], lr=0.001)
        fresh.load_state_dict(optimizer.state_dict())
        fresh.param_groups[0]["lr"] = 0.001
        fresh.param_groups[0]["lr"]
        """,
        proof="new == 0.001",
    ),
    Row(
        "3.2.4",
        "`optimizer.load_state_dict` wants groups of the sizes that were saved.",
        given="""
        net = nn.Linear(2, 3)
        saved = optim.SGD([net.weight], lr=0.1).state_dict()
        """,
        old="optim.SGD(net.parameters(), lr=0.1).load_state_dict(saved)",
        happens=raises(ValueError, "doesn't match the size of optimizer's group"),
        new="""
        optimizer = optim.SGD([net.weight], lr=0.2)
        optimizer.load_state_dict(saved)
        optimizer.param_groups[0]["lr"]
        """,
        proof="new == 0.1",
    ),
    Row(
        "3.2.4",
        "`optimizer.load_state_dict` wants as many groups as were saved.",
        given="""
        net = nn.Linear(2, 3)
        saved = optim.SGD(net.parameters(), lr=0.1).state_dict()
        groups = [{"params": [p]} for p in net.parameters()]
        """,
        old="optim.SGD(groups, lr=0.1).load_state_dict(saved)",
        happens=raises(ValueError, "different number of parameter groups"),
        new="""
        optimizer = optim.SGD(net.parameters(), lr=0.2)
        optimizer.load_state_dict(saved)
        optimizer.param_groups[0]["lr"]
        """,
        proof="new == 0.1",
    ),
    Row(
        "3.2.4",
        "`optimizer.load_state_dict` takes Adam's state into SGD without a word, and "
        "its settings with it: the next step fails.",
        given=ADAM_STATE,
        old="""
        sgd = optim.SGD(net.parameters(), lr=0.1)
        sgd.load_state_dict(adam.state_dict())
        sgd.step()
        """,
        happens=raises(KeyError, "momentum"),
        new="""
        fresh = optim.Adam(net.parameters())
        fresh.load_state_dict(adam.state_dict())
        fresh.step()
        fresh.state[net.weight]["step"].item()
        """,
        proof="new == 2",
    ),
    Row(
        "3.2.5",
        "`add_param_group`: a parameter can be in one group only.",
        given="""
        net = nn.Linear(2, 3)
        optimizer = optim.SGD(net.parameters(), lr=0.1)
        """,
        old="optimizer.add_param_group({'params': [net.bias], 'lr': 1.0})",
        happens=raises(ValueError, "appear in more than one parameter group"),
        new="""
        optimizer = optim.SGD([net.weight], lr=0.1)
        optimizer.add_param_group({"params": [net.bias], "lr": 1.0})
        [group["lr"] for group in optimizer.param_groups]
        """,
        proof="new == [0.1, 1.0]",
    ),
    Row(
        "3.2.5",
        "A parameter twice in one group only warns.",
        given="w = nn.Parameter(torch.ones(1))",
        old="optim.SGD([w, w], lr=0.1)",
        happens=warns(UserWarning, "parameter group with duplicate parameters"),
        new="optim.SGD(dict.fromkeys([w, w]), lr=0.1).param_groups[0]['params']",
        proof="len(new) == 1",
    ),
    Row(
        "3.2.5",
        "`add_param_group` after the scheduler was made: it takes care of the new "
        "group too.",
        given=ONE_WEIGHT,
        old="""
        scheduler = lr_scheduler.StepLR(optimizer, 1)
        optimizer.add_param_group({"params": [torch.ones(1)], "lr": 0.5})
        optimizer.step()
        scheduler.step()
        [group["lr"] for group in optimizer.param_groups]
        """,
        happens=works(),
        new="""
        optimizer.add_param_group({"params": [torch.ones(1)], "lr": 0.5})
        scheduler = lr_scheduler.StepLR(optimizer, 1)
        optimizer.step()
        scheduler.step()
        [group["lr"] for group in optimizer.param_groups]
        """,
        proof="np.allclose(old, [0.01, 0.05]) and np.allclose(new, old)",
    ),
    Row(
        "3.2.6",
        "`step()` needs no closure, except that of LBFGS.",
        given=PARABOLA,
        old="""
        optimizer = optim.LBFGS([w])
        closure()
        optimizer.step()
        """,
        happens=raises(TypeError, "missing 1 required positional argument: 'closure'"),
        new="""
        optimizer = optim.LBFGS([w])
        optimizer.step(closure)
        w.item()
        """,
        proof="abs(new - 1) < 1e-4",
    ),
    Row(
        "3.2.6",
        "`step(closure)` returns the loss before the step.",
        given=PARABOLA,
        old="""
        optimizer = optim.LBFGS([w])
        optimizer.step(closure).item()
        """,
        happens=wrong("old == 4 and abs(w - 1) < 1e-4"),
        new="""
        optimizer = optim.LBFGS([w])
        optimizer.step(closure)
        closure().item()
        """,
        proof="new < 1e-8",
    ),
    Row(
        "3.2.6",
        "`step(closure)`: a closure that does not clear the gradients adds them up "
        "inside of one step, and runs away.",
        given=PARABOLA,
        old="""
        def forgetful():
            loss = ((w - 1) ** 2).sum()
            loss.backward()
            return loss

        optim.LBFGS([w]).step(forgetful)
        w.item()
        """,
        happens=wrong("abs(old - 1) > 100"),
        new="""
        optimizer = optim.LBFGS([w])
        optimizer.step(closure)
        w.item()
        """,
        proof="abs(new - 1) < 1e-4",
    ),
]

OPTIMIZERS = [
    Row(
        "3.3.1",
        "`SGD` has a learning rate of its own, 0.001; PyTorch 1.0 demanded one.",
        given="w = nn.Parameter(torch.ones(1))",
        old="optim.SGD([w]).param_groups[0]['lr']",
        happens=works(),
        new="optim.SGD([w], lr=0.1).param_groups[0]['lr']",
        proof="old == 0.001 and new == 0.1",
    ),
    Row(
        "cheat sheet",
        "`optim.SGD(params, momentum=, weight_decay, nesterov)` is no Python, even "
        "with the blank filled: after a named argument all are named.",
        given="w = nn.Parameter(torch.ones(1))",
        old="eval('optim.SGD([w], momentum=0.9, weight_decay, nesterov)')",
        happens=raises(SyntaxError, "positional argument follows keyword argument"),
        new="optim.SGD([w], 0.1, momentum=0.9, weight_decay=1e-4, nesterov=True)",
        proof="new.defaults['nesterov'] and new.defaults['weight_decay'] == 1e-4",
    ),
    Row(
        "3.3.1",
        "`nesterov=True` needs a momentum, and no dampening.",
        given="w = nn.Parameter(torch.ones(1))",
        old="optim.SGD([w], lr=0.1, nesterov=True)",
        happens=raises(ValueError, "Nesterov momentum requires a momentum"),
        new="optim.SGD([w], lr=0.1, momentum=0.9, nesterov=True)",
        proof="new.defaults['momentum'] == 0.9 and new.defaults['dampening'] == 0",
    ),
    Row(
        "3.3.1",
        "`dampening=` scales each gradient that enters the momentum, but not the "
        "first.",
        given="""
        w = nn.Parameter(torch.ones(1))
        optimizer = optim.SGD([w], lr=0.1, momentum=0.9, dampening=0.5)
        w.sum().backward()
        optimizer.step()
        """,
        old="(1 - 0.5) * w.grad.item()",
        happens=wrong("old != optimizer.state[w]['momentum_buffer'].item()"),
        new="optimizer.state[w]['momentum_buffer'].item()",
        proof="new == 1",
    ),
    Row(
        "3.3.2",
        "`ASGD` never copies its average to the parameters; with the default `t0=1e6` "
        "the average is the last weight itself.",
        given="""
        def walk(t0):
            w = nn.Parameter(torch.ones(1))
            optimizer = optim.ASGD([w], lr=0.1, t0=t0)
            for _ in range(20):
                w.grad = 2 * w.detach()
                optimizer.step()
            return w.item(), optimizer.state[w]["ax"].item()
        """,
        old="walk(t0=1e6)",
        happens=wrong("old[0] == old[1]"),
        new="walk(t0=5)",
        proof="old[0] < new[1] and new[0] < new[1]",
    ),
    Row(
        "3.3.3",
        "`Rprop` looks at a gradient's sign only: a million times the gradient is the "
        "same step.",
        given="""
        def step(gradient):
            w = nn.Parameter(torch.ones(1))
            w.grad = torch.tensor([gradient])
            optim.Rprop([w], lr=0.01).step()
            return w.item()
        """,
        old="step(1e-3)",
        happens=works(),
        new="step(1e3)",
        proof="new == old and abs(new - 0.99) < 1e-6",
    ),
    Row(
        "3.3.4",
        "`Adagrad` makes its state with the optimizer; the others wait for a step.",
        given="w = nn.Parameter(torch.ones(1))",
        old="optim.Adam([w]).state[w]",
        happens=works(),
        new="optim.Adagrad([w]).state[w]",
        proof="old == {} and new['sum'].item() == 0",
    ),
    Row(
        "3.3.4",
        "`Adagrad` also takes the sparse gradients of an embedding.",
        given="""
        table = nn.Embedding(3, 2, sparse=True)
        table(torch.tensor([1])).sum().backward()
        before = table.weight.detach().clone()
        """,
        old="optim.Adam(table.parameters()).step()",
        happens=raises(RuntimeError, "does not support sparse gradients"),
        new="""
        warnings.filterwarnings("ignore", "Sparse invariant checks", UserWarning)
        optim.Adagrad(table.parameters()).step()
        (table.weight != before).any(1)
        """,
        proof="new.tolist() == [False, True, False]",
    ),
    Row(
        "3.3.5",
        "`Adadelta`'s `lr` is a factor, 1 by default, and no step length: its first "
        "steps are tiny.",
        given="""
        w = nn.Parameter(torch.ones(1))
        w.grad = torch.ones(1)
        optimizer = optim.Adadelta([w])
        optimizer.step()
        """,
        old="1 - w.item()  # with lr=1",
        happens=works(),
        new="math.sqrt(1e-6) / math.sqrt(0.1 + 1e-6)",
        proof="abs(new - old) < 1e-6 < new < 0.01 and optimizer.defaults['lr'] == 1",
    ),
    Row(
        "3.3.6",
        "`RMSprop`'s first step is 10 times the learning rate: its average of the "
        "squares starts at 0, and nothing corrects that.",
        given="""
        def first_step(kind):
            w = nn.Parameter(torch.zeros(1))
            w.grad = torch.ones(1)
            kind([w], lr=0.01).step()
            return -w.item()
        """,
        old="first_step(optim.RMSprop)",
        happens=works(),
        new="first_step(optim.Adam)",
        proof="abs(old - 0.1) < 1e-6 and abs(new - 0.01) < 1e-6",
    ),
    Row(
        "3.3.7",
        "`Adam`'s `weight_decay` is added to the gradient and divided away again; "
        "`AdamW` shrinks the weight itself.",
        given="""
        def first_step(kind):
            w = nn.Parameter(torch.ones(1))
            w.grad = torch.ones(1)
            kind([w], lr=0.01, weight_decay=1.0).step()
            return w.item()
        """,
        old="first_step(optim.Adam)",
        happens=wrong("abs(old - 0.99) < 1e-6"),
        new="first_step(optim.AdamW)",
        proof="abs(new - (1 - 0.01 * 1.0 - 0.01)) < 1e-6",
    ),
    Row(
        "cheat sheet",
        "`optim.Adam(params, weight_decay=, amsgrad=)` is no Python before the blanks "
        "are filled.",
        given="w = nn.Parameter(torch.ones(1))",
        old="compile('optim.Adam([w], weight_decay=, amsgrad=)', 'notes', 'eval')",
        happens={
            "torch 2.6": raises(SyntaxError, "invalid syntax"),
            "python 3.12": raises(SyntaxError, "expected argument value expression"),
        },
        new="optim.Adam([w], weight_decay=1e-4, amsgrad=True)",
        proof="new.defaults['amsgrad'] and new.defaults['weight_decay'] == 1e-4",
    ),
    Row(
        "3.3.7",
        "`AdamW` is an `Adam` today: one argument turns one into the other.",
        given="""
        def walk(kind, **how):
            w = nn.Parameter(torch.ones(3))
            optimizer = kind([w], lr=0.1, weight_decay=0.1, **how)
            for _ in range(5):
                w.grad = 2 * w.detach()
                optimizer.step()
            return w.detach()
        """,
        old="walk(optim.AdamW)",
        happens=works(),
        new="walk(optim.Adam, decoupled_weight_decay=True)",
        proof="torch.equal(new, old) and issubclass(optim.AdamW, optim.Adam)",
        since="torch 2.7",
    ),
    Row(
        "3.3.8",
        "`Adamax`'s step is said, in Adam's paper, never to exceed the learning rate. "
        "It does, by up to 0.9 %, where gradients shrink as slowly as its maximum "
        "forgets.",
        given="""
        w = nn.Parameter(torch.zeros(1, dtype=torch.float64))
        optimizer, steps = optim.Adamax([w], lr=1.0), []
        for t in range(200):
            w.grad = torch.full_like(w, 0.999**t)
            before = w.item()
            optimizer.step()
            steps.append(before - w.item())
        """,
        old="1.0  # the longest step",
        happens=wrong("max(steps) > 1.008 * old"),
        new="0.1 / (1 - 0.9 / 0.999)",
        proof="abs(new - max(steps)) < 1e-4",
    ),
    Row(
        "3.3.9",
        "`SparseAdam` refuses the gradients that most layers have.",
        given="w = nn.Parameter(torch.ones(1))\nw.grad = torch.ones(1)",
        old="optim.SparseAdam([w]).step()",
        happens=raises(RuntimeError, "does not support dense gradients"),
        new="""
        table = nn.Embedding(3, 2, sparse=True)
        table(torch.tensor([1])).sum().backward()
        before = table.weight.detach().clone()
        optim.SparseAdam(table.parameters()).step()
        (table.weight != before).any(1)
        """,
        proof="new.tolist() == [False, True, False]",
    ),
    Row(
        "3.3.9",
        "`Adam` refuses sparse gradients: that is what `SparseAdam` is for.",
        given="""
        table = nn.Embedding(3, 2, sparse=True)
        table(torch.tensor([1])).sum().backward()
        """,
        old="optim.Adam(table.parameters()).step()",
        happens=raises(RuntimeError, "please consider SparseAdam instead"),
        new="""
        optimizer = optim.SparseAdam(table.parameters())
        optimizer.step()
        optimizer.state[table.weight]["step"]
        """,
        proof="new == 1",
    ),
    Row(
        "3.3.9",
        "`SparseAdam` has no `weight_decay`.",
        given="table = nn.Embedding(3, 2, sparse=True)",
        old="optim.SparseAdam(table.parameters(), weight_decay=1e-4)",
        happens=raises(TypeError, "unexpected keyword argument 'weight_decay'"),
        new="optim.SparseAdam(table.parameters())",
        proof="'weight_decay' not in new.defaults",
    ),
    Row(
        "3.3.10",
        "`LBFGS` takes one group of parameters.",
        given="net = nn.Linear(2, 3)",
        old="optim.LBFGS([{'params': [p]} for p in net.parameters()])",
        happens=raises(ValueError, "doesn't support per-parameter options"),
        new="optim.LBFGS(net.parameters())",
        proof="len(new.param_groups[0]['params']) == 2",
    ),
    Row(
        "3.3.10",
        "`LBFGS` knows one line search, and its name is checked at the first step.",
        given=PARABOLA,
        old="""
        optimizer = optim.LBFGS([w], line_search_fn="wolfe")
        optimizer.step(closure)
        """,
        happens=raises(RuntimeError, "only 'strong_wolfe' is supported"),
        new="""
        optimizer = optim.LBFGS([w], line_search_fn="strong_wolfe")
        optimizer.step(closure)
        w.item()
        """,
        proof="abs(new - 1) < 1e-4",
    ),
    Row(
        "3.3.10",
        "`LBFGS(max_iter=2)` makes one iteration: its limit of evaluations, 5/4 of it "
        "rounded down, is used up first. Give `max_eval`.",
        given="""
        w = nn.Parameter(torch.tensor([3.0]))

        def closure():
            optimizer.zero_grad()
            loss = ((w - 1) ** 4).sum()
            loss.backward()
            return loss
        """,
        old="""
        optimizer = optim.LBFGS([w], max_iter=2)
        optimizer.step(closure)
        optimizer.state[w]["n_iter"]
        """,
        happens=wrong("old == 1"),
        new="""
        optimizer = optim.LBFGS([w], max_iter=2, max_eval=10)
        optimizer.step(closure)
        optimizer.state[w]["n_iter"]
        """,
        proof="new == 2",
    ),
    Row(
        "3.3",
        "Most optimizers can now update all parameters at once, `foreach=True` or "
        "`fused=True`, but not both.",
        given="w = nn.Parameter(torch.ones(1))",
        old="optim.Adam([w], foreach=True, fused=True)",
        happens=raises(RuntimeError, "cannot be `True` together"),
        new="""
        w.grad = torch.ones(1)
        optim.Adam([w], lr=0.1, fused=True).step()
        w.item()
        """,
        proof="abs(new - 0.9) < 1e-6",
    ),
    Row(
        "3.3",
        "`foreach=True` gives the numbers of the plain loop.",
        given="""
        def run(**how):
            w = nn.Parameter(torch.linspace(-1, 1, 9))
            optimizer = optim.Adam([w], lr=0.1, **how)
            for _ in range(10):
                w.grad = 2 * w.detach()
                optimizer.step()
            return w.detach()
        """,
        old="run()",
        happens=works(),
        new="run(foreach=True)",
        proof="torch.allclose(new, old, rtol=0, atol=1e-6)",
    ),
    Row(
        "3.3",
        "`SparseAdam` and `LBFGS` know neither `foreach` nor `fused`.",
        given="w = nn.Parameter(torch.ones(1))",
        old="optim.LBFGS([w], foreach=True)",
        happens=raises(TypeError, "unexpected keyword argument 'foreach'"),
        new="[optim.SparseAdam([w]), optim.LBFGS([w])]",
        proof="not any({'foreach', 'fused'} & set(o.defaults) for o in new)",
    ),
    Row(
        "3.3",
        "`fused=True` on the CPU is for SGD, Adagrad, Adam and AdamW alone.",
        given="w = nn.Parameter(torch.ones(1))\nw.grad = torch.ones(1)",
        old="optim.RMSprop([w], fused=True)",
        happens=raises(TypeError, "unexpected keyword argument 'fused'"),
        new="""
        for kind in (optim.SGD, optim.Adagrad, optim.Adam, optim.AdamW):
            kind([w], lr=0.1, weight_decay=0, fused=True).step()
        w.item()
        """,
        proof="abs(new - (1 - 4 * 0.1)) < 1e-5",
    ),
    Row(
        "3.3",
        "`lr=` left out is not the same for all: from 0.001 to 1.",
        given="""
        names = '''SGD Adam SparseAdam Adamax ASGD Rprop Adagrad RMSprop Adadelta
            LBFGS'''.split()
        """,
        old="[getattr(optim, n)([torch.ones(1)]).defaults['lr'] for n in names]",
        happens=works(),
        new="optim.RMSprop([torch.ones(1)], lr=0.001).defaults['lr']",
        proof="old == [1e-3] * 3 + [2e-3] + [1e-2] * 4 + [1] * 2 and new == 0.001",
    ),
    Row(
        "3.3",
        "`capturable=True` is for CUDA graphs: on the CPU a step fails.",
        given="w = nn.Parameter(torch.ones(1))\nw.grad = torch.ones(1)",
        old="optim.Adam([w], capturable=True).step()",
        happens=raises(AssertionError, "If capturable=True"),
        new="""
        optim.Adam([w], lr=0.1).step()
        w.item()
        """,
        proof="abs(new - 0.9) < 1e-6",
    ),
    Row(
        "3.3",
        "`differentiable=True` needs parameters that were computed: step on a clone, "
        "and gradients pass through the step.",
        given="w = nn.Parameter(torch.ones(1))",
        old="""
        w.grad = torch.ones(1)
        optim.SGD([w], lr=0.1, differentiable=True).step()
        """,
        happens=raises(RuntimeError, "a leaf Variable that requires grad"),
        new="""
        copy = w.clone()
        copy.grad = 2 * w
        optim.SGD([copy], lr=0.1, differentiable=True).step()
        torch.autograd.grad(copy.sum(), w)[0].item()
        """,
        proof="abs(new - (1 - 0.1 * 2)) < 1e-6",
    ),
    Row(
        "3.3",
        "Since then: `AdamW`, `NAdam`, `RAdam`, `Adafactor`.",
        given="""
        def walk(name):
            w = nn.Parameter(torch.ones(2, 2))
            optimizer = getattr(optim, name)([w], lr=0.1)
            for _ in range(20):
                w.grad = 2 * w.detach()
                optimizer.step()
            return w.square().sum().item()
        """,
        old="walk('Adam')",
        happens=works(),
        new="[walk(name) for name in ('AdamW', 'NAdam', 'RAdam', 'Adafactor')]",
        proof="old < 4 and max(new) < 4",
    ),
    Row(
        "3.3",
        "Since then: `Muon`, for matrices only. Biases and convolutions need another "
        "optimizer.",
        given="net = nn.Linear(2, 3)",
        old="optim.Muon(net.parameters())",
        happens=raises(ValueError, "Muon only supports 2D parameters"),
        new="optim.Muon([p for p in net.parameters() if p.ndim == 2])",
        proof="new.param_groups[0]['params'][0] is net.weight",
        since="torch 2.9",
    ),
    Row(
        "3.3",
        "Lion, LAMB, LARS, SOAP and Shampoo are not part of PyTorch. Lion's step, the "
        "sign of an average, is one line.",
        given="w = nn.Parameter(torch.ones(2))\nw.grad = torch.tensor([3.0, -0.1])",
        old="optim.Lion([w])",
        happens=raises(AttributeError, "no attribute 'Lion'"),
        new="w.detach() - 0.1 * (0.1 * w.grad).sign()",
        proof="torch.allclose(new, torch.tensor([0.9, 1.1])) and not any(hasattr("
        "optim, name) for name in ('LAMB', 'LARS', 'SOAP', 'Shampoo'))",
    ),
]

SCHEDULERS = [
    Row(
        "3.4",
        "`scheduler.step()` at the start of an epoch, as in the scripts that came with "
        "the notes: now it belongs after `optimizer.step()`.",
        given=EPOCHS,
        old="""
        scheduler = lr_scheduler.StepLR(optimizer, 3)
        found = []
        for _ in range(4):
            scheduler.step()
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
        found
        """,
        happens=warns(UserWarning, "`lr_scheduler.step()` before `optimizer.step()`"),
        new="rates(lr_scheduler.StepLR(optimizer, 3), 4)",
        proof="np.allclose(old, [0.1, 0.1, 0.01, 0.01]) and "
        "np.allclose(new, [0.1, 0.1, 0.1, 0.01])",
    ),
    Row(
        "3.4",
        "`scheduler.get_lr()` is for the scheduler itself: take `get_last_lr()`. At a "
        "boundary of `StepLR` it counts the drop twice.",
        given="""
        optimizer = optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
        scheduler = lr_scheduler.StepLR(optimizer, 1)
        optimizer.step()
        scheduler.step()
        """,
        old="scheduler.get_lr()",
        happens=warns(UserWarning, "please use `get_last_lr()`"),
        new="scheduler.get_last_lr()",
        proof="np.allclose(old, [0.001]) and np.allclose(new, [0.01])",
    ),
    Row(
        "3.4",
        "`verbose=` is gone: print the rate yourself.",
        given=EPOCHS,
        old="lr_scheduler.StepLR(optimizer, 3, verbose=True)",
        happens={
            "torch 2.6": warns(UserWarning, "The verbose parameter is deprecated"),
            "torch 2.7": raises(TypeError, "unexpected keyword argument 'verbose'"),
        },
        new="lr_scheduler.StepLR(optimizer, 3).get_last_lr()",
        proof="new == [0.1]",
    ),
    Row(
        "3.4",
        "`scheduler.step(epoch)` is deprecated: step once per epoch.",
        given=EPOCHS,
        old="""
        scheduler = lr_scheduler.StepLR(optimizer, 3)
        optimizer.step()
        scheduler.step(5)
        """,
        happens=warns(UserWarning, "The epoch parameter in `scheduler.step()`"),
        new="rates(lr_scheduler.StepLR(optimizer, 3), 6)[5]",
        proof="abs(new - 0.01) < 1e-9",
    ),
    Row(
        "3.4",
        "`last_epoch=5` on a fresh optimizer is refused: resume by loading the states "
        "of both.",
        given=EPOCHS,
        old="lr_scheduler.StepLR(optimizer, 3, last_epoch=5)",
        happens=raises(KeyError, "param 'initial_lr' is not specified"),
        new="""
        scheduler = lr_scheduler.StepLR(optimizer, 3)
        rates(scheduler, 5)
        saved = optimizer.state_dict(), scheduler.state_dict()
        optimizer = optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
        resumed = lr_scheduler.StepLR(optimizer, 3)
        optimizer.load_state_dict(saved[0])
        resumed.load_state_dict(saved[1])
        resumed.last_epoch, optimizer.param_groups[0]["lr"]
        """,
        proof="new[0] == 5 and abs(new[1] - 0.01) < 1e-9",
    ),
    Row(
        "3.4",
        "`initial_lr`: a scheduler adds it to each group.",
        given=ONE_WEIGHT,
        old="'initial_lr' in optimizer.param_groups[0]",
        happens=works(),
        new="""
        scheduler = lr_scheduler.StepLR(optimizer, 3)
        optimizer.param_groups[0]["initial_lr"]
        """,
        proof="old is False and new == 0.1",
    ),
    Row(
        "3.4",
        "`_LRScheduler`, the old name of the base class, is still there, but PyTorch's "
        "schedulers no longer come from it.",
        given=EPOCHS,
        old="isinstance(lr_scheduler.StepLR(optimizer, 3), lr_scheduler._LRScheduler)",
        happens=wrong("old is False"),
        new="isinstance(lr_scheduler.StepLR(optimizer, 3), lr_scheduler.LRScheduler)",
        proof="new is True",
    ),
    Row(
        "cheat sheet",
        "`lr_schedular` is a typo of `lr_scheduler`.",
        given=EPOCHS,
        old="optim.lr_schedular.StepLR(optimizer, 3)",
        happens=raises(AttributeError, "no attribute 'lr_schedular'"),
        new="optim.lr_scheduler.StepLR(optimizer, 3)",
        proof="new.step_size == 3",
    ),
    Row(
        "3.4.1",
        "`get_last_lr()` does not know of a rate that is edited by hand.",
        given="""
        optimizer = optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
        scheduler = lr_scheduler.StepLR(optimizer, 3)
        optimizer.param_groups[0]["lr"] = 0.5
        """,
        old="scheduler.get_last_lr()[0]",
        happens=wrong("old == 0.1"),
        new="optimizer.param_groups[0]['lr']",
        proof="new == 0.5",
    ),
    Row(
        "3.4.2",
        "`MultiStepLR` counts a milestone that is listed twice twice.",
        given=EPOCHS,
        old="rates(lr_scheduler.MultiStepLR(optimizer, [2, 2]), 3)",
        happens=works(),
        new="rates(lr_scheduler.MultiStepLR(optimizer, [2]), 3)",
        proof="np.allclose([*old[1:], *new[1:]], [0.1, 0.001, 0.1, 0.01])",
    ),
    Row(
        "3.4.3",
        "`ExponentialLR`'s `get_lr()` gives the rate of the next epoch.",
        given="""
        optimizer = optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
        scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
        optimizer.step()
        scheduler.step()
        """,
        old="scheduler.get_lr()",
        happens=warns(UserWarning, "please use `get_last_lr()`"),
        new="scheduler.get_last_lr()",
        proof="np.allclose(old, [0.025]) and np.allclose(new, [0.05])",
    ),
    Row(
        "3.4.4",
        "`CosineAnnealingLR` rises again after `T_max` epochs: it does not stop at the "
        "bottom.",
        given=EPOCHS,
        old="rates(lr_scheduler.CosineAnnealingLR(optimizer, 4), 9)",
        happens=wrong("abs(old[4]) < 1e-9 and abs(old[8] - 0.1) < 1e-9"),
        new="rates(lr_scheduler.CosineAnnealingLR(optimizer, 8), 9)",
        proof="bool((np.diff(new) < 0).all())",
    ),
    Row(
        "3.4.4",
        "`CosineAnnealingLR`'s `get_lr()`, asked at the start, is more than the rate "
        "that you gave.",
        given=EPOCHS,
        old="lr_scheduler.CosineAnnealingLR(optimizer, 10).get_lr()",
        happens=warns(UserWarning, "please use `get_last_lr()`"),
        new="lr_scheduler.CosineAnnealingLR(optimizer, 10).get_last_lr()",
        proof="old[0] > 0.1 and new == [0.1]",
        since="torch 2.8",
    ),
    Row(
        "3.4.5",
        "`ReduceLROnPlateau` has to be told what it watches.",
        given=EPOCHS,
        old="lr_scheduler.ReduceLROnPlateau(optimizer).step()",
        happens=raises(TypeError, "missing 1 required positional argument: 'metrics'"),
        new="""
        scheduler = lr_scheduler.ReduceLROnPlateau(optimizer)
        scheduler.step(2.5)
        scheduler.best
        """,
        proof="new == 2.5",
    ),
    Row(
        "3.4.5",
        "`patience=2` drops the rate in the third epoch that brings nothing.",
        given="""
        def rates(patience, epochs):
            optimizer = optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
            scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=patience)
            found = []
            for _ in range(epochs):
                scheduler.step(1.0)  # the first is the best so far
                found.append(optimizer.param_groups[0]["lr"])
            return found
        """,
        old="rates(patience=2, epochs=3)",
        happens=works(),
        new="rates(patience=2, epochs=4)",
        proof="old == [0.1] * 3 and np.allclose(new, [0.1, 0.1, 0.1, 0.01])",
    ),
    Row(
        "3.4.5",
        "`ReduceLROnPlateau` takes NaN for an epoch that brings nothing: the rate goes "
        "down and the fault stays unseen.",
        given="""
        optimizer = optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
        scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
        loss = torch.tensor(float("nan"))
        """,
        old="""
        scheduler.step(loss)
        optimizer.param_groups[0]["lr"]
        """,
        happens=wrong("abs(old - 0.01) < 1e-9"),
        new="loss.isfinite().item()  # ask, and stop",
        proof="new is False",
    ),
    Row(
        "3.4.5",
        "`ReduceLROnPlateau` refuses a factor of 1 or more.",
        given=EPOCHS,
        old="lr_scheduler.ReduceLROnPlateau(optimizer, factor=1.0)",
        happens=raises(ValueError, "Factor should be < 1.0"),
        new="lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5).factor",
        proof="new == 0.5",
    ),
    Row(
        "3.4.5",
        "`ReduceLROnPlateau` has no `get_lr()`.",
        given=EPOCHS,
        old="lr_scheduler.ReduceLROnPlateau(optimizer).get_lr()",
        happens=raises(NotImplementedError, "(no message)"),
        new="optimizer.param_groups[0]['lr']",
        proof="new == 0.1",
    ),
    Row(
        "3.4.5",
        "`ReduceLROnPlateau(verbose=True)` is gone as well.",
        given=EPOCHS,
        old="lr_scheduler.ReduceLROnPlateau(optimizer, verbose=True)",
        happens={
            "torch 2.6": warns(UserWarning, "The verbose parameter is deprecated"),
            "torch 2.7": raises(TypeError, "unexpected keyword argument 'verbose'"),
        },
        new="lr_scheduler.ReduceLROnPlateau(optimizer).patience",
        proof="new == 10",
    ),
    Row(
        "3.4.6",
        "`LambdaLR` multiplies the initial rate, not the last one.",
        given=EPOCHS,
        old="rates(lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5), 3)",
        happens=wrong("not np.allclose(old[2], 0.1 * 0.5**2)"),
        new="rates(lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5**epoch), 3)",
        proof="np.allclose(new, [0.1, 0.05, 0.025])",
    ),
    Row(
        "3.4.6",
        "`LambdaLR`'s `get_lr()` is right, by chance, but warns too.",
        given="""
        optimizer = optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
        scheduler = lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5**epoch)
        optimizer.step()
        scheduler.step()
        """,
        old="scheduler.get_lr()",
        happens=warns(UserWarning, "please use `get_last_lr()`"),
        new="scheduler.get_last_lr()",
        proof="new == old == [0.05]",
    ),
    Row(
        "3.4.6",
        "Since then: `MultiplicativeLR`, which multiplies the last rate.",
        given=EPOCHS,
        old="rates(lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5**epoch), 3)",
        happens=works(),
        new="rates(lr_scheduler.MultiplicativeLR(optimizer, lambda epoch: 0.5), 3)",
        proof="np.allclose(new, old) and np.allclose(new[2], 0.025)",
    ),
    Row(
        "3.4.6",
        "`LambdaLR` overwrites a rate that is edited by hand; `StepLR` keeps it.",
        given="""
        def after_edit(kind, *arguments):
            optimizer = optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
            scheduler = kind(optimizer, *arguments)
            optimizer.param_groups[0]["lr"] = 0.5
            optimizer.step()
            scheduler.step()
            return optimizer.param_groups[0]["lr"]
        """,
        old="after_edit(lr_scheduler.LambdaLR, lambda epoch: 1.0)",
        happens=wrong("old == 0.1"),
        new="after_edit(lr_scheduler.StepLR, 3)",
        proof="new == 0.5",
    ),
    Row(
        "3.4.6",
        "`LambdaLR`'s function is not in its `state_dict()`: give it again.",
        given=EPOCHS,
        old="lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5).state_dict()",
        happens=wrong("old['lr_lambdas'] == [None]"),
        new="""
        saved = lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5).state_dict()
        resumed = lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5)
        resumed.load_state_dict(saved)
        resumed.lr_lambdas[0](1)
        """,
        proof="new == 0.5",
    ),
    Row(
        "3.4",
        "Two schedulers on one optimizer multiply, but `LambdaLR` overwrites what the "
        "other did.",
        given="""
        def both(first, second):
            optimizer = optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
            schedulers = first(optimizer), second(optimizer)
            optimizer.step()
            for scheduler in schedulers:
                scheduler.step()
            return optimizer.param_groups[0]["lr"]

        half = lambda optimizer: lr_scheduler.ExponentialLR(optimizer, 0.5)
        """,
        old="both(half, lambda o: lr_scheduler.LambdaLR(o, lambda epoch: 0.9))",
        happens=wrong("abs(old - 0.09) < 1e-9"),
        new="both(half, lambda o: lr_scheduler.ExponentialLR(o, 0.9))",
        proof="abs(new - 0.1 * 0.5 * 0.9) < 1e-9",
    ),
    Row(
        "3.4",
        "Since then: `OneCycleLR`, stepped after every batch, which refuses a step too "
        "many.",
        given=EPOCHS,
        old="rates(lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=4), 5)",
        happens=raises(ValueError, "number of total steps is 4"),
        new="rates(lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=4), 3)",
        proof="abs(new.max() - 1) < 0.3 and abs(new[0] - 1 / 25) < 1e-9",
    ),
    Row(
        "3.4",
        "Since then: `SequentialLR`, a warm-up and then a cosine; once it took a "
        "lambda.",
        given=EPOCHS,
        old="""
        lr_at = lambda t: (t + 1) / 3 if t < 2 else 0.5 + 0.5 * math.cos(
            math.pi * (t - 2) / 6)
        rates(lr_scheduler.LambdaLR(optimizer, lr_at), 8)
        """,
        happens=works(),
        new="""
        warm_up = lr_scheduler.LinearLR(optimizer, 1 / 3, total_iters=2)
        cosine = lr_scheduler.CosineAnnealingLR(optimizer, 6)
        rates(lr_scheduler.SequentialLR(optimizer, [warm_up, cosine], [2]), 8)
        """,
        proof="np.allclose(new, old)",
        since="torch 2.9",
    ),
    Row(
        "3.4",
        "Since then: `PolynomialLR`, `ConstantLR`, `CyclicLR`, "
        "`CosineAnnealingWarmRestarts`, `ChainedScheduler`.",
        given=EPOCHS,
        old="rates(lr_scheduler.LambdaLR(optimizer, lambda t: max(1 - t / 4, 0)), 5)",
        happens=works(),
        new="""
        def fresh(kind, *arguments):
            optimizer.param_groups[0].update(lr=0.1, initial_lr=0.1)
            return rates(kind(optimizer, *arguments), 5)

        constant = fresh(lr_scheduler.ConstantLR, 0.5, 2)
        triangle = fresh(lr_scheduler.CyclicLR, 0.1, 0.3, 2)
        restarts = fresh(lr_scheduler.CosineAnnealingWarmRestarts, 2)
        halves = [lr_scheduler.ExponentialLR(optimizer, 0.5) for _ in range(2)]
        optimizer.param_groups[0]["lr"] = 0.1
        chained = rates(lr_scheduler.ChainedScheduler(halves, optimizer), 5)
        fresh(lr_scheduler.PolynomialLR, 4)
        """,
        proof="np.allclose(new, old) and "
        "np.allclose(constant, [0.05, 0.05, 0.1, 0.1, 0.1]) and "
        "np.allclose(triangle, [0.1, 0.2, 0.3, 0.2, 0.1]) and "
        "np.allclose(restarts, [0.1, 0.05, 0.1, 0.05, 0.1]) and "
        "np.allclose(chained, 0.1 * 0.25 ** np.arange(5))",
    ),
]

ROWS = COUNTS + LOSSES + BASE + OPTIMIZERS + SCHEDULERS
