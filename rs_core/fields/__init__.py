"""One schema of settings for Python, command line, worker and forms."""

from rs_core.fields.descriptions import FieldDescription, Variant, describe_fields, first_line
from rs_core.fields.params import check_params, check_value, param, shown, whole_number
from rs_core.fields.variants import NAME, settings_of, variant

__all__ = [
    "NAME",
    "FieldDescription",
    "Variant",
    "check_params",
    "check_value",
    "describe_fields",
    "first_line",
    "param",
    "settings_of",
    "shown",
    "variant",
    "whole_number",
]
