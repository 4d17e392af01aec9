"""Rows of chapter 4: TensorBoard, through tensorboardX and torch's own writer."""

import tensorboard.backend.event_processing.event_accumulator  # noqa: F401
import torch.utils.tensorboard  # noqa: F401 (not at the expense of the first row)
from torch.onnx import OnnxExporterError

from utils.migration import Row, raises, warns, works, wrong

TBX = "tensorboardX 2.6, torch 2.6"
READ = "from utils import read_events\n"
HIDDEN = "sys.modules[{!r}] = None  # as if it were not installed\n"

START = [
    Row(
        "4.1",
        '"`pip uninstall tensorboardX`, `pip install tensorboard`" leaves the '
        "viewer, which has no writer. Install both.",
        old="""
        import tensorboard
        tensorboard.SummaryWriter("log")
        """,
        happens=raises(AttributeError, "no attribute 'SummaryWriter'"),
        new="""
        with tensorboardX.SummaryWriter("log") as writer:
            writer.add_scalar("loss", 0.5, 0)
        len(os.listdir("log"))
        """,
        proof="new == 1",
        since=TBX,
    ),
    Row(
        "4.1",
        'The "beholder", a live video of the weights, which the notes leave out, is '
        "gone from TensorBoard.",
        old="import tensorboard.plugins.beholder",
        happens=raises(ModuleNotFoundError, "tensorboard.plugins.beholder"),
        new="""
        with SummaryWriter("log") as writer:
            writer.add_histogram("weight", torch.randn(100), 0)
        len(os.listdir("log"))
        """,
        proof="new == 1",
        since=TBX,
    ),
    Row(
        "4.1",
        "The notes' 13 methods of `SummaryWriter` are all there, and ten more.",
        given="""
        thirteen = '''add_scalar add_scalars add_histogram add_image add_graph
            add_embedding add_text add_video add_figure add_image_with_boxes
            add_pr_curve add_pr_curve_raw export_scalars_to_json'''.split()
        """,
        old="[getattr(SummaryWriter, name) for name in thirteen]",
        happens=works(),
        new="[n for n in dir(SummaryWriter) if n.startswith(('add_', 'export_'))]",
        proof="len(old) == 13 and len(new) >= 13 + 10 and set(thirteen) < set(new)",
        since=TBX,
    ),
    Row(
        "4.1.1",
        "The Logger on `tf.summary.FileWriter` needs the whole of TensorFlow. "
        "tensorboardX writes the same files alone.",
        given=HIDDEN.format("tensorflow"),
        old="""
        import tensorflow as tf
        tf.summary.FileWriter("log")
        """,
        happens=raises(ModuleNotFoundError, "tensorflow"),
        new="""
        with SummaryWriter("log") as writer:
            writer.add_scalar("loss", 0.5, 0)
        "tfevents" in os.listdir("log")[0]
        """,
        proof="new is True",
        since=TBX,
    ),
    Row(
        "4.1.1",
        "Since then: PyTorch has a writer of its own. The notes' `scalar_summary` is "
        "`add_scalar` in both.",
        given=READ + "from torch.utils import tensorboard",
        old="""
        with tensorboard.SummaryWriter("log") as writer:
            writer.scalar_summary("loss", 0.5, 0)
        """,
        happens=raises(AttributeError, "no attribute 'scalar_summary'"),
        new="""
        with tensorboard.SummaryWriter("log") as writer:
            writer.add_scalar("loss", 0.5, 0)
        read_events("log").Scalars("loss")[0].value
        """,
        proof="new == 0.5",
    ),
    Row(
        "4.1",
        "A writer's folder is `log_dir` in torch's, `logdir` in tensorboardX's.",
        given="from torch.utils import tensorboard\n"
        "writer = SummaryWriter('log', write_to_disk=False)",
        old="writer.log_dir",
        happens=raises(AttributeError, "no attribute 'log_dir'"),
        new="""
        with tensorboard.SummaryWriter("other") as own:
            found = own.log_dir
        writer.logdir, found
        """,
        proof="new == ('log', 'other')",
        since=TBX,
    ),
    Row(
        "4.1",
        "Two writers in one folder: a file's name has whole seconds, so in the same "
        "second the second erases the first.",
        given="""
        from utils import read_events
        from unittest import mock

        def write_twice(first, second):
            with mock.patch("time.time", return_value=1.7e9):  # one second
                for tag, suffix in (("a", first), ("b", second)):
                    with SummaryWriter("log", filename_suffix=suffix) as writer:
                        writer.add_scalar(tag, 1.0, 0)
            return read_events("log").Tags()["scalars"]
        """,
        old="write_twice('', '')",
        happens=wrong("old == ['b']"),
        new="write_twice('.first', '.second')",
        proof="new == ['a', 'b']",
        since=TBX,
    ),
    Row(
        "4.1",
        "`close()`, and then to log once more, opens the file anew: in the same second "
        "it erases what was there.",
        given=READ + "from unittest import mock",
        old="""
        with mock.patch("time.time", return_value=1.7e9):
            writer = SummaryWriter("log")
            writer.add_scalar("a", 1.0, 0)
            writer.close()
            writer.add_scalar("b", 1.0, 0)
            writer.close()
        read_events("log").Tags()["scalars"]
        """,
        happens=wrong("old == ['b']"),
        new="""
        with mock.patch("time.time", return_value=1.7e9):
            writer = SummaryWriter("log")
            writer.add_scalar("a", 1.0, 0)
            writer.add_scalar("b", 1.0, 0)
            writer.close()
        read_events("log").Tags()["scalars"]
        """,
        proof="new == ['a', 'b']",
        since=TBX,
    ),
    Row(
        "4.1",
        "torch's own writer numbers its files: two in the same second don't meet.",
        given="""
        from unittest import mock
        from torch.utils import tensorboard

        def files(kind):
            with mock.patch("time.time", return_value=1.7e9):  # one second
                for tag in ("a", "b"):
                    with kind("log") as writer:
                        writer.add_scalar(tag, 1.0, 0)
            return len(os.listdir("log"))
        """,
        old="files(SummaryWriter)",
        happens=wrong("old == 1"),
        new="files(tensorboard.SummaryWriter)",
        proof="new == 2",
        since=TBX,
    ),
    Row(
        "4.1",
        "What is logged waits in memory. `close()`, or the end of `with`, writes it.",
        given="""
        from utils import read_events
        import time
        writer = SummaryWriter("log")
        time.sleep(0.02)  # its thread has started
        writer.add_scalar("loss", 0.5, 0)
        """,
        old="""
        early = read_events("log").Tags()["scalars"]
        writer.close()
        early
        """,
        happens=works(),
        new="""
        writer.close()
        read_events("log").Tags()["scalars"]
        """,
        proof="old == [] and new == ['loss']",
        since=TBX,
    ),
    Row(
        "4.1",
        "TensorBoard's reader keeps 4 images, 1 histogram and 10 texts of a tag. Ask "
        "for all.",
        given="""
        from tensorboard.backend.event_processing import event_accumulator as reader
        with SummaryWriter("log") as writer:
            for step in range(12):
                writer.add_image("i", torch.zeros(1, 2, 2), step)
                writer.add_histogram("h", torch.ones(2), step)
                writer.add_text("t", "text", step)

        def count(**how):
            events = reader.EventAccumulator("log", **how).Reload()
            texts = events.Tensors("t/text_summary")
            return len(events.Images("i")), len(events.Histograms("h")), len(texts)
        """,
        old="count()",
        happens=wrong("old == (4, 1, 10)"),
        new="count(size_guidance={'images': 0, 'histograms': 0, 'tensors': 0})",
        proof="new == (12, 12, 12)",
        since=TBX,
    ),
]

SCALARS = [
    Row(
        "cheat sheet",
        "`config['tensorboard_writer'].add_scalar()`, as listed, lacks what to log.",
        given="config = {'tensorboard_writer': SummaryWriter(write_to_disk=False)}",
        old="config['tensorboard_writer'].add_scalar()",
        happens=raises(TypeError, "missing 2 required positional arguments"),
        new="""
        with SummaryWriter("log") as writer:
            config = {"tensorboard_writer": writer}
            config["tensorboard_writer"].add_scalar("loss", 0.5, global_step=1)
        os.path.getsize(os.path.join("log", os.listdir("log")[0])) > 50
        """,
        proof="new is True",
        since=TBX,
    ),
    Row(
        "4.1.2.1",
        "`add_scalar` takes one number at a time.",
        given=READ,
        old="""
        with SummaryWriter("log") as writer:
            writer.add_scalar("loss", torch.tensor([2.0, 1.0]), 0)
        """,
        happens=raises(AssertionError, "scalar should be 0D"),
        new="""
        with SummaryWriter("log") as writer:
            writer.add_scalar("loss", torch.tensor([2.0, 1.0]).mean(), 0)
        read_events("log").Scalars("loss")[0].value
        """,
        proof="new == 1.5",
        since=TBX,
    ),
    Row(
        "4.1.2.1",
        "`add_scalar` without `global_step` puts all points at step 0.",
        given=READ,
        old="""
        with SummaryWriter("log") as writer:
            for loss in (3.0, 2.0, 1.0):
                writer.add_scalar("loss", loss)
        [event.step for event in read_events("log").Scalars("loss")]
        """,
        happens=wrong("old == [0, 0, 0]"),
        new="""
        with SummaryWriter("log") as writer:
            for step, loss in enumerate((3.0, 2.0, 1.0)):
                writer.add_scalar("loss", loss, step)
        [event.step for event in read_events("log").Scalars("loss")]
        """,
        proof="new == [0, 1, 2]",
        since=TBX,
    ),
    Row(
        "4.1.2.1",
        "`add_scalar('a b (c)', ...)`: blanks and brackets become underscores. Look it "
        "up by that name.",
        given="""
        from utils import read_events
        with SummaryWriter("log") as writer:
            writer.add_scalar("a b/c:d (e)", 1.0, 0)
        """,
        old="read_events('log').Scalars('a b/c:d (e)')",
        happens=raises(KeyError, "a b/c:d (e)"),
        new="read_events('log').Scalars('a_b/c_d__e_')[0].value",
        proof="new == 1",
        since=TBX,
    ),
    Row(
        "4.1.2.1",
        "`add_scalar` stores float32: 7 digits.",
        given="""
        from utils import read_events
        with SummaryWriter("log") as writer:
            writer.add_scalar("lr", 0.1, 0)
        """,
        old="read_events('log').Scalars('lr')[0].value",
        happens=works(),
        new="np.float32(read_events('log').Scalars('lr')[0].value)",
        proof="old != 0.1 and new == np.float32(0.1)",
        since=TBX,
    ),
    Row(
        "4.1.2.2",
        "`add_scalars` makes each curve a run of its own, in a folder below: the run "
        "itself has none.",
        given="""
        from utils import read_events
        with SummaryWriter("log") as writer:
            writer.add_scalars("loss", {"train": 1.0, "valid": 2.0}, 0)
        """,
        old="read_events('log').Tags()['scalars']",
        happens=wrong("old == []"),
        new="read_events('log/loss/valid').Scalars('loss')[0].value",
        proof="new == 2",
        since=TBX,
    ),
    Row(
        "4.1.2.13",
        "`export_scalars_to_json` has what `add_scalars` logged, and nothing of "
        "`add_scalar`.",
        old="""
        with SummaryWriter("log") as writer:
            writer.add_scalar("loss", 0.5, 0)
            writer.export_scalars_to_json("all.json")
        json.loads(Path("all.json").read_text())
        """,
        happens=wrong("old == {}"),
        new="""
        with SummaryWriter("log") as writer:
            writer.add_scalars("loss", {"train": 0.5}, 0)
            writer.export_scalars_to_json("all.json")
        [points] = json.loads(Path("all.json").read_text()).values()
        points[0][1:]
        """,
        proof="new == [0, 0.5]",
        since=TBX,
    ),
    Row(
        "4.1.2.13",
        "`export_scalars_to_json` clears the writer's memory: a second export is "
        "empty. Its keys are folders.",
        given="""
        with SummaryWriter("log") as writer:
            writer.add_scalars("loss", {"train": 0.5}, 0)
            writer.export_scalars_to_json("first.json")
            writer.export_scalars_to_json("second.json")
        """,
        old="json.loads(Path('second.json').read_text())",
        happens=wrong("old == {}"),
        new="list(json.loads(Path('first.json').read_text()))",
        proof="[Path(key) for key in new] == [Path('log/loss/train')]",
        since=TBX,
    ),
    Row(
        "4.1.2.13",
        "torch's own writer has no `export_scalars_to_json`: read the event files.",
        given=READ + "from torch.utils import tensorboard",
        old="""
        with tensorboard.SummaryWriter("log") as writer:
            writer.export_scalars_to_json("all.json")
        """,
        happens=raises(AttributeError, "no attribute 'export_scalars_to_json'"),
        new="""
        with tensorboard.SummaryWriter("log") as writer:
            writer.add_scalar("loss", 0.5, 7)
        json.dumps([(e.step, e.value) for e in read_events("log").Scalars("loss")])
        """,
        proof="new == '[[7, 0.5]]'",
    ),
]

HISTOGRAMS = [
    Row(
        "4.1.2.3",
        "`add_histogram` refuses a gradient that is not there: log it before "
        "`zero_grad()`.",
        given="w = nn.Parameter(torch.ones(2))",
        old="""
        with SummaryWriter("log") as writer:
            writer.add_histogram("gradient", w.grad, 0)
        """,
        happens=raises(NotImplementedError, "NoneType"),
        new="""
        with SummaryWriter("log") as writer:
            w.sum().backward()
            writer.add_histogram("gradient", w.grad, 0)  # before zero_grad
        len(os.listdir("log"))
        """,
        proof="new == 1",
        since=TBX,
    ),
    Row(
        "4.1.2.3",
        "`add_histogram` refuses an empty tensor.",
        old="""
        with SummaryWriter("log") as writer:
            writer.add_histogram("empty", torch.ones(0), 0)
        """,
        happens=raises(ValueError, "The input has no element"),
        new="torch.ones(0).numel() > 0  # ask first",
        proof="new is False",
        since=TBX,
    ),
    Row(
        "4.1.2.3",
        "`add_histogram` does not understand bfloat16: `.float()`.",
        given=READ,
        old="""
        with SummaryWriter("log") as writer:
            writer.add_histogram("w", torch.ones(3, dtype=torch.bfloat16), 0)
        """,
        happens=raises(TypeError, "BFloat16"),
        new="""
        with SummaryWriter("log") as writer:
            writer.add_histogram("w", torch.ones(3, dtype=torch.bfloat16).float(), 0)
        read_events("log").Histograms("w")[0].histogram_value.num
        """,
        proof="new == 3",
        since=TBX,
    ),
    Row(
        "4.1.2.3",
        "`add_histogram` leaves NaN out; only Python's log mentions it.",
        given="""
        from utils import read_events
        import logging
        logging.getLogger("tensorboardX").addHandler(logging.NullHandler())
        values = torch.tensor([1.0, float("nan"), 2.0])
        """,
        old="""
        with SummaryWriter("log") as writer:
            writer.add_histogram("w", values, 0)
        sum(read_events("log").Histograms("w")[0].histogram_value.bucket)
        """,
        happens=wrong("old == 2 < len(values)"),
        new="values.isfinite().all().item()  # ask first",
        proof="new is False",
        since=TBX,
    ),
    Row(
        "4.1.2.3",
        "`add_histogram(max_bins=30)` is no maximum: it merges 100 // 30 = 3 bins at a "
        "time, which leaves 34.",
        given="""
        from utils import read_events
        def bins(**how):
            with SummaryWriter("log") as writer:
                writer.add_histogram("w", torch.linspace(0, 1, 1000), 0, **how)
            return len(read_events("log").Histograms("w")[0].histogram_value.bucket) - 1
        """,
        old="bins(bins=100, max_bins=30)",
        happens=wrong("old == 34"),
        new="bins(bins=30)",
        proof="new == 30",
        since=TBX,
    ),
]

IMAGES = [
    Row(
        "4.1.2.4",
        "`add_image` takes C x H x W. Another order must be named.",
        old="""
        with SummaryWriter("log") as writer:
            writer.add_image("photo", torch.rand(8, 9, 3), 0)
        """,
        happens=raises(TypeError, "Cannot handle this data type"),
        new="""
        with SummaryWriter("log") as writer:
            writer.add_image("photo", torch.rand(8, 9, 3), 0, dataformats="HWC")
        len(os.listdir("log"))
        """,
        proof="new == 1",
        since=TBX,
    ),
    Row(
        "4.1.2.4",
        "`add_image` of a grey image without channel: name its order too.",
        given=READ,
        old="""
        with SummaryWriter("log") as writer:
            writer.add_image("digit", torch.rand(8, 9), 0)
        """,
        happens=raises(AssertionError, "size of input tensor and input format"),
        new="""
        with SummaryWriter("log") as writer:
            writer.add_image("digit", torch.rand(8, 9), 0, dataformats="HW")
        read_events("log").Images("digit")[0].height
        """,
        proof="new == 8",
        since=TBX,
    ),
    Row(
        "4.1.2.4",
        "`add_image` refuses a batch: `add_images` lays it out as one image.",
        given=READ,
        old="""
        with SummaryWriter("log") as writer:
            writer.add_image("batch", torch.rand(2, 3, 8, 8), 0)
        """,
        happens=raises(AssertionError, "size of input tensor and input format"),
        new="""
        with SummaryWriter("log") as writer:
            writer.add_images("batch", torch.rand(2, 3, 8, 8), 0)
        read_events("log").Images("batch")[0].width
        """,
        proof="new == 16",
        since=TBX,
    ),
    Row(
        "4.1.2.4",
        "`add_image`: floats outside [0, 1] wrap around, and 1.5 is a mid grey. Clamp.",
        given="""
        from utils import read_events
        def shown(image):
            with SummaryWriter("log") as writer:
                writer.add_image("image", image, 0)
            png = read_events("log").Images("image")[0].encoded_image_string
            return np.asarray(Image.open(io.BytesIO(png)))[0, :, 0].tolist()

        image = torch.tensor([1.5, -0.5]).expand(3, 1, 2)
        """,
        old="shown(image)",
        happens=wrong("old == [126, 129]"),
        new="shown(image.clamp(0, 1))",
        proof="new == [255, 0]",
        since=TBX,
    ),
    Row(
        "4.1.2.10",
        "`add_image_with_boxes` takes two corners, x1 y1 x2 y2. A corner and a size "
        "are drawn as if they were.",
        given="""
        from utils import read_events
        def drawn(*box):
            photo = torch.zeros(3, 50, 50)
            with SummaryWriter("log") as writer:
                writer.add_image_with_boxes("cat", photo, torch.tensor([box]), 0)
            png = read_events("log").Images("cat")[0].encoded_image_string
            red = np.asarray(Image.open(io.BytesIO(png)))[:, :, 0] > 0
            return red.any(0).nonzero()[0][[0, -1]].tolist()  # from x to x
        """,
        old="drawn(20, 20, 8, 8)",
        happens=wrong("old[0] < 12 and old[1] < 24"),
        new="drawn(20, 20, 28, 28)",
        proof="16 < new[0] <= 20 and 28 <= new[1] < 32",
        since=TBX,
    ),
    Row(
        "4.1.2.9",
        "`add_figure` takes a list of figures as well: one image, side by side.",
        given="""
        from utils import read_events
        from matplotlib.figure import Figure
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        def figure():
            figure = Figure(figsize=(1, 1), dpi=20)
            FigureCanvasAgg(figure)
            return figure

        def width(figures):
            with SummaryWriter("log") as writer:
                writer.add_figure("curves", figures, 0, close=False)
            return read_events("log").Images("curves")[0].width
        """,
        old="width(figure())",
        happens=works(),
        new="width([figure(), figure()])",
        proof="(old, new) == (20, 40)",
        since=TBX,
    ),
    Row(
        "4.1.2.8",
        "`add_video` without moviepy logs nothing: an error in Python's log, no "
        "exception. Log frames as images, or a GIF (lesson 4.1.2.8).",
        given="""
        from utils import read_events
        sys.modules["moviepy"] = None  # as if it were not installed
        film = torch.zeros(1, 4, 3, 8, 8)  # N T C H W
        """,
        old="""
        with SummaryWriter("log") as writer:
            writer.add_video("film", film, 0)
        read_events("log").Tags()["images"]
        """,
        happens=wrong("old == []"),
        new="""
        with SummaryWriter("log") as writer:
            for step, frame in enumerate(film[0]):
                writer.add_image("film", frame, step)
        len(read_events("log").Images("film"))
        """,
        proof="new == 4",
        since=TBX,
    ),
    Row(
        "4.1.2.8",
        "`add_video`: the film of the scripts that came with the notes is N x C x T x "
        "H x W, as tensorboardX before 1.6 read it. Now it reads N x T x C x H x W, "
        "one frame of 48 channels.",
        given="""
        from unittest import mock

        def frames(**how):
            film = torch.zeros(16, 1, 48, 28, 28)
            with mock.patch("tensorboardX.summary.make_video") as encode:
                encode.return_value = None
                with SummaryWriter("log") as writer:
                    writer.add_video("film", film, 0, **how)
            return encode.call_args[0][0].shape
        """,
        old="frames()",
        happens=wrong("old == (1, 112, 112, 48)"),
        new="frames(dataformats='NCTHW')",
        proof="new[0] == 48",
        since=TBX,
    ),
    Row(
        "4.1.2.8",
        "`add_video` of torch's own writer looks for `moviepy.editor`, which moviepy 2 "
        "has not: it writes nothing, moviepy or not.",
        given="""
        import types
        from torch.utils import tensorboard
        from utils import read_events
        sys.modules["moviepy"] = types.ModuleType("moviepy")  # as version 2 is
        film = torch.zeros(1, 4, 3, 8, 8)  # N T C H W
        """,
        old="""
        with tensorboard.SummaryWriter("log") as writer:
            writer.add_video("film", film, 0)
        read_events("log").Tags()["images"]
        """,
        happens=wrong("old == []"),
        new="""
        with tensorboard.SummaryWriter("log") as writer:
            for step, frame in enumerate(film[0]):
                writer.add_image("film", frame, step)
        len(read_events("log").Images("film"))
        """,
        proof="new == 4",
    ),
]

OTHERS = [
    Row(
        "4.1.2.5",
        "`add_graph` records with `torch.jit.trace`, which is deprecated. The graph "
        "comes all the same.",
        given=READ + "net, x = nn.Linear(2, 3), torch.ones(1, 2)",
        old="""
        with SummaryWriter("log") as writer:
            writer.add_graph(net, x)
        """,
        happens={
            "torch 2.6": works(),
            "torch 2.14": warns(FutureWarning, "`torch.jit.trace` is deprecated"),
        },
        new="""
        warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)
        with SummaryWriter("log") as writer:
            writer.add_graph(net, x)
        len(read_events("log").Graph().node)
        """,
        proof="new > 3",
        since=TBX,
    ),
    Row(
        "4.1.2.5",
        "`add_graph` needs tensorboard installed, through torch. `add_scalar` and "
        "`add_histogram` of tensorboardX do not.",
        given="""
        net, x = nn.Linear(2, 3), torch.ones(1, 2)
        for name in list(sys.modules):
            if name.startswith("torch.utils.tensorboard"):
                del sys.modules[name]  # as in a program that begins
        sys.modules["tensorboard"] = None  # as if it were not installed
        """,
        old="""
        with SummaryWriter("log") as writer:
            writer.add_graph(net, x)
        """,
        happens=raises(ModuleNotFoundError, "tensorboard"),
        new="""
        with SummaryWriter("log") as writer:
            writer.add_scalar("loss", 0.5, 0)
            writer.add_histogram("weight", net.weight, 0)
        os.path.getsize(os.path.join("log", os.listdir("log")[0])) > 100
        """,
        proof="new is True",
        since=TBX,
    ),
    Row(
        "4.1.2.5",
        "`add_graph` needs an input to record with.",
        given="net = nn.Linear(2, 3)",
        old="""
        with SummaryWriter("log") as writer:
            writer.add_graph(net)
        """,
        happens=raises(RuntimeError, "example_kwarg_inputs should be a dict"),
        new="""
        warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)
        with SummaryWriter("log") as writer:
            writer.add_graph(net, torch.ones(1, 2))
        len(os.listdir("log"))
        """,
        proof="new >= 1",
        since=TBX,
    ),
    Row(
        "4.1.2.5",
        "`add_graph` of a network that returns a dictionary needs "
        "`use_strict_trace=False`.",
        given="""
        class Net(nn.Module):
            def forward(self, x):
                return {"y": x.exp()}
        """,
        old="""
        with SummaryWriter("log") as writer:
            writer.add_graph(Net(), torch.ones(1))
        """,
        happens=raises(RuntimeError, "a dict at the output"),
        new="""
        warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)
        with SummaryWriter("log") as writer:
            writer.add_graph(Net(), torch.ones(1), use_strict_trace=False)
        len(os.listdir("log"))
        """,
        proof="new >= 1",
        since=TBX,
    ),
    Row(
        "4.1.2.6",
        "`add_embedding`: a tensor of labels is written as `tensor(0)`, `tensor(1)`. "
        "Give a list.",
        given="""
        def labels(metadata):
            with SummaryWriter("log") as writer:
                writer.add_embedding(torch.rand(3, 2), metadata)
            return Path("log/00000/default/metadata.tsv").read_text().split()
        """,
        old="labels(torch.arange(3))",
        happens=wrong("old[0] == 'tensor(0)'"),
        new="labels(torch.arange(3).tolist())",
        proof="new == ['0', '1', '2']",
        since=TBX,
    ),
    Row(
        "4.1.2.6",
        "`add_embedding` twice at the same step: the second replaces the first, and is "
        "listed twice.",
        given="""
        def entries(*steps):
            with SummaryWriter("log") as writer:
                for step in steps:
                    writer.add_embedding(torch.rand(3, 2), global_step=step)
            return Path("log/projector_config.pbtxt").read_text().count("embeddings {")
        """,
        old="entries(0, 0), len(list(Path('log').glob('0*')))",
        happens=wrong("old == (2, 1)"),
        new="entries(0, 1), len(list(Path('log').glob('0*')))",
        proof="new == (2, 2)",
        since=TBX,
    ),
    Row(
        "4.1.2.7",
        "`add_text` takes text, and no number.",
        given=READ,
        old="""
        with SummaryWriter("log") as writer:
            writer.add_text("lr", 0.1, 0)
        """,
        happens=raises(AttributeError, "no attribute 'encode'"),
        new="""
        with SummaryWriter("log") as writer:
            writer.add_text("lr", str(0.1), 0)
        read_events("log").Tensors("lr/text_summary")[0].tensor_proto.string_val[0]
        """,
        proof="new == b'0.1'",
        since=TBX,
    ),
    Row(
        "4.1.2.7",
        "`add_text`: look for the text among the tensors, by its tag and "
        "`/text_summary`.",
        given="""
        from utils import read_events
        with SummaryWriter("log") as writer:
            writer.add_text("note", "hello", 0)
        """,
        old="read_events('log').Tensors('note')",
        happens=raises(KeyError, "note"),
        new="read_events('log').Tags()['tensors']",
        proof="new == ['note/text_summary']",
        since=TBX,
    ),
    Row(
        "4.1.2.11",
        "`add_pr_curve` counts at 127 thresholds at most, whatever you ask for.",
        given="""
        from utils import read_events
        def thresholds(number):
            with SummaryWriter("log") as writer:
                labels, p = np.array([0, 1, 1]), np.array([0.2, 0.9, 0.6])
                writer.add_pr_curve("cat", labels, p, 0, num_thresholds=number)
            shape = read_events("log").Tensors("cat")[0].tensor_proto.tensor_shape
            return shape.dim[1].size
        """,
        old="thresholds(1000)",
        happens=wrong("old == 127"),
        new="thresholds(100)",
        proof="new == 100",
        since=TBX,
    ),
    Row(
        "4.1.2.12",
        "`add_pr_curve_raw`: the scripts that came with the notes log 5 points and "
        "leave `num_thresholds` at 127. That is harmless: 5 points are drawn.",
        given="""
        from utils import read_events
        def points(**how):
            counts = [[5, 4, 3, 2, 1]] * 4 + [[0.2, 0.4, 0.6, 0.8, 1.0]] * 2
            with SummaryWriter("log") as writer:
                writer.add_pr_curve_raw("cat", *map(np.array, counts), 0, **how)
            shape = read_events("log").Tensors("cat")[0].tensor_proto.tensor_shape
            return [dim.size for dim in shape.dim]
        """,
        old="points()",
        happens=works(),
        new="points(num_thresholds=5)",
        proof="old == new == [6, 5]",
        since=TBX,
    ),
    Row(
        "4.1.2.12",
        "`add_pr_curve_raw` does not store the thresholds: uneven ones are drawn as if "
        "they were even.",
        given="""
        from utils import read_events
        from tensorboard.util.tensor_util import make_ndarray
        p, positive = np.array([0.1, 0.4, 0.8, 0.9]), np.array([0, 0, 1, 1]) > 0

        def stored(thresholds):
            above = p >= thresholds[:, None]
            tp, fp = (above & positive).sum(1), (above & ~positive).sum(1)
            precision, recall = tp / np.maximum(tp + fp, 1), tp / 2
            with SummaryWriter("log") as writer:
                rows = tp, fp, 2 - fp, 2 - tp, precision, recall
                writer.add_pr_curve_raw("cat", *rows, 0, num_thresholds=5)
            return make_ndarray(read_events("log").Tensors("cat")[0].tensor_proto)

        uneven = np.array([0, 0.3, 0.7, 0.85, 1])
        """,
        old="stored(uneven)",
        happens=wrong("not any(np.allclose(row, uneven) for row in old)"),
        new="stored(np.linspace(0, 1, 5))",
        proof="new[0].tolist() == [2, 2, 2, 2, 0] != old[0].tolist()",
        since=TBX,
    ),
    Row(
        "4.1",
        "`add_audio` needs soundfile; torch's own writer does not.",
        given=READ + HIDDEN.format("soundfile") + "from torch.utils import tensorboard",
        old="""
        with SummaryWriter("log") as writer:
            writer.add_audio("tone", torch.zeros(400), 0)
        """,
        happens=raises(ModuleNotFoundError, "soundfile"),
        new="""
        with tensorboard.SummaryWriter("log") as writer:
            writer.add_audio("tone", torch.zeros(400), 0)
        len(read_events("log").Audio("tone"))
        """,
        proof="new == 1",
        since=TBX,
    ),
    Row(
        "4.1",
        "`add_audio` takes L samples, or L x channels. 1 x L is refused.",
        given="""
        from utils import read_events
        import types
        encode = lambda file, *_, **how: file.write(b"wav")
        sys.modules["soundfile"] = types.SimpleNamespace(write=encode)  # in its place
        tone = torch.zeros(1, 400)
        """,
        old="""
        with SummaryWriter("log") as writer:
            writer.add_audio("tone", tone, 0)
        """,
        happens=raises(AssertionError, "The second dimension should be 1 or 2"),
        new="""
        with SummaryWriter("log") as writer:
            writer.add_audio("tone", tone.T, 0)
        read_events("log").Audio("tone")[0].length_frames
        """,
        proof="new == 400",
        since=TBX,
    ),
    Row(
        "4.1",
        "`add_onnx_graph` needs onnx even to find that the file is missing; "
        "`add_openvino_graph` reads without.",
        given=HIDDEN.format("onnx"),
        old="""
        with SummaryWriter("log") as writer:
            writer.add_onnx_graph("missing.onnx")
        """,
        happens=raises(ModuleNotFoundError, "onnx"),
        new="""
        with SummaryWriter("log") as writer:
            try:
                writer.add_openvino_graph("missing")
            except FileNotFoundError as error:
                found = str(error)
        found
        """,
        proof="'missing' in new",
        since=TBX,
    ),
    Row(
        "4.1",
        "`torch.onnx.export` needs onnx, by default onnxscript too. Weights alone need "
        "neither.",
        given=HIDDEN.format("onnx") + "net, x = nn.Linear(2, 1), torch.ones(1, 2)",
        old="torch.onnx.export(net, (x,), 'net.onnx', dynamo=False)",
        happens=raises(OnnxExporterError, "Module onnx is not installed"),
        new="""
        torch.save(net.state_dict(), "net.pt")
        torch.load("net.pt", weights_only=True)["weight"].shape
        """,
        proof="new == (1, 2)",
    ),
    Row(
        "4.1",
        "`torch.onnx.export` asks for onnxscript before all else, unless told "
        "`dynamo=False`, which was the default. The program alone is saved without it.",
        given=HIDDEN.format("onnx")
        + HIDDEN.format("onnxscript")
        + "net, x = nn.Linear(2, 1), torch.ones(1, 2)",
        old="torch.onnx.export(net, (x,), 'net.onnx')",
        happens={
            "torch 2.6": raises(OnnxExporterError, "Module onnx is not installed"),
            "torch 2.14": raises(ModuleNotFoundError, "onnxscript"),
        },
        new="""
        torch.export.save(torch.export.export(net, (x,)), "net.pt2")
        torch.export.load("net.pt2").module()(x)
        """,
        proof="torch.equal(new, net(x))",
    ),
    Row(
        "4.1",
        "`add_hparams` puts the results into a run that the clock names, a new one "
        "each time. Give it a name.",
        given="""
        from unittest import mock

        def run(**how):
            with mock.patch("time.time", return_value=1.7e9):
                with SummaryWriter("log") as writer:
                    writer.add_hparams({"lr": 0.1}, {"accuracy": 0.5}, **how)
            return [path.name for path in Path("log").iterdir() if path.is_dir()]
        """,
        old="run()",
        happens=works(),
        new="run(name='lr_0.1')",
        proof="old == ['1700000000.0'] and new == ['lr_0.1']",
        since=TBX,
    ),
    Row(
        "4.1",
        "torch's own writer takes whole tensors and bfloat16 as well.",
        given=READ + "from torch.utils import tensorboard",
        old="""
        with SummaryWriter("log") as writer:
            writer.add_tensor("weight", torch.ones(2))
        """,
        happens=raises(AttributeError, "no attribute 'add_tensor'"),
        new="""
        with tensorboard.SummaryWriter("log") as writer:
            writer.add_tensor("weight", torch.ones(2))
            writer.add_histogram("half", torch.ones(3, dtype=torch.bfloat16), 0)
        events = read_events("log")
        len(events.Tensors("weight")), events.Histograms("half")[0].histogram_value.num
        """,
        proof="new == (1, 3)",
        since=TBX,
    ),
    Row(
        "4.1",
        "Since then: `add_mesh`, and `add_custom_scalars` for charts of several tags.",
        given=READ,
        old="""
        with SummaryWriter("log") as writer:
            for tag in ("train", "valid"):
                writer.add_scalar(tag, 1.0, 0)
        read_events("log").Tags()["tensors"]
        """,
        happens=works(),
        new="""
        with SummaryWriter("log") as writer:
            writer.add_mesh("body", torch.rand(1, 4, 3))
            writer.add_custom_scalars_multilinechart(["train", "valid"])
        read_events("log").Tags()["tensors"]
        """,
        proof="old == [] and 'custom_scalars__config__' in new and len(new) >= 2",
        since=TBX,
    ),
]

ROWS = START + SCALARS + HISTOGRAMS + IMAGES + OTHERS
