"""Numbering labels: versions count on, also after a label was taken back."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.store.label_rows import LabelRow


def last_versions(session: Session, *, item_ids: Sequence[int]) -> dict[tuple[int, str], int]:
    """Return the last version of each label of these items, by item and field; none where there never was one."""
    rows = session.execute(
        select(LabelRow.item_id, LabelRow.field, func.max(LabelRow.version))
        .where(LabelRow.item_id.in_(item_ids))
        .group_by(LabelRow.item_id, LabelRow.field)
    )
    return {(item_id, field): version for item_id, field, version in rows}
