"""Every table of a report that has figures in it, made again from the facts alone. Rows are by column; an effect is three numbers."""

from collections.abc import Mapping

from tests.response.recomputed_facts import Recomputed
from tests.response.recomputed_kinds import other_campaigns, pressure, rfm_cells, rfm_grid, rfm_scores, segments
from tests.response.recomputed_money import (
    attribution,
    attribution_account,
    attribution_credits,
    money_accounts,
    money_channels,
    money_groups,
)
from tests.response.recomputed_result import closing, cumulative, curve, curve_end, result, result_ways
from tests.response.recomputed_trust import balance, balance_others, exclusions, funnel, held_back, split_checks, trust

TABLES: Mapping[str, Recomputed] = {
    "trust": trust,
    "held-back": held_back,
    "split-checks": split_checks,
    "balance": balance,
    "balance-others": balance_others,
    "exclusions": exclusions,
    "funnel": funnel,
    "result": result,
    "result-ways": result_ways,
    "curve": curve,
    "curve-end": curve_end,
    "cumulative": cumulative,
    "closing": closing,
    "money-accounts": money_accounts,
    "money-channels": money_channels,
    "money-groups": money_groups,
    "attribution": attribution,
    "attribution-credits": attribution_credits,
    "attribution-account": attribution_account,
    "segments": segments,
    "pressure-30": pressure(30),
    "pressure-90": pressure(90),
    "rfm-grid": rfm_grid,
    "rfm-scores": rfm_scores,
    "rfm-cells": rfm_cells,
    "other-campaigns": other_campaigns,
}
