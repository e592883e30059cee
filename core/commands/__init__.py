"""One module per `cliploc` subcommand: add_arguments(parser), and run(arguments) -> exit code, None for done.

A command with several actions sets `run` for each of them. A module is imported when its command is
typed. That costs no torch: networks are imported when everything else is known to be right.
"""

# What each is for, in the order of `cliploc --help`.
COMMANDS = {
    "look": "print pictures with what a network sees of some words in them",
    "doctor": "show what is installed and what the terminal can do",
    "dataset": "statistics, samples and soundness of a dataset",
    "fetch": "download a dataset, check it and put it in place",
    "models": "list, download and check the networks' weights",
    "heatmaps": "compute heatmap sets, list, show, remove, import and export them",
    "heads": "describe the attention heads of a ViT in words, over a dataset (TextSpan)",
    "evaluate": "score one post-processing config over a heatmap set, at all 100 thresholds",
    "sweep": "run a grid of post-processing configs over heatmap sets",
    "plan": "what heatmaps or a sweep take in time, memory and disk, here and on more machines",
    "runs": "list, show, watch, pause, cancel, resume, compare, delete and export sweeps",
    "predictions": "write predicted masks (PNG, COCO results), or score masks made elsewhere",
    "report": "write runs as one HTML page, Markdown and LaTeX tables, and figures",
    "poster": "the poster's whole experiment: heatmaps, full grid, cross-validation, report, verdicts on its "
    "claims",
    "demo": "build the demo scenes again, or train the demo models again",
}
