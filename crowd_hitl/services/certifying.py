"""Certifying: an audit is counted against the promise; a promise that is kept lets the model's labels in."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crowd_hitl.domain.labels import LabelSource
from crowd_hitl.domain.ports import Certifier, Verdict
from crowd_hitl.domain.rounds import LoopPolicy, is_near
from crowd_hitl.services.auditing import audit_findings, chain, predictions, still_frozen
from crowd_hitl.services.settling_tasks import NewLabel, write_labels
from crowd_hitl.services.training import unlabelled
from crowd_hitl.store.loop_rows import CertificateRow, LoopRow, ModelVersionRow, PredictionRow, RoundRow

CHUNK = 500


@dataclass(frozen=True)
class Audited:
    """An audit as it was counted; the pool is what stood behind no reference when it was drawn.

    `errors` counts what people could not settle as wrong; `unsettled` of these are not mended. `frozen` says whether
    the labels outside the sample are still those it was drawn from.
    """

    pool: int
    audited: int
    errors: int
    unsettled: int
    frozen: bool
    looks: int
    pool_sha256: str
    model_version_id: int | None


def read_audit(session: Session, *, loop: LoopRow, policy: LoopPolicy) -> Audited:
    """Count the newest audit together with those it extends."""
    findings = audit_findings(session, loop_id=loop.id, policy=policy)
    rounds = chain(session, loop_id=loop.id)
    model = session.scalar(
        select(ModelVersionRow.id)
        .where(ModelVersionRow.project_id == loop.project_id)
        .order_by(ModelVersionRow.number.desc())
        .limit(1)
    )
    newest = rounds[-1] if rounds else None
    return Audited(
        pool=(newest.pool or 0) if newest is not None else 0,
        audited=len(findings),
        errors=sum(finding.wrong for finding in findings),
        unsettled=sum(not finding.settled for finding in findings),
        frozen=still_frozen(session, loop=loop, policy=policy),
        looks=looks_taken(session, loop_id=loop.id) + 1,
        pool_sha256=(newest.pool_sha256 or "") if newest is not None else "",
        model_version_id=model,
    )


def verdict_on(audit: Audited, *, certifier: Certifier, policy: LoopPolicy) -> Verdict:
    """Bound the errors that remain; every look that the policy allows has its share of the risk.

    A certifier takes the errors found for mended. What stayed unsettled is delivered as it is, so it is added again;
    and where labels moved under the audit, nothing is bounded.
    """
    verdict = certifier.certify(
        pool=audit.pool, audited=audit.audited, errors=audit.errors, promise=policy.promise, looks=policy.looks
    )
    bound = verdict.bound + audit.unsettled / max(audit.pool, 1) if audit.frozen else 1.0
    return replace(verdict, bound=min(1.0, bound), kept=bound <= policy.max_error)


def write_certificate(
    session: Session, *, audit: Audited, verdict: Verdict, round_id: int, policy: LoopPolicy, now: datetime
) -> CertificateRow:
    """Append the certificate; it is kept or not, and never changed."""
    round_row = session.get_one(RoundRow, round_id)
    certificate = CertificateRow(
        project_id=round_row.project_id,
        round_id=round_id,
        model_version_id=audit.model_version_id,
        method=verdict.method,
        threshold=policy.confidence_min,
        max_error=policy.max_error,
        delta=policy.delta,
        looks=audit.looks,
        pool=verdict.pool,
        pool_sha256=audit.pool_sha256,
        accepted=0,
        audited=verdict.audited,
        errors=verdict.errors,
        bound=verdict.bound,
        kept=verdict.kept,
        state="valid",
        created_at=now,
    )
    session.add(certificate)
    session.flush()
    return certificate


def accept_predictions(session: Session, *, certificate_id: int, now: datetime) -> int:
    """Make the model's word the label of every item that people have not labelled; each carries the certificate."""
    certificate = session.get_one(CertificateRow, certificate_id)
    if certificate.model_version_id is None:
        return 0  # people labelled everything before there was a model
    known = predictions(session, project_id=certificate.project_id)
    field = _field(session, certificate)
    wanted = [item_id for item_id in unlabelled(session, project_id=certificate.project_id) if item_id in known]
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        labels = [
            NewLabel(
                item_id=item_id,
                field=field,
                value=known[item_id].value,
                confidence=min(1.0, known[item_id].confidence),
                source=LabelSource.MODEL,
                round_id=certificate.round_id,
                model_version_id=known[item_id].model_version_id,
                certificate_id=certificate_id,
            )
            for item_id in chunk
        ]
        write_labels(session, project_id=certificate.project_id, labels=labels, now=now)
        session.execute(
            update(PredictionRow).where(PredictionRow.id.in_([known[i].id for i in chunk])).values(route="accept")
        )
    certificate.accepted = len(wanted)
    session.flush()
    return len(wanted)


def newest_certificate(session: Session, *, loop_id: int) -> CertificateRow | None:
    """Return the loop's newest certificate, kept or not."""
    return session.scalar(
        select(CertificateRow)
        .join(RoundRow, RoundRow.id == CertificateRow.round_id)
        .where(RoundRow.loop_id == loop_id)
        .order_by(CertificateRow.id.desc())
        .limit(1)
    )


def looks_taken(session: Session, *, loop_id: int) -> int:
    """Count the audits and extensions this loop has looked at."""
    rows = select(CertificateRow.id).join(RoundRow, RoundRow.id == CertificateRow.round_id)
    return len(session.scalars(rows.where(RoundRow.loop_id == loop_id)).all())


def is_near_miss(verdict: Verdict, policy: LoopPolicy) -> bool:
    """Say whether the same audit, made larger, may still prove the promise."""
    left = verdict.pool - verdict.audited
    near = is_near(errors=verdict.errors, audited=verdict.audited, max_error=policy.max_error)
    return not verdict.kept and verdict.bound < 1.0 and left > 0 and near


def _field(session: Session, certificate: CertificateRow) -> str:
    model = session.get_one(ModelVersionRow, certificate.model_version_id)
    return model.field
