"""The pictures of the report: SVG made here, without scripts or outside parts.

Widths are in percent and heights in pixels, so that a picture fills a desktop page
and a telephone alike while its text keeps its size.
"""
