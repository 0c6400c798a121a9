"""Every error that Goldloop raises on purpose.

    GoldloopError
    ├── SettingsError        goldloop.toml, .env or an environment variable is wrong
    ├── RecordError          a sample, run or answer that came from outside is malformed
    ├── InterfaceError       a labelling interface cannot be read, or cannot be shown in Community
    ├── PredictionError      a prediction does not fit the labelling interface
    ├── StoreError           the store is missing, locked, damaged or of another version
    ├── AgentError           the agent failed, refused or answered nonsense
    ├── LabelStudioError     Label Studio is unreachable or refused a call
    └── VersionError         a dataset version cannot be made or read
        ├── NothingChangedError  there is nothing new to commit
        └── IncomparableError    two evaluations cannot be compared

A message names the file, line or id, says what was expected, and what to do next. The command line
prints it in one line and exits with `exit_code`.
"""


class GoldloopError(Exception):
    """Something a person can mend; the message says how."""

    exit_code = 1


class SettingsError(GoldloopError):
    """A setting is missing, unknown or out of range."""

    exit_code = 2


class RecordError(GoldloopError):
    """A record from outside (a line of a file, an agent's answer) is malformed."""


class InterfaceError(GoldloopError):
    """A labelling interface cannot be read, or uses a tag that Community cannot show."""


class PredictionError(GoldloopError):
    """A prediction does not fit the labelling interface that it is meant for."""


class StoreError(GoldloopError):
    """The store is missing, locked, damaged or was made by a newer Goldloop."""


class AgentError(GoldloopError):
    """The agent failed, refused, or its answer cannot be understood.

    `outage` says that the sample had no part in it: the agent is down, or refuses everybody.
    """

    outage = False


class LabelStudioError(GoldloopError):
    """Label Studio is unreachable, or refused what was asked of it."""


class VersionError(GoldloopError):
    """A dataset version cannot be made, read or trusted."""


class NothingChangedError(VersionError):
    """There is nothing to commit: all is as the newest version has it."""

    exit_code = 3


class IncomparableError(VersionError):
    """Two evaluations are not of the same cases, or were not graded alike."""

    exit_code = 2
