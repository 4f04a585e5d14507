"""Results as plotly figures and self-contained reports; neither torch nor streamlit."""

from rs_core.plots.attack.pictures import loss_figure, perturbation_picture, vote_shift_figure
from rs_core.plots.compare.repicked import repicked_sigma_figure
from rs_core.plots.compare.report import comparison_report
from rs_core.plots.compare.search import search_trace, sparkline
from rs_core.plots.compare.selection import selection_curve
from rs_core.plots.compare.slopes import slope_chart
from rs_core.plots.memory.change import order_change_figure
from rs_core.plots.memory.circles import ball_circles_figure
from rs_core.plots.memory.graph import ball_graph_figure
from rs_core.plots.memory.rules import degrees_figure, rule_radii_figure
from rs_core.plots.radius_curve import radius_figure
from rs_core.plots.radius_points import Band
from rs_core.plots.report import Statement, Table, html_report
from rs_core.plots.sandwich.figure import live_sandwich_figure, sandwich_figure
from rs_core.plots.sandwich.report import sandwich_report
from rs_core.plots.study.frontier import frontier_figure
from rs_core.plots.study.noise import noise_curve_figure
from rs_core.plots.study.report import study_figures, study_report
from rs_core.plots.study.strength import strength_figure
from rs_core.plots.style import BADGES, BadgeStyle, alt_text
from rs_core.plots.sweep.certificates_report import certificates_report
from rs_core.plots.sweep.copies import noisy_copies_figure
from rs_core.plots.sweep.predictions_report import predictions_report
from rs_core.plots.sweep.radii import radii_figure
from rs_core.plots.sweep.report import sweep_report
from rs_core.plots.sweep.slider import sigma_slider_figure
from rs_core.plots.sweep.votes import votes_figure
from rs_core.plots.train.confusion import confusion_figure
from rs_core.plots.train.curves import accuracy_figure, training_loss_figure
from rs_core.plots.train.probes import probe_radii_figure

__all__ = [
    "BADGES",
    "BadgeStyle",
    "Band",
    "Statement",
    "Table",
    "accuracy_figure",
    "alt_text",
    "ball_circles_figure",
    "ball_graph_figure",
    "certificates_report",
    "comparison_report",
    "confusion_figure",
    "degrees_figure",
    "frontier_figure",
    "html_report",
    "live_sandwich_figure",
    "loss_figure",
    "noise_curve_figure",
    "noisy_copies_figure",
    "order_change_figure",
    "perturbation_picture",
    "predictions_report",
    "probe_radii_figure",
    "radii_figure",
    "radius_figure",
    "repicked_sigma_figure",
    "rule_radii_figure",
    "sandwich_figure",
    "sandwich_report",
    "search_trace",
    "selection_curve",
    "sigma_slider_figure",
    "slope_chart",
    "sparkline",
    "strength_figure",
    "study_figures",
    "study_report",
    "sweep_report",
    "training_loss_figure",
    "vote_shift_figure",
    "votes_figure",
]
