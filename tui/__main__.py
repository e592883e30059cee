"""`cliploc-tui`: parse, look at dataset and terminal, then start the app.

Nothing heavy is imported for --help, --version or a wrong argument.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence

from cliploc.core.completions import add_completions
from cliploc.core.errors import ClipLocError, ParameterError, brief, clean
from cliploc.core.version import VERSION

SIGNALLED = 128


def main(argv: Sequence[str] | None = None) -> int:
    """Run the explorer. 0 when the user quits, 2 with a sentence when it cannot start."""
    arguments = parser().parse_args(argv)
    try:
        code = run(arguments)
        if code > SIGNALLED:
            # The terminal may be gone and a thread hold its buffer, which Python's own end would
            # abort over. The session is kept and the worker ended by now.
            os._exit(code)
        return code
    except ClipLocError as error:
        if arguments.debug:
            raise
        for line in str(error).split("\n"):
            print(brief(clean(line)), file=sys.stderr)  # noqa: T201
        return error.exit_code


def parser() -> argparse.ArgumentParser:
    """The command line."""
    from cliploc.core.backbones.positions import POSITIONS
    from cliploc.core.commands.options import add_dataset_argument, add_told_arguments
    from cliploc.core.commands.output import CommandLine
    from cliploc.core.postprocess import PARAMETERS
    from cliploc.core.terminal import CHOICES

    top = CommandLine(
        prog="cliploc-tui",
        description="Explore weakly supervised localization with CLIP, in the terminal. "
        "Without arguments it opens the demo set; with pictures, --prompt says what to look for. "
        "Inside, ? shows the keys.",
    )
    top.add_argument("--version", action="version", version=f"cliploc {VERSION}")
    top.add_argument(
        "place",
        nargs="?",
        metavar="PATH",
        help="a picture, a folder of pictures, or a dataset as --dataset takes",
    )
    add_dataset_argument(top, default=None, where="default: demo")
    top.add_argument("--heatmaps", metavar="SET", help="show a stored heatmap set; nothing is computed")
    top.add_argument("--method", help="gem, textspan, gradcam, … (`cliploc-tui` and m show all)")
    top.add_argument("--backbone", help="network, for example ViT-B-16 (default: the method's own)")
    top.add_argument("--checkpoint", help="weights: a tag, a file, local-dir:DIR, hf-hub:NAME or random:SEED")
    add_told_arguments(top, default=None)
    top.add_argument("--template", help="prompt template with <label> or <a label>")
    top.add_argument("--set", dest="settings", action="append", default=[], metavar="PARAMETER=VALUE",
                     help="a parameter of the method; may be repeated")  # fmt: skip
    top.add_argument("--size", type=int, help="side of the square that the network sees, in pixels")
    top.add_argument("--positions", help=f"how positions are taken to that size: {', '.join(POSITIONS)}")
    top.add_argument("--window", type=int, help="show the network so many pixels at a time")
    top.add_argument("--stride", type=int, help="pixels between windows (default: half of one)")
    top.add_argument("--background", type=int, metavar="SCALE",
                     help="let background words compete, cosines x SCALE (default: none)")  # fmt: skip
    top.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (default: auto)")
    processing = top.add_argument_group("post-processing to start with")
    for parameter in PARAMETERS:
        processing.add_argument(
            f"--{parameter.name}", help=f"{parameter.help}: {parameter.range_text()}", metavar="VALUE"
        )
    screen = top.add_argument_group("screen")
    screen.add_argument("--graphics", default="auto", choices=CHOICES,
                        help="how pictures are drawn (default: what the terminal answers)")  # fmt: skip
    screen.add_argument("--color", choices=("truecolor", "256", "auto"), default="auto",
                        help="SSH does not forward COLORTERM: truecolor says that yours can")  # fmt: skip
    screen.add_argument("--theme", help="cliploc-dark, cliploc-light, cliploc-contrast, ansi-dark, …")
    screen.add_argument("--keymap", help="cliploc, vim or plain")
    screen.add_argument("--fresh", action="store_true", help="do not restore the last session")
    top.add_argument("--debug", action="store_true", help="show tracebacks")
    add_completions(top)
    return top


def run(arguments: argparse.Namespace) -> int:
    """Open the dataset, start the studio, then load and start the screen beside it."""
    # Until the first paint (see `ExplorerApp`): next to nothing of what is imported is garbage.
    gc.disable()
    from cliploc.core.commands.options import opened
    from cliploc.core.terminal.probe import usable
    from cliploc.tui.studio.launch import launched

    if arguments.place and arguments.dataset:
        raise ParameterError("a dataset is given twice, as PATH and as --dataset; one of them is enough")
    arguments.dataset = arguments.place or arguments.dataset or "demo"
    dataset = opened(arguments)
    # Half of what the screen loads comes before the studio is started, the other half loads beside
    # it: two processors are often two threads of one, and the first text is not to wait.
    import textual  # noqa: F401

    # Without a terminal there will be no screen, and `start` says why.
    studio = launched(dataset.spec, arguments.device) if usable() is None else None
    from cliploc.tui.start import start

    try:
        return start(arguments, dataset, studio)
    except ClipLocError:
        if studio is not None:
            studio.kill()
        raise


if __name__ == "__main__":
    sys.exit(main())
