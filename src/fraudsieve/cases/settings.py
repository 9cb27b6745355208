"""The weights of links and the settings of the partition, for messages and events."""

from dataclasses import dataclass

from fraudsieve._microseconds import DAY


@dataclass(frozen=True)
class CaseSettings:
    """Settings of the links between flagged actions, and of their partition.

    `window_days` depends on your domain: set it to the time that a fraud ring takes from one action to the next. The
    other defaults were chosen by cross-validation over the rings of four data sets (``python -m benchmarks.cases``).

    Parameters
    ----------
    window_days : float, default=8.0
        Actions that share an account are linked if they are at most this far apart.
    identifier_days : float, default=60.0
        The same for identifiers, texts and address ranges, which stay in use for longer.
    sign_up_minutes : float, default=10.0
        The same for sign-ups.
    same_sender, same_recipient, onward, against : float
        Weights of a shared account: it sends in both actions, receives in both, receives and then sends, or sends and
        then receives.
    hard : float, default=5.0
        Weight of a shared identifier: telephone, short link, handle, wallet, bank account, device.
    domain : float, default=0.3
        Weight of a shared domain, which often belongs to a third party.
    text, wording, address_range, sign_up : float
        Weights of near-duplicate texts, shared phrases, a shared address range, and sign-ups within minutes.
    across_kinds : float, default=0.1
        Factor for soft links between actions of different kinds, such as a payment and a sign-up.
    half_life : float, default=1.25
        Time, in windows, after which a link has lost half of its weight. The decay is linear.
    closure : float, default=2.0
        Increase of the weight of a shared account for each further account that links the other ends of the actions.
    max_closures : int, default=2
        Maximum number of further accounts that count.
    coherence : float, default=0.75
        Exponent of the similarity of the neighbourhoods of two actions; 0 ignores them.
    nearest : int, default=32
        Maximum number of earlier actions with the same value that an action is linked to.
    max_sharing : int, default=500
        An identifier of more accounts, or an account of more flagged actions within a window, is a hub and links
        nothing.
    resolution : float, default=0.0045
        Resolution of the constant Potts model: the density of links that a case must exceed.

    Examples
    --------
    >>> CaseSettings(window_days=2).window_days
    2
    """

    window_days: float = 8.0
    identifier_days: float = 60.0
    sign_up_minutes: float = 10.0
    same_sender: float = 0.75
    same_recipient: float = 1.0
    onward: float = 1.0
    against: float = 0.45
    hard: float = 5.0
    domain: float = 0.3
    text: float = 2.0
    wording: float = 1.0
    address_range: float = 0.3
    sign_up: float = 0.1
    across_kinds: float = 0.1
    half_life: float = 1.25
    closure: float = 2.0
    max_closures: int = 2
    coherence: float = 0.75
    nearest: int = 32
    max_sharing: int = 500
    resolution: float = 0.0045

    @property
    def identifier_window(self) -> int:
        """`identifier_days` in microseconds."""
        return int(self.identifier_days * DAY)
