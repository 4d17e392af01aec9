"""Chapter 1 of the notes: reading data, and the twenty-two transforms."""

import multiprocessing
import pickle

from utils.migration import Row, raises, warns, works, wrong

TV = "torchvision 0.21"
IMAGE = """
image = Image.fromarray(np.arange(48 * 40 * 3, dtype=np.uint8).reshape(48, 40, 3))
"""  # 40 wide, 48 high

DATASET = [
    Row(
        "1.3",
        "The base class `Dataset` has no `__len__` that raises: a class without one "
        "can be made, and fails where a length is asked for.",
        given="""
            class Photos(Dataset):
                def __getitem__(self, index):
                    return index
            """,
        old="len(DataLoader(Photos()))",
        happens=raises(TypeError, "has no len()"),
        new="""
            class Counted(Photos):
                def __len__(self):
                    return 5
            len(DataLoader(Counted(), batch_size=2))
            """,
        proof="new == 3 and not hasattr(Dataset, '__len__')",
    ),
    Row(
        "1.3",
        "A loader that shuffles asks for the length at once; one that does not is "
        "made without it, and fails at its first item.",
        given="""
            class Photos(Dataset):
                def __getitem__(self, index):
                    return index
            """,
        old="DataLoader(Photos(), shuffle=True)",
        happens=raises(TypeError, "has no len()"),
        new="""
            class Counted(Photos):
                def __len__(self):
                    return 5
            DataLoader(Counted(), shuffle=True)
            """,
        proof="len(new) == len(list(new)) == 5 and "
        "DataLoader(Photos(), shuffle=False).batch_size == 1",
    ),
    Row(
        "1.3",
        "`Dataset` is not an abstract class as C++ has them: `Dataset()` can be made,"
        " and refuses only when it is asked for an item.",
        old="Dataset()[0]",
        happens=raises(NotImplementedError, "should implement __getitem__"),
        new="""
            class Squares(Dataset):
                def __getitem__(self, index):
                    return index**2
            Squares()[3]
            """,
        proof="new == 9",
    ),
    Row(
        "1.3",
        "`COncatDataset` is a typing error for `ConcatDataset`; `a + b` makes one.",
        given="pair = torch.utils.data.TensorDataset(torch.arange(2))",
        old="torch.utils.data.COncatDataset([pair, pair])",
        happens=raises(AttributeError, "COncatDataset"),
        new="torch.utils.data.ConcatDataset([pair, pair])",
        proof="len(new) == len(pair + pair) == 4 and type(pair + pair) is type(new)",
    ),
    Row(
        "1.3",
        "Relative paths in the index are looked up from the working directory, so the"
        " same index fails when the script starts elsewhere. Join them to the index's"
        " own folder.",
        given="""
            Path("data").mkdir()
            Image.new("RGB", (8, 8)).save("data/cat.png")
            Path("data/train.txt").write_text("cat.png\\t0")
            """,
        old="Image.open(Path('data/train.txt').read_text().split('\\t')[0])",
        happens=raises(FileNotFoundError, "cat.png"),
        new="""
            index = Path("data/train.txt")
            Image.open(index.parent / index.read_text().split("\\t")[0]).size
            """,
        proof="new == (8, 8)",
    ),
    Row(
        "1.4",
        "A data set that returns PIL images can't be batched: end its transform with "
        "a tensor.",
        given="pictures = [Image.new('RGB', (8, 8))] * 4",
        old="next(iter(DataLoader(pictures, batch_size=4)))",
        happens=raises(TypeError, "default_collate: batch must contain tensors"),
        new="""
            tensors = [transforms.ToTensor()(picture) for picture in pictures]
            next(iter(DataLoader(tensors, batch_size=4)))
            """,
        proof="new.shape == (4, 3, 8, 8)",
    ),
    Row(
        "1.4",
        "Since then: a data set with `__getitems__` fetches a batch in one call.",
        given="""
            class Photos(Dataset):
                calls = 0
                def __len__(self):
                    return 8
                def __getitem__(self, index):
                    Photos.calls += 1
                    return index
            """,
        old="list(DataLoader(Photos(), batch_size=4)); Photos.calls",
        happens=works(),
        new="""
            class Quick(Photos):
                def __getitems__(self, indices):
                    Photos.calls += 1
                    return indices
            list(DataLoader(Quick(), batch_size=4)); Photos.calls
            """,
        proof="(old, new) == (8, 2)",
    ),
    Row(
        "1.2",
        "8:1:1 by shares: `random_split` takes them itself, and gives what is left "
        "over to the first parts.",
        given="data = list(range(103))",
        old="torch.utils.data.random_split(data, [82, 10, 11])",
        happens=works(),
        new="torch.utils.data.random_split(data, [0.8, 0.1, 0.1])",
        proof="[len(part) for part in new] == [83, 10, 10]",
    ),
]

PREPROCESS = [
    Row(
        "1.5",
        "`RandomCrop(32, padding=4)` on CIFAR-10 cuts from 40 x 40, not 36 x 36: both"
        " sides are padded.",
        given="image = Image.new('RGB', (32, 32))",
        old="(36, 36)  # as the notes say",
        happens=wrong("old != transforms.Pad(4)(image).size"),
        new="transforms.Pad(4)(image).size",
        proof="new == (32 + 4 + 4, 40)",
    ),
    Row(
        "1.5",
        "`transform.ToTensor`: the module is called `transforms`.",
        old="from torchvision import transform",
        happens=raises(ImportError, "cannot import name 'transform'"),
        new="from torchvision import transforms; transforms.ToTensor()",
        proof="callable(new)",
        since=TV,
    ),
    Row(
        "1.5",
        "The two `transpose` of the notes do what `permute(2, 0, 1)` says in one word.",
        given="picture = torch.arange(24.0).reshape(4, 2, 3)  # H, W, C",
        old="picture.transpose(0, 1).transpose(0, 2).contiguous()",
        happens=works(),
        new="picture.permute(2, 0, 1).contiguous()",
        proof="new.shape == (3, 4, 2) and torch.equal(old, new)",
    ),
    Row(
        "1.5",
        "Wrapping input in a `Variable` does nothing: it returns the tensor.",
        given="images = torch.rand(2, 3)",
        old="torch.autograd.Variable(images)",
        happens=works(),
        new="images",
        proof="type(old) is type(new) is torch.Tensor and torch.equal(old, new)",
    ),
    Row(
        "1.5",
        "`volatile=True`, which saved the memory of the backward pass, has no effect.",
        given="weight = torch.ones(2, requires_grad=True)",
        old="torch.autograd.Variable(torch.ones(2), volatile=True)",
        happens=warns(UserWarning, "volatile was removed"),
        new="""
            with torch.no_grad():
                result = weight * 2
            result
            """,
        proof="not new.requires_grad and (weight * old).requires_grad",
    ),
]

TRANSFORMS = [
    Row(
        "1.6.1",
        "A crop larger than the image is refused, unless it may be padded.",
        given=IMAGE,
        old="transforms.RandomCrop(64)(image)",
        happens=raises(ValueError, "is larger than input image size"),
        new="transforms.RandomCrop(64, pad_if_needed=True)(image)",
        proof="new.size == (64, 64)",
        since=TV,
    ),
    Row(
        "1.6.2",
        "A centre crop larger than the image pads with black, without a word.",
        given="image = Image.new('RGB', (40, 48), 'white')",
        old="transforms.CenterCrop(64)(image)",
        happens=wrong("old.getpixel((0, 0)) == (0, 0, 0)"),
        new="transforms.CenterCrop(64)(transforms.Resize(64)(image))",
        proof="new.size == (64, 64) and new.getextrema() == ((255, 255),) * 3",
        since=TV,
    ),
    Row(
        "1.6.3",
        "`interpolation=2` still means bilinear; the enumeration says so.",
        given=IMAGE,
        old="transforms.RandomResizedCrop(20, interpolation=2)(image)",
        happens=works(),
        new="transforms.RandomResizedCrop(20, interpolation=Mode.BILINEAR)(image)",
        proof="np.array_equal(old, new)",
        since=TV,
    ),
    Row(
        "1.6.4",
        "`FiveCrop` returns a tuple of five images, not a 4-D tensor.",
        given=IMAGE,
        old="transforms.FiveCrop(24)(image).shape",
        happens=raises(AttributeError, "'tuple' object has no attribute 'shape'"),
        new="""
            crops = transforms.FiveCrop(24)(image)
            torch.stack([transforms.ToTensor()(crop) for crop in crops])
            """,
        proof="new.shape == (5, 3, 24, 24)",
        since=TV,
    ),
    Row(
        "1.6.4",
        "`ToTensor` after `FiveCrop` gets that tuple, and refuses it.",
        given=IMAGE,
        old="transforms.ToTensor()(transforms.FiveCrop(24)(image))",
        happens=raises(
            TypeError, "pic should be PIL Image or ndarray. Got <class 'tuple'>"
        ),
        new="""
            crops = v2.ToImage()(v2.FiveCrop(24)(image))
            torch.stack(v2.ToDtype(torch.float32, scale=True)(crops))
            """,
        proof="new.shape == (5, 3, 24, 24) and float(new.max()) <= 1",
        since=TV,
    ),
    Row(
        "1.6.4",
        "`Lambda` of v2 gets each crop by itself: what stacks them can't be a "
        "`v2.Lambda`. A plain function in `v2.Compose` gets them all.",
        given="crops = v2.FiveCrop(4)(torch.rand(3, 9, 9))",
        old="v2.Lambda(lambda crops: torch.stack(crops))(crops)",
        happens=raises(TypeError, "must be tuple of Tensors, not Tensor"),
        new="v2.Compose([v2.FiveCrop(4), torch.stack])(torch.rand(3, 9, 9))",
        proof="new.shape == (5, 3, 4, 4)",
        since=TV,
    ),
    Row(
        "1.6.5",
        "`TenCrop` does not flip all: five crops stay as they are, the other five are"
        " the crops of the flipped image, a tuple of ten.",
        given=IMAGE,
        old="[T(crop) for T in [transforms.RandomHorizontalFlip(1)] "
        "for crop in transforms.FiveCrop(24)(image)]",
        happens=wrong("len(old) != len(new)"),
        new="transforms.TenCrop(24)(image)",
        proof="len(new) == 10 and all(map(np.array_equal, new[:5], "
        "transforms.FiveCrop(24)(image)))",
        since=TV,
    ),
    Row(
        "1.6.8",
        "RandomRotation's `resample` is called `interpolation`.",
        given=IMAGE,
        old="transforms.RandomRotation(30, resample=False)(image)",
        happens=raises(TypeError, "unexpected keyword argument 'resample'"),
        new="transforms.RandomRotation(30, interpolation=Mode.NEAREST)(image)",
        proof="new.size == (40, 48)",
        since=TV,
    ),
    Row(
        "1.6.8",
        "By position the old `resample=False` is taken for an interpolation, without "
        "a word: `False` is 0, which is nearest.",
        given=IMAGE,
        old="transforms.RandomRotation((30, 30), False)(image)",
        happens=works(),
        new="transforms.RandomRotation((30, 30), interpolation=Mode.NEAREST)(image)",
        proof="np.array_equal(old, new)",
        since=TV,
    ),
    Row(
        "1.6.9",
        "`torchvision.transform.Resize`: the module is called `transforms`.",
        old="torchvision.transform.Resize(32)",
        happens=raises(AttributeError, "has no attribute 'transform'"),
        new="torchvision.transforms.Resize(32)",
        proof="new.size == 32",
        since=TV,
    ),
    Row(
        "1.6.9",
        "A single number is the shorter side, so images of different shapes can't be "
        "batched. Give both sides.",
        given=IMAGE,
        old="transforms.Resize(32)(image).size",
        happens=wrong("old == (32, 38) != (32, 32)"),
        new="transforms.Resize((32, 32))(image).size",
        proof="new == (32, 32)",
        since=TV,
    ),
    Row(
        "1.6.9",
        "The name of an interpolation as a string is refused by v1. The enumeration "
        "can be made from it.",
        given=IMAGE,
        old="transforms.Resize(20, interpolation='bilinear')(image)",
        happens=raises(TypeError, "Argument interpolation should be"),
        new="transforms.Resize(20, interpolation=Mode('bilinear'))(image)",
        proof="np.array_equal(new, v2.Resize(20)(image))",
        since=TV,
    ),
    Row(
        "1.6.9",
        "The name as a string: torchvision 0.29's v2 takes it.",
        given=IMAGE,
        old="v2.Resize(20, interpolation='bilinear')(image)",
        happens={
            "torchvision 0.21": raises(ValueError, "Argument interpolation should be"),
            "torchvision 0.29": works(),
        },
        new="v2.Resize(20, interpolation=Mode.BILINEAR)(image)",
        proof="new.size == (20, 24) and (old is None or np.array_equal(old, new))",
        since=TV,
    ),
    Row(
        "1.6.9",
        "`Image.BILINEAR`, the old constant of Pillow, is still taken for the mode.",
        given=IMAGE,
        old="transforms.Resize(20, interpolation=Image.BILINEAR)(image)",
        happens=works(),
        new="transforms.Resize(20, interpolation=Mode.BILINEAR)(image)",
        proof="np.array_equal(old, new)",
        since=TV,
    ),
    Row(
        "1.6.9",
        "Tensors are resized with `antialias=True` by default now. Without it, only "
        "the pixels beside each sample count, and the others are lost.",
        given="stripes = (torch.arange(32) % 4 == 1).float().expand(1, 32, 32)",
        old="transforms.Resize(8, antialias=False)(stripes).mean()",
        happens=wrong("old == 0.5"),
        new="transforms.Resize(8)(stripes).mean()",
        proof="abs(new - 0.25) < 0.01",
        since=TV,
    ),
    Row(
        "1.6.9",
        "Transforms of v1 take tensors as well as images now; the two differ by the "
        "rounding of pixels.",
        given=IMAGE,
        old="transforms.ToTensor()(transforms.Resize(20)(image))",
        happens=works(),
        new="transforms.Resize(20)(transforms.ToTensor()(image))",
        proof="0 < (old - new).abs().max() <= 1.01 / 255",
        since=TV,
    ),
    Row(
        "1.6.10",
        "`Normalize` wants C x H x W. The notes contradict themselves: 1.5 makes "
        "`c*h*w` of a picture, and 1.6.10 wants `h*w*c`.",
        given="picture = torch.rand(48, 40, 3)",
        old="transforms.Normalize([0.5] * 3, [0.25] * 3)(picture)",
        happens=raises(RuntimeError, "must match the size of tensor b"),
        new="transforms.Normalize([0.5] * 3, [0.25] * 3)(picture.permute(2, 0, 1))",
        proof="torch.allclose(new, (picture.permute(2, 0, 1) - 0.5) / 0.25)",
        since=TV,
    ),
    Row(
        "1.6.10",
        "`Normalize` comes after `ToTensor`: it refuses images.",
        given=IMAGE,
        old="transforms.Normalize([0.5] * 3, [0.25] * 3)(image)",
        happens=raises(TypeError, "img should be Tensor Image"),
        new="transforms.Normalize([0.5] * 3, [0.25] * 3)(transforms.ToTensor()(image))",
        proof="new.shape == (3, 48, 40)",
        since=TV,
    ),
    Row(
        "1.6.10",
        "`Normalize` refuses integers: make them floats first.",
        given="picture = torch.zeros(3, 4, 4, dtype=torch.uint8)",
        old="transforms.Normalize([0.5] * 3, [0.25] * 3)(picture)",
        happens=raises(TypeError, "Input tensor should be a float tensor"),
        new="transforms.Normalize([0.5] * 3, [0.25] * 3)(picture / 255)",
        proof="new.unique().item() == -2",
        since=TV,
    ),
    Row(
        "1.6.10",
        "A channel that never varies has a standard deviation of 0, which is refused.",
        old="transforms.Normalize([0.5], [0.0])(torch.rand(1, 4, 4))",
        happens=raises(ValueError, "division by zero"),
        new="transforms.Normalize([0.5], [1.0])(torch.rand(1, 4, 4))",
        proof="new.abs().max() <= 0.5",
        since=TV,
    ),
    Row(
        "1.6.10",
        "`Normalize` of v2 hands on an ndarray as it is, without a word.",
        given="picture = np.ones((3, 4, 4), np.float32)",
        old="v2.Normalize([0.5] * 3, [0.25] * 3)(picture)",
        happens=wrong("old is picture"),
        new="v2.Normalize([0.5] * 3, [0.25] * 3)(torch.from_numpy(picture))",
        proof="new.unique().item() == 2",
        since=TV,
    ),
    Row(
        "1.6.11",
        "`ToTensor` of v2 is deprecated; two transforms do what it did, and say "
        "whether they scale.",
        given=IMAGE,
        old="v2.ToTensor()(image)",
        happens=warns(UserWarning, "`ToTensor()` is deprecated"),
        new="v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])(image)",
        proof="torch.allclose(old, new, rtol=0, atol=1e-7) and new.dtype == old.dtype",
        since=TV,
    ),
    Row(
        "1.6.11",
        "Without `scale=True` the values stay 0 to 255.",
        given=IMAGE,
        old="v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32)])(image)",
        happens=wrong("old.max() == 255"),
        new="v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])(image)",
        proof="new.max() == 1",
        since=TV,
    ),
    Row(
        "1.6.11",
        "An ndarray is divided by 255 only if it is uint8.",
        given="picture = np.full((4, 4, 3), 200.0)",
        old="transforms.ToTensor()(picture)",
        happens=wrong("old.max() == 200 and old.dtype == torch.float64"),
        new="transforms.ToTensor()(picture.astype(np.uint8))",
        proof="new.dtype == torch.float32 and abs(new.max() - 200 / 255) < 1e-6",
        since=TV,
    ),
    Row(
        "1.6.11",
        "Integers other than uint8 keep their type and are not scaled either.",
        given="picture = np.full((4, 4, 3), 200, np.int32)",
        old="transforms.ToTensor()(picture)",
        happens=wrong("old.max() == 200 and old.dtype == torch.int32"),
        new="torch.from_numpy(picture).permute(2, 0, 1) / 255",
        proof="abs(new.max() - 200 / 255) < 1e-6",
        since=TV,
    ),
    Row(
        "1.6.11",
        "An array of uint16 stays as it is too. `ToImage` and `ToDtype` scale it.",
        given="picture = np.full((4, 4, 3), 51000, np.uint16)",
        old="transforms.ToTensor()(picture)",
        happens=wrong("old.dtype == torch.uint16 and old.numpy().max() == 51000"),
        new="v2.ToDtype(torch.float32, scale=True)(v2.ToImage()(picture))",
        proof="abs(new.max() - 51000 / 65535) < 1e-6",
        since=TV,
    ),
    Row(
        "1.6.11",
        "An image of mode I holds integers of 32 bits: not scaled either.",
        given="image = Image.new('I', (4, 4), 200)",
        old="transforms.ToTensor()(image)",
        happens=wrong("old.max() == 200 and old.dtype == torch.int32"),
        new="transforms.ToTensor()(image) / 255  # or the number that is white",
        proof="abs(new.max() - 200 / 255) < 1e-6",
        since=TV,
    ),
    Row(
        "1.6.11",
        "A 16-bit image overflows: 51000 becomes -14536.",
        given="image = Image.fromarray(np.full((4, 4), 51000, np.uint16))",
        old="transforms.ToTensor()(image)",
        happens=wrong("old.unique().item() == -14536 == 51000 - 2**16"),
        new="v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])(image)",
        proof="abs(new.max() - 51000 / 65535) < 1e-6",
        since=TV,
    ),
    Row(
        "1.6.11",
        "`ToTensor` refuses what is a tensor already; `ToImage` takes both.",
        given="picture = torch.rand(3, 4, 4)",
        old="transforms.ToTensor()(picture)",
        happens=raises(TypeError, "pic should be PIL Image or ndarray"),
        new="v2.ToImage()(picture)",
        proof="torch.equal(new, picture)",
        since=TV,
    ),
    Row(
        "1.6.11",
        "`ToTensor` of v2 hands on a tensor as it is: bytes stay 0 to 255. It warns "
        "that it is deprecated, and of nothing else.",
        given="picture = torch.full((3, 4, 4), 255, dtype=torch.uint8)",
        old="v2.ToTensor()(picture)",
        happens=warns(UserWarning, "`ToTensor()` is deprecated"),
        new="v2.ToDtype(torch.float32, scale=True)(picture)",
        proof="torch.equal(old, picture) and old.max() == 255 and new.max() == 1",
        since=TV,
    ),
    Row(
        "1.6.12",
        "Padding by three numbers is refused: one, two (left and right, top and "
        "bottom) or four.",
        given=IMAGE,
        old="transforms.Pad((1, 2, 3))(image)",
        happens=raises(
            ValueError, "Padding must be an int or a 1, 2, or 4 element tuple"
        ),
        new="transforms.Pad((1, 2, 3, 4))(image)",
        proof="new.size == (40 + 1 + 3, 48 + 2 + 4)",
        since=TV,
    ),
    Row(
        "1.6.13",
        "The defaults of `ColorJitter`, 0 each, are `None` in v2. Both change nothing.",
        given=IMAGE + "import inspect",
        old="transforms.ColorJitter()(image)",
        happens=works(),
        new="v2.ColorJitter()(image)",
        proof="[{p.default for p in inspect.signature(c).parameters.values()} "
        "for c in (transforms.ColorJitter, v2.ColorJitter)] == [{0}, {None}] "
        "and np.array_equal(old, image) and np.array_equal(new, image)",
        since=TV,
    ),
    Row(
        "1.6.13",
        "A hue turns by half a circle at most.",
        given=IMAGE,
        old="transforms.ColorJitter(hue=0.6)(image)",
        happens=raises(ValueError, "(-0.5, 0.5)"),
        new="transforms.ColorJitter(hue=0.5)(image)",
        proof="new.size == image.size",
        since=TV,
    ),
    Row(
        "1.6.14",
        "A grey image has one channel or, for networks that want colour, three alike.",
        given=IMAGE,
        old="transforms.Grayscale(num_output_channels=2)(image)",
        happens=raises(ValueError, "num_output_channels should be either 1 or 3"),
        new="transforms.Grayscale(num_output_channels=3)(image)",
        proof="new.mode == 'RGB' and np.ptp(np.asarray(new, int), axis=2).max() == 0",
        since=TV,
    ),
    Row(
        "1.6.15",
        "`torchvison` is a typing error for `torchvision`.",
        old="import torchvison",
        happens=raises(ModuleNotFoundError, "No module named 'torchvison'"),
        new="import torchvision; torchvision.transforms.LinearTransformation",
        proof="new.__name__ == 'LinearTransformation'",
        since=TV,
    ),
    Row(
        "1.6.15",
        "`LinearTransformation` needs the mean as well, which it subtracts first.",
        given="matrix, mean = torch.randn(12, 12), torch.randn(12)\n"
        "picture = torch.rand(3, 2, 2)",
        old="transforms.LinearTransformation(matrix)(picture)",
        happens=raises(
            TypeError, "missing 1 required positional argument: 'mean_vector'"
        ),
        new="transforms.LinearTransformation(matrix, mean)(picture)",
        proof="torch.allclose(new.flatten(), (picture.flatten() - mean) @ matrix)",
        since=TV,
    ),
    Row(
        "1.6.16",
        "RandomAffine's `resample` is called `interpolation`.",
        given=IMAGE,
        old="transforms.RandomAffine(10, resample=False)(image)",
        happens=raises(TypeError, "unexpected keyword argument 'resample'"),
        new="transforms.RandomAffine(10, interpolation=Mode.NEAREST)(image)",
        proof="new.size == (40, 48)",
        since=TV,
    ),
    Row(
        "1.6.16",
        "RandomAffine's `fillcolor` is called `fill`.",
        given=IMAGE,
        old="transforms.RandomAffine(10, fillcolor=0)(image)",
        happens=raises(TypeError, "unexpected keyword argument 'fillcolor'"),
        new="transforms.RandomAffine((45, 45), fill=(255, 0, 0))(image)",
        proof="new.getpixel((0, 0)) == (255, 0, 0)",
        since=TV,
    ),
    Row(
        "1.6.17",
        "`RandomGrayscale` keeps the number of channels: all three are alike.",
        given=IMAGE,
        old="transforms.RandomGrayscale(p=1)(image)",
        happens=works(),
        new="transforms.Grayscale(num_output_channels=3)(image)",
        proof="old.mode == 'RGB' and np.array_equal(old, new)",
        since=TV,
    ),
    Row(
        "1.6.18",
        "A single channel becomes L, I;16 or I, as its type says; mode L for integers"
        " of 32 bits is refused.",
        given="picture = torch.full((1, 4, 4), 300, dtype=torch.int32)",
        old="transforms.ToPILImage(mode='L')(picture)",
        happens=raises(ValueError, "Incorrect mode (L) supplied for input type"),
        new="""
            to_pil = transforms.ToPILImage()
            to_pil(picture.short()), to_pil(picture)
            """,
        proof="[i.mode for i in new] == ['I;16', 'I'] and np.max(new[1]) == 300",
        since=TV,
    ),
    Row(
        "1.6.18",
        "With `mode=None` the channels decide: 1 is L, 2 LA, 3 RGB, 4 RGBA.",
        old="transforms.ToPILImage()(torch.rand(5, 4, 4))",
        happens=raises(ValueError, "pic should not have > 4 channels"),
        new="[transforms.ToPILImage()(torch.rand(n, 4, 4)).mode for n in (1, 2, 3, 4)]",
        proof="new == ['L', 'LA', 'RGB', 'RGBA']",
        since=TV,
    ),
    Row(
        "1.6.19",
        "A lambda can't be pickled, so it can't be sent to worker processes that are "
        "started afresh, as on Windows and macOS. Use a function of a module.",
        given="import pickle\nimage = Image.new('L', (3, 2))",
        old="pickle.dumps(transforms.Lambda(lambda image: image))",
        happens=raises(pickle.PicklingError, "lambda"),
        new="pickle.loads(pickle.dumps(transforms.Lambda(np.asarray)))(image)",
        proof="new.shape == (2, 3)",
        since=TV,
    ),
    Row(
        "1.6.19",
        "`Lambda` checks that it gets a function; that of v2 does not, and fails "
        "later.",
        old="transforms.Lambda(3)",
        happens=raises(TypeError, "Argument lambd should be callable"),
        new="transforms.Lambda(lambda x: x + 3)(1)",
        proof="new == 4 and not callable(v2.Lambda(3).lambd)",
        since=TV,
    ),
    Row(
        "1.6.20",
        "`RandomChoice` of v1 draws from Python's `random`: torch's seed alone does "
        "not repeat it. That of v2 draws from torch.",
        given="""
            def draws(choice):
                seen = set()
                for _ in range(20):
                    torch.manual_seed(0)
                    seen.add(choice(0))
                return seen
            both = [lambda x: 1, lambda x: 2]
            """,
        old="draws(transforms.RandomChoice(both))",
        happens=wrong("old == {1, 2}"),
        new="draws(v2.RandomChoice(both))",
        proof="len(new) == 1",
        since=TV,
    ),
    Row(
        "1.6.20",
        "A single transform is not a list of them.",
        given=IMAGE,
        old="transforms.RandomChoice(transforms.CenterCrop(8))",
        happens=raises(TypeError, "Argument transforms should be a sequence"),
        new="transforms.RandomChoice([transforms.CenterCrop(8)], p=[1.0])(image)",
        proof="new.size == (8, 8)",
        since=TV,
    ),
    Row(
        "1.6.21",
        "`RandomApply` wants a list, even of one.",
        given=IMAGE,
        old="transforms.RandomApply(transforms.CenterCrop(8), p=1.0)(image)",
        happens=raises(TypeError, "'CenterCrop' object is not iterable"),
        new="transforms.RandomApply([transforms.CenterCrop(8)], p=1.0)(image)",
        proof="new.size == (8, 8)",
        since=TV,
    ),
    Row(
        "1.6.21",
        "`RandomApply` of v2 refuses a bare transform when made, not when called.",
        given="picture = torch.rand(3, 16, 16)",
        old="v2.RandomApply(v2.CenterCrop(8), p=1.0)",
        happens=raises(TypeError, "Argument transforms should be a sequence"),
        new="v2.RandomApply([v2.CenterCrop(8)], p=1.0)(picture)",
        proof="torch.equal(new, picture[:, 4:12, 4:12])",
        since=TV,
    ),
    Row(
        "1.6.22",
        "`RandomOrder` of v1 draws from Python's `random`: torch's seed alone does "
        "not repeat it. That of v2 draws from torch.",
        given="""
            def orders(shuffle):
                seen = set()
                for _ in range(20):
                    torch.manual_seed(0)
                    seen.add(shuffle("x"))
                return seen
            both = [lambda x: x + "1", lambda x: x + "2"]
            """,
        old="orders(transforms.RandomOrder(both))",
        happens=wrong("old == {'x12', 'x21'}"),
        new="orders(v2.RandomOrder(both))",
        proof="len(new) == 1",
        since=TV,
    ),
]

AROUND = [
    Row(
        "1.6",
        "`Scale`, the name before `Resize`, is gone from v1 and v2.",
        given=IMAGE,
        old="transforms.Scale(24)(image)",
        happens=raises(AttributeError, "has no attribute 'Scale'"),
        new="transforms.Resize(24)(image)",
        proof="new.size == (24, 28) and not hasattr(v2, 'Scale')",
        since=TV,
    ),
    Row(
        "1.6",
        "`RandomSizedCrop`, the name before `RandomResizedCrop`, is gone from v1 and "
        "v2.",
        given=IMAGE,
        old="transforms.RandomSizedCrop(24)(image)",
        happens=raises(AttributeError, "has no attribute 'RandomSizedCrop'"),
        new="transforms.RandomResizedCrop(24)(image)",
        proof="new.size == (24, 24) and not hasattr(v2, 'RandomSizedCrop')",
        since=TV,
    ),
    Row(
        "1.6",
        "All twenty-two are in v2 under the same names. With the same seed "
        "`RandomResizedCrop` gives the same picture.",
        given=IMAGE,
        old="transforms.RandomResizedCrop(20)(image)",
        happens=works(),
        new="v2.RandomResizedCrop(20)(image)",
        proof="np.array_equal(old, new) and not "
        "[n for n in dir(transforms) if n[0].isupper() and not hasattr(v2, n)]",
        since=TV,
    ),
    Row(
        "1.6",
        "A box beside the image: v1 does not take it, v2 moves it along.",
        given="""
            from torchvision import tv_tensors
            image = tv_tensors.Image(torch.zeros(3, 10, 10))
            box = [[0, 0, 2, 2]]
            """,
        old="transforms.RandomHorizontalFlip(1.0)(image, box)",
        happens=raises(TypeError, "takes 2 positional arguments but 3 were given"),
        new="""
            boxes = tv_tensors.BoundingBoxes(box, format="XYXY", canvas_size=(10, 10))
            v2.RandomHorizontalFlip(1.0)(image, boxes)[1].tolist()
            """,
        proof="new == [[8, 0, 10, 2]]",
        since=TV,
    ),
    Row(
        "1.6",
        "`make_grid(range=...)`, which hid Python's `range`, is called `value_range`.",
        given="from torchvision.utils import make_grid\n"
        "pictures = torch.linspace(-1, 1, 12).reshape(3, 1, 2, 2)",
        old="make_grid(pictures, normalize=True, range=(-1, 1))",
        happens=raises(TypeError, "unexpected keyword argument 'range'"),
        new="make_grid(pictures, normalize=True, value_range=(-1, 1))",
        proof="new.min() == 0 and new.max() == 1",
        since=TV,
    ),
    Row(
        "1.6",
        "`RandomErasing` of v1 wants tensors, that of v2 takes images too.",
        given=IMAGE,
        old="transforms.RandomErasing(p=1)(image)",
        happens=raises(AttributeError, "shape"),
        new="np.asarray(v2.RandomErasing(p=1)(image)) != image",
        proof="0.02 * 0.9 < new.any(2).mean() < 0.33 * 1.1",
        since=TV,
    ),
    Row(
        "1.6",
        "`GaussianNoise`, of v2, wants tensors.",
        given=IMAGE,
        old="v2.GaussianNoise()(image)",
        happens=raises(ValueError, "PIL"),
        new="v2.GaussianNoise(sigma=0.1)(torch.full((1, 100, 100), 0.5)).std()",
        proof="0.095 < new < 0.105",
        since=TV,
    ),
    Row(
        "1.6",
        "Since then: policies that need no tuning. `TrivialAugmentWide` takes the "
        "place of a hand-picked list.",
        given=IMAGE,
        old="transforms.Compose([transforms.RandomRotation(15), "
        "transforms.ColorJitter(0.2)])(image)",
        happens=works(),
        new="v2.TrivialAugmentWide()(image)",
        proof="new.size == image.size and all(hasattr(module, name) "
        "for name in ('AutoAugment', 'RandAugment', 'TrivialAugmentWide', 'AugMix') "
        "for module in (transforms, v2))",
        since=TV,
    ),
    Row(
        "1.6",
        "Since then: `MixUp` and `CutMix`, in v2 alone, mix a batch; labels become "
        "shares, which `CrossEntropyLoss` takes.",
        given="batch, labels = torch.rand(4, 3, 8, 8), torch.tensor([0, 1, 2, 1])",
        old="transforms.MixUp(num_classes=3)(batch, labels)",
        happens=raises(AttributeError, "has no attribute 'MixUp'"),
        new="v2.MixUp(num_classes=3)(batch, labels)",
        proof="new[1].shape == (4, 3) and torch.allclose(new[1].sum(1), torch.ones(4)) "
        "and nn.CrossEntropyLoss()(torch.zeros(4, 3), new[1]) > 1",
        since=TV,
    ),
    Row(
        "1.6",
        "`MixUp` mixes the images of a batch: one image alone is refused.",
        old="v2.MixUp(num_classes=3)(torch.rand(3, 8, 8), torch.tensor([0]))",
        happens=raises(ValueError, "Expected a batched input with 4 dims"),
        new="v2.CutMix(num_classes=3)(torch.rand(2, 3, 8, 8), torch.tensor([0, 2]))",
        proof="new[0].shape == (2, 3, 8, 8) and new[1].shape == (2, 3)",
        since=TV,
    ),
    Row(
        "1.6",
        "Since then: v2 has what used to be written by hand. `RandomPerspective` is in "
        "v1 too.",
        given="picture = torch.rand(3, 32, 32)",
        old="transforms.RandomPhotometricDistort()(picture)",
        happens=raises(AttributeError, "has no attribute 'RandomPhotometricDistort'"),
        new="""
            later = [v2.RandomPhotometricDistort(), v2.ScaleJitter((32, 32))]
            later += [v2.RandomZoomOut(), v2.RandomChannelPermutation(), v2.RGB()]
            later += [v2.GaussianBlur(3), v2.ElasticTransform(), v2.ToPureTensor()]
            later += [v2.RandomPerspective(p=1), transforms.RandomPerspective(p=1)]
            [transform(picture).dim() for transform in later]
            """,
        proof="new == [3] * 10 and hasattr(v2, 'RandomIoUCrop')",
        since=TV,
    ),
]

JPEG = Row(
    "1.6",
    "JPEG of a tensor goes through `torchvision.io`, which TorchCodec is to replace: "
    "torchvision 0.29 says so. An image goes through Pillow.",
    given="picture = torch.zeros(3, 16, 16, dtype=torch.uint8)",
    old="v2.JPEG(50)(picture)",
    happens={
        "torchvision 0.21": works(),
        "torchvision 0.29": warns(DeprecationWarning, "TorchCodec"),
    },
    new="""
        stream = io.BytesIO()
        v2.functional.to_pil_image(picture).save(stream, "JPEG", quality=50)
        v2.functional.pil_to_tensor(Image.open(stream))
        """,
    proof="new.shape == (3, 16, 16) and torch.equal(old, new)",
    since=TV,
)

WORKERS = Row(
    "1.6.20",
    "In worker processes `RandomChoice` of v1 is repeated by torch's seed: they seed "
    "`random` with it.",
    given="""
        class Draws(Dataset):
            choice = transforms.RandomChoice([lambda x: 1, lambda x: 2])
            def __len__(self):
                return 20
            def __getitem__(self, index):
                return self.choice(index)

        def epochs(**workers):
            seen = set()
            for _ in range(2):
                torch.manual_seed(0)
                seen.add(tuple(map(int, DataLoader(Draws(), **workers))))
            return seen
        """,
    old="epochs()",
    happens=wrong("len(old) == 2"),
    new="epochs(num_workers=1, multiprocessing_context='fork')",
    proof="len(new) == 1 and set(*new) == {1, 2}",
    since=TV,
)

ROWS = [*DATASET, *PREPROCESS, *TRANSFORMS, *AROUND, JPEG]
if (
    "fork" in multiprocessing.get_all_start_methods()
):  # else workers lack what a row defines
    ROWS += [WORKERS]
