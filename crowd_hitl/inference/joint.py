"""Weighs the crowd's answers together with the project's own model, and lets a useless model cost nothing.

The crowd is weighed first, alone (`pooled`). What its answers say for each class then judges the model: the model's
out-of-fold probabilities are calibrated to the class balance and slope that explain the answers best, tempered by a τ
out of {0, ¼, ½, 1}, and the likelihood of the answers of tasks that had no part in the calibration chooses τ. No gold
is needed. τ = 0, the crowd alone, stays unless the gain is beyond chance and beyond what shared misreadings explain.
Workers' matrices come from the crowd alone before that: fitted along with the model, model and worker can agree to
call the other worse (measured on rte: −4 points).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.inference.answers import Answers, check_answers, vote_counts
from crowd_hitl.inference.pooled import (
    LARGEST_MATRICES,
    Coded,
    PooledSettings,
    clamp,
    class_prior,
    code,
    first_guess,
    fit_pooled,
    shrunken_skills,
    soften,
    weigh,
    worker_matrices,
)

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

CROWD_ACCURACY, CROWD_WEIGHT = 0.8, 20.0
ACCURACY_RANGE = (0.5, 0.995)
LEAST_PROBABILITY = 0.002
STEEPEST, LARGEST_SHIFT = 8.0, 6.0
CALIBRATION_STEPS = 15
# So many tasks settle the few numbers of a calibration; more only take longer.
MOST_CALIBRATED = 20_000
# Above this many classes their balance is taken from the answers, not fitted.
MOST_SHIFTED = 50
# A gain in likelihood is believed from so many answered tasks on.
FEWEST_TASKS = 40


@dataclass(frozen=True)
class JointSettings:
    """How the crowd is weighed, which τ are tried, and what a model must gain to be heard.

    `errors`: standard errors the gain must exceed. `least_gain`: nats per task it must exceed: workers misread the
    same items, a model learns that too, and so much of its likelihood says nothing of the truth.
    """

    pooled: PooledSettings = field(default_factory=lambda: PooledSettings(temperature=1.3))
    tempers: tuple[float, ...] = (0.0, 0.25, 0.5, 1.0)
    errors: float = 1.0
    least_gain: float = 0.03


@dataclass(frozen=True)
class Joint:
    """What crowd and model say together: `posteriors` (n_tasks, K), `skills` (n_workers,), and what became of the

    model: `temper` (0: not heard), `slope` of its calibration, `gain` in nats per answered task on held-out answers.
    """

    posteriors: Floats
    skills: Floats
    temper: float
    slope: float
    gain: float


@dataclass(frozen=True)
class Crowd:
    """What the answers alone say: logarithms `evidence` (n, K) for each class, `balance` (K,) of the classes."""

    evidence: Floats
    balance: Floats
    skills: Floats
    coded: Coded | None


@dataclass(frozen=True)
class Prior:
    """What is known of each task before it is asked, as logarithms (n, K), and how it was found."""

    logs: Floats
    temper: float
    slope: float
    gain: float


def fit_joint(answers: Answers, probabilities: Floats, settings: JointSettings | None = None) -> Joint:
    """Return the posteriors of crowd and model; a task without answers has the model's word, or nobody's.

    `probabilities` (n_tasks, K): what models say of tasks they did not learn from (out-of-fold), rows that sum to 1; a
    row of NaN has no prediction. Refuses probabilities of another shape, negative or infinite ones.
    """
    chosen = settings or JointSettings()
    check_answers(answers)
    logs, known = checked(probabilities, answers)
    pooled = chosen.pooled
    asked = np.bincount(answers.tasks, minlength=answers.n_tasks) > 0
    if not len(answers.tasks) or not known.any() or answers.n_labels == 1:
        posteriors, skills = fit_pooled(answers, pooled)
        return Joint(posteriors=posteriors, skills=skills, temper=0.0, slope=0.0, gain=0.0)
    crowd = weigh_crowd(answers, asked, pooled)
    prior = model_prior(logs, crowd, np.flatnonzero(asked & known), chosen)
    prior.logs[~known] = crowd.balance
    if prior.temper == 0.0:
        posteriors, skills = fit_pooled(answers, pooled)
        return Joint(posteriors=posteriors, skills=skills, temper=0.0, slope=prior.slope, gain=prior.gain)
    posteriors = clamp(softmax(prior.logs + crowd.evidence), answers.gold)
    skills = crowd.skills
    if crowd.coded is not None:
        # The workers once more, now that the model has spoken: one step, so that neither talks the other down.
        counts = counted(crowd.coded, posteriors)
        skills = shrunken_skills(counts, pooled)
        posteriors = softmax(prior.logs + weigh(crowd.coded, worker_matrices(counts, skills, pooled)))
    posteriors = clamp(soften(posteriors, pooled.temperature), answers.gold)
    return Joint(posteriors=posteriors, skills=skills, temper=prior.temper, slope=prior.slope, gain=prior.gain)


def checked(probabilities: Floats, answers: Answers) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the model's logarithms, none too sure, and the tasks it speaks of."""
    expected = (answers.n_tasks, answers.n_labels)
    if probabilities.shape != expected:
        raise bad_field("probabilities", expected=f"shape {expected}", found=probabilities.shape)
    known = ~np.isnan(probabilities).any(axis=1)
    spoken = probabilities[known]
    if not np.isfinite(spoken).all() or (spoken < 0).any() or (spoken.sum(axis=1) <= 0).any():
        raise bad_field("probabilities", expected="rows of probabilities", found="negative, infinite or empty rows")
    filled = np.full(expected, 1.0 / answers.n_labels)
    filled[known] = np.maximum(spoken / spoken.sum(axis=1, keepdims=True), LEAST_PROBABILITY)
    logs: Floats = np.log(filled / filled.sum(axis=1, keepdims=True))
    return logs - logs.mean(axis=1, keepdims=True), np.asarray(known, dtype=np.bool_)


def weigh_crowd(answers: Answers, asked: NDArray[np.bool_], settings: PooledSettings) -> Crowd:
    """Weigh the answers without the model: by a matrix per worker, or by votes where matrices would not fit.

    With one answer per task, where plain Dawid–Skene collapses, the shrunk matrices come to the majority's labels.
    """
    if answers.n_workers * answers.n_labels**2 > LARGEST_MATRICES:
        return weigh_votes(answers, asked)
    coded = code(answers)
    posteriors = first_guess(coded)
    for _ in range(settings.iterations):
        counts = counted(coded, posteriors)
        skills = shrunken_skills(counts, settings)
        evidence = weigh(coded, worker_matrices(counts, skills, settings))
        balance = np.log(class_prior(posteriors[asked], settings))
        posteriors = clamp(softmax(balance + evidence), answers.gold)
    return Crowd(evidence=evidence, balance=balance, skills=skills, coded=coded)


def weigh_votes(answers: Answers, asked: NDArray[np.bool_]) -> Crowd:
    """Count every vote the same, at one accuracy for the whole crowd (EM, from CROWD_ACCURACY: one answer proves it

    neither right nor wrong).
    """
    votes = vote_counts(answers)
    others = answers.n_labels - 1
    accuracy, balance = CROWD_ACCURACY, np.full(answers.n_labels, 1.0 / answers.n_labels)
    for _ in range(20):
        gain = np.log(accuracy * others / (1.0 - accuracy))
        posteriors = clamp(softmax(np.log(balance) + votes * gain), answers.gold)
        right = float((posteriors * votes).sum()) + CROWD_WEIGHT * CROWD_ACCURACY
        accuracy = float(np.clip(right / (votes.sum() + CROWD_WEIGHT), *ACCURACY_RANGE))
        balance = (posteriors[asked].sum(axis=0) + 1.0) / (asked.sum() + answers.n_labels)
    evidence = votes * np.log(accuracy * others / (1.0 - accuracy))
    return Crowd(evidence, np.log(balance), np.full(answers.n_workers, accuracy), None)


def model_prior(logs: Floats, crowd: Crowd, judged: Places, settings: JointSettings) -> Prior:
    """Calibrate the model on one half of the judged tasks, weigh every τ on the other, and take the best one."""
    found = np.zeros((len(settings.tempers), len(judged)))
    judged = in_own_order(judged, logs, crowd.evidence)
    for half in (0, 1):
        held_out, taught = judged[half::2], judged[half ^ 1 :: 2]
        slope, shift = calibrate(logs[taught], crowd.evidence[taught], crowd.balance)
        said = log_softmax(slope * logs[held_out] + shift)
        for row, temper in enumerate(settings.tempers):
            mixed = tempered(said, crowd.balance, temper)
            found[row, half::2] = log_sum(mixed + crowd.evidence[held_out])
    gains = found - log_sum(crowd.balance + crowd.evidence[judged])
    temper = settings.tempers[best_temper(gains, settings)]
    # K + 1 numbers from all judged tasks: too few to learn their answers by heart.
    slope, shift = calibrate(logs[judged], crowd.evidence[judged], crowd.balance)
    prior = tempered(log_softmax(slope * logs + shift), crowd.balance, temper)
    return Prior(logs=prior, temper=temper, slope=slope, gain=float(gains.mean(axis=1).max()))


def in_own_order(judged: Places, logs: Floats, evidence: Floats) -> Places:
    """Sort tasks by what is known of them: the halves must not follow the order of a file or the names of labels."""
    keys = [rows[judged].max(axis=1).round(9) for rows in (evidence, -evidence, -logs, logs)]
    keys.append((logs[judged] * evidence[judged]).sum(axis=1).round(9))
    return judged[np.lexsort(keys)]


def best_temper(gains: Floats, settings: JointSettings) -> int:
    """Return the place of the τ whose gain (n_tempers, n) is surest; the one of no model if none passes the gate."""
    nothing = settings.tempers.index(0.0)
    size = gains.shape[1]
    if size < FEWEST_TASKS:
        return nothing
    sure = gains.mean(axis=1) - settings.errors * gains.std(axis=1) / np.sqrt(size)
    best = int(sure.argmax())
    return best if sure[best] > settings.least_gain else nothing


def calibrate(logs: Floats, evidence: Floats, balance: Floats) -> tuple[float, Floats]:
    """Return slope a ≥ 0 and shift b (K,) of the prior softmax(a · logs + b) that explains the evidence best.

    EM: what the task is, given prior and evidence; then one Newton step of a logistic regression on that.
    """
    every = -(-len(logs) // MOST_CALIBRATED)
    logs, evidence = logs[:: max(1, every)], evidence[:: max(1, every)]
    n_labels = logs.shape[1]
    slope, shift = 0.5, balance - balance.mean()
    for _ in range(CALIBRATION_STEPS):
        prior = softmax(slope * logs + shift)
        residual = softmax(slope * logs + shift + evidence) - prior
        mean = (prior * logs).sum(axis=1)
        gradient = float((residual * logs).sum()) - slope
        curvature = float((prior * logs**2).sum() - (mean**2).sum()) + 1.0
        if n_labels > MOST_SHIFTED:
            slope = float(np.clip(slope + np.clip(gradient / curvature, -1.0, 1.0), 0.0, STEEPEST))
            continue
        across = (prior * logs).sum(axis=0) - (prior * mean[:, None]).sum(axis=0)
        hessian = np.empty((n_labels + 1, n_labels + 1))
        hessian[0, 0], hessian[0, 1:], hessian[1:, 0] = curvature, across, across
        hessian[1:, 1:] = np.diag(prior.sum(axis=0)) - prior.T @ prior + np.eye(n_labels)
        step = np.linalg.solve(hessian, np.concatenate([[gradient], residual.sum(axis=0) - shift]))
        step = np.clip(step, -1.0, 1.0)
        slope = float(np.clip(slope + step[0], 0.0, STEEPEST))
        shift = np.clip(shift + step[1:], -LARGEST_SHIFT, LARGEST_SHIFT)
    return slope, shift


def tempered(prior: Floats, balance: Floats, temper: float) -> Floats:
    """Return the prior between the class balance (τ = 0) and the calibrated model (τ = 1), as logarithms."""
    return log_softmax((1.0 - temper) * balance + temper * prior)


def counted(coded: Coded, posteriors: Floats) -> Floats:
    """Count how often each worker said l where k holds, (w, l, k)."""
    shape = (coded.n_workers, coded.n_labels, coded.n_labels)
    counts: Floats = (coded.said @ posteriors).reshape(shape)
    return counts


def log_sum(logs: Floats) -> Floats:
    """Return log Σ exp of every row."""
    top = logs.max(axis=1)
    total: Floats = top + np.log(np.exp(logs - top[:, None]).sum(axis=1))
    return total


def log_softmax(logs: Floats) -> Floats:
    """Return logarithms whose rows sum to 1."""
    return logs - log_sum(logs)[:, None]


def softmax(logs: Floats) -> Floats:
    """Return rows that sum to 1."""
    rows = np.exp(log_softmax(logs))
    sums: Floats = rows / rows.sum(axis=1, keepdims=True)
    return sums
