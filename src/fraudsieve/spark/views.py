"""Feature views by entity: those of one entity are computed in one shuffle."""

from collections.abc import Sequence
from dataclasses import dataclass

from fraudsieve.features.history.declaration import History


@dataclass(frozen=True)
class ViewGroup:
    """The feature views of one entity."""

    # Views with equal entities and subjects.
    views: tuple[History, ...]
    # Their positions among all views.
    places: tuple[int, ...]

    @property
    def entities(self) -> tuple[str, ...]:
        """The columns of an event that identify the entity."""
        return self.views[0].entities

    @property
    def subjects(self) -> tuple[str, ...]:
        """The columns of a subject that identify the entity."""
        return self.views[0].subjects

    @property
    def ids(self) -> tuple[str, ...]:
        """The columns of events that are ids."""
        names = [*self.entities]
        for view in self.views:
            names += view.counted_ids
        return tuple(dict.fromkeys(names))

    @property
    def amounts(self) -> tuple[str, ...]:
        """The columns of events that are amounts."""
        names = [view.amount for view in self.views if view.reads_amounts]
        return tuple(dict.fromkeys(names))

    @property
    def has_kinds(self) -> bool:
        """Whether a view has columns by kind of event."""
        return any(view.kinds for view in self.views)

    @property
    def needs_labels(self) -> bool:
        """Whether a view counts labels."""
        return any(view.needs_labels for view in self.views)


def group_views(views: Sequence[History]) -> tuple[ViewGroup, ...]:
    """Return feature views by entity, in the order of the first view of each."""
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[int]] = {}
    for place, view in enumerate(views):
        groups.setdefault((view.entities, view.subjects), []).append(place)
    return tuple(ViewGroup(tuple(views[place] for place in places), tuple(places)) for places in groups.values())
