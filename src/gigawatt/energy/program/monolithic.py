"""The whole program handed to HiGHS: slow, general, and a check on the solver of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.energy.program.form import Point
from gigawatt.errors import NotModelledError

if TYPE_CHECKING:
    from gigawatt.energy.program.form import HourlyProgram

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["lp_model", "quiet_solver", "solve_monolithic"]


def solve_monolithic(program: HourlyProgram, *, method: str = "choose") -> Point:
    """Return the optimum that HiGHS finds for the program, written out in full.

    Parameters
    ----------
    program : HourlyProgram
        The program.
    method : str
        HiGHS's option ``solver``: ``choose``, ``simplex``, ``ipm``.

    Raises
    ------
    NotModelledError
        If HiGHS finds no optimum; the elastic form of the builders has one.
    """
    import highspy as untyped  # noqa: PLC0415  heavy, and needed here only

    highspy: Any = untyped
    solver = quiet_solver(highspy)
    solver.setOptionValue("solver", method)
    solver.passModel(lp_model(program, highspy))
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        message = "HiGHS found no optimum of the program"
        raise NotModelledError(message)
    solution = solver.getSolution()
    values, duals = np.array(solution.col_value), np.array(solution.row_dual)
    series, rows = program.cost.size, program.right.size
    return Point(
        values[:series].reshape(program.cost.shape),
        values[series:],
        duals[:rows].reshape(program.right.shape),
        duals[rows : rows + len(program.linking)],
        int(solver.getInfo().simplex_iteration_count),
    )


def quiet_solver(highspy: Any) -> Any:  # noqa: ANN401  HiGHS has no types
    """Return a HiGHS solver on one thread that prints nothing, not even who it is."""

    class Quiet(highspy.Highs):  # type: ignore[misc]
        def enableCallbacks(self) -> None:  # noqa: N802  HiGHS's name; it greets here
            self.setOptionValue("output_flag", False)
            super().enableCallbacks()

    solver = Quiet()
    solver.setOptionValue("threads", 1)
    return solver


def lp_model(program: HourlyProgram, highspy: Any) -> Any:  # noqa: ANN401  HiGHS has no types
    """Return the program as HiGHS takes it: series by variable and hour, then capacities."""
    matrix, low, high = _rows(program)
    model = highspy.HighsLp()
    series, count = program.cost.size, len(program.capacities)
    model.num_col_, model.num_row_ = series + count, matrix.shape[0]
    model.col_cost_ = np.concatenate([program.cost.ravel(), program.capital])
    by_low, by_high = program.lower_of >= 0, program.upper_of >= 0
    model.col_lower_ = np.concatenate(
        [np.where(by_low, -np.inf, program.lower).ravel(), program.capacity_lower]
    )
    model.col_upper_ = np.concatenate(
        [np.where(by_high, np.inf, program.upper).ravel(), program.capacity_upper]
    )
    model.row_lower_, model.row_upper_ = low, high
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = matrix.indptr
    model.a_matrix_.index_ = matrix.indices
    model.a_matrix_.value_ = matrix.data
    return model


def _rows(program: HourlyProgram) -> tuple[Any, Array, Array]:
    """Return all rows as one matrix by columns, and their limits."""
    from scipy.sparse import bmat, coo_array, csc_array  # type: ignore[import-untyped]  # noqa: PLC0415  heavy

    hours, m = program.right.shape
    series, count = program.cost.size, len(program.capacities)
    t = np.arange(hours)
    places, columns, values = [], [], []
    for e, (v, r, lag) in enumerate(
        zip(program.entry_variable, program.entry_row, program.entry_lag, strict=True)
    ):
        kept = t + lag < hours
        places.append(((t + lag) * m + r)[kept])
        columns.append((v * hours + t)[kept])
        values.append(program.entry_coefficient[e][kept])
    places.append(program.wrap_to * m + program.wrap_row)
    columns.append(program.wrap_variable * hours + program.wrap_hour)
    values.append(program.wrap_coefficient)
    where = (np.concatenate(places), np.concatenate(columns))
    hourly = coo_array((np.concatenate(values), where), shape=(hours * m, series))
    # Capacities that bound nothing still have a column.
    blocks: list[list[Any]] = [[hourly, csc_array((hours * m, count))]]
    lows, highs = [program.right.ravel()], [program.right.ravel()]
    if program.linking:
        linked = program.linking_by.reshape(len(program.linking), series)
        blocks.append([csc_array(linked), csc_array(program.linking_capacity)])
        lows.append(program.linking_right)
        highs.append(program.linking_right)
    for of, by, limit, is_upper in (
        (program.upper_of, program.upper_by, program.upper, True),
        (program.lower_of, program.lower_by, program.lower, False),
    ):
        at = np.flatnonzero(of.ravel() >= 0)
        if not at.size:
            continue
        n = np.arange(at.size)
        one = coo_array((np.ones(at.size), (n, at)), shape=(at.size, series))
        other = coo_array((-by.ravel()[at], (n, of.ravel()[at])), shape=(at.size, count))
        blocks.append([one, other])
        endless = np.full(at.size, np.inf)
        lows.append(-endless if is_upper else limit.ravel()[at])
        highs.append(limit.ravel()[at] if is_upper else endless)
    whole = bmat(blocks, format="csc") if count else bmat([b[:1] for b in blocks], format="csc")
    return csc_array(whole), np.concatenate(lows), np.concatenate(highs)
