"""The studio's answers as messages of the event loop, by the same names, and what the app says itself."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from cliploc.tui import answers


@dataclass
class PicturesReady(answers.PicturesReady, Message, bubble=False):
    __doc__ = answers.PicturesReady.__doc__


@dataclass
class SheetReady(answers.SheetReady, Message, bubble=False):
    __doc__ = answers.SheetReady.__doc__


@dataclass
class BoardReady(answers.BoardReady, Message, bubble=False):
    __doc__ = answers.BoardReady.__doc__

    def can_replace(self, message: Message) -> bool:
        """Only the newest board matters."""
        return isinstance(message, BoardReady)


@dataclass
class HeatmapsArrived(answers.HeatmapsArrived, Message, bubble=False):
    __doc__ = answers.HeatmapsArrived.__doc__


@dataclass
class WorkerChanged(answers.WorkerChanged, Message, bubble=False):
    __doc__ = answers.WorkerChanged.__doc__

    def can_replace(self, message: Message) -> bool:
        """Only the newest state matters."""
        return isinstance(message, WorkerChanged)


@dataclass
class Scoring(answers.Scoring, Message, bubble=False):
    __doc__ = answers.Scoring.__doc__

    def can_replace(self, message: Message) -> bool:
        """Only the newest state matters."""
        return isinstance(message, Scoring)


@dataclass
class Trouble(answers.Trouble, Message, bubble=False):
    __doc__ = answers.Trouble.__doc__


@dataclass
class Told(answers.Told, Message, bubble=False):
    __doc__ = answers.Told.__doc__


@dataclass
class FetchChanged(answers.FetchChanged, Message, bubble=False):
    __doc__ = answers.FetchChanged.__doc__

    def can_replace(self, message: Message) -> bool:
        """Only the newest state matters."""
        return isinstance(message, FetchChanged)


@dataclass
class SetsListed(answers.SetsListed, Message, bubble=False):
    __doc__ = answers.SetsListed.__doc__


@dataclass
class DatasetFound(answers.DatasetFound, Message, bubble=False):
    __doc__ = answers.DatasetFound.__doc__


@dataclass
class RunsCompared(answers.RunsCompared, Message, bubble=False):
    __doc__ = answers.RunsCompared.__doc__


@dataclass
class RunsRead(answers.RunsRead, Message, bubble=False):
    __doc__ = answers.RunsRead.__doc__

    def can_replace(self, message: Message) -> bool:
        """Only the newest reading matters."""
        return isinstance(message, RunsRead)


@dataclass
class RunRead(answers.RunRead, Message, bubble=False):
    __doc__ = answers.RunRead.__doc__


@dataclass
class ContendersListed(answers.ContendersListed, Message, bubble=False):
    __doc__ = answers.ContendersListed.__doc__


@dataclass
class ContenderReady(answers.ContenderReady, Message, bubble=False):
    __doc__ = answers.ContenderReady.__doc__


@dataclass
class StatisticsReady(answers.StatisticsReady, Message, bubble=False):
    __doc__ = answers.StatisticsReady.__doc__


@dataclass
class HeadReady(answers.HeadReady, Message, bubble=False):
    __doc__ = answers.HeadReady.__doc__


@dataclass
class HeadTableReady(answers.HeadTableReady, Message, bubble=False):
    __doc__ = answers.HeadTableReady.__doc__


@dataclass
class HeadsScored(answers.HeadsScored, Message, bubble=False):
    __doc__ = answers.HeadsScored.__doc__


@dataclass
class TermsArrived(answers.TermsArrived, Message, bubble=False):
    __doc__ = answers.TermsArrived.__doc__


@dataclass
class DisagreementReady(answers.DisagreementReady, Message, bubble=False):
    __doc__ = answers.DisagreementReady.__doc__


@dataclass
class StudioBack(Message, bubble=False):
    """The studio had died and was started again: what is shown must be asked for anew."""


@dataclass(frozen=True)
class Reopen:
    """What the app exits with to be started again on another dataset."""

    dataset: str


def message_of(answer: object) -> Message:
    """The message of an answer's name."""
    kind: type[Message] = globals()[type(answer).__name__]
    return kind(**vars(answer))
