"""One module per `cliploc` subcommand: HELP, add_arguments(parser), run(arguments) -> exit code.

Importing one costs no torch and no numpy; what it needs is imported when it runs.
"""

# In the order of `cliploc --help`.
COMMANDS = (
    "doctor",
    "dataset",
    "fetch",
    "models",
    "heatmaps",
    "heads",
    "evaluate",
    "sweep",
    "runs",
    "predictions",
    "report",
    "poster",
    "demo",
)
