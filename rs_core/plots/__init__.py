"""Results as plotly figures and self-contained reports; neither torch nor streamlit."""

from rs_core.plots.attack_pictures import loss_figure, perturbation_picture, vote_shift_figure
from rs_core.plots.ball_circles import ball_circles_figure
from rs_core.plots.ball_graph import ball_graph_figure
from rs_core.plots.certificates_report import certificates_report
from rs_core.plots.comparison_report import comparison_report
from rs_core.plots.confusion_matrix import confusion_figure
from rs_core.plots.frame import alt_text
from rs_core.plots.frontier import frontier_figure
from rs_core.plots.noise_curves import noise_curve_figure
from rs_core.plots.noisy_copies import noisy_copies_figure
from rs_core.plots.order_change import order_change_figure
from rs_core.plots.palette import BADGES, BadgeStyle
from rs_core.plots.predictions_report import predictions_report
from rs_core.plots.probe_radii import probe_radii_figure
from rs_core.plots.radii import radii_figure
from rs_core.plots.radius_curve import radius_figure
from rs_core.plots.radius_points import Band
from rs_core.plots.repicked_sigma import repicked_sigma_figure
from rs_core.plots.report import Statement, Table, html_report
from rs_core.plots.rule_radii import degrees_figure, rule_radii_figure
from rs_core.plots.sandwich import live_sandwich_figure, sandwich_figure
from rs_core.plots.sandwich_report import sandwich_report
from rs_core.plots.search_trace import search_trace, sparkline
from rs_core.plots.selection_curve import selection_curve
from rs_core.plots.sigma_slider import sigma_slider_figure
from rs_core.plots.slopes import slope_chart
from rs_core.plots.strength import strength_figure
from rs_core.plots.study_report import study_figures, study_report
from rs_core.plots.sweep_report import sweep_report
from rs_core.plots.training_curves import accuracy_figure, training_loss_figure
from rs_core.plots.votes import votes_figure

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
