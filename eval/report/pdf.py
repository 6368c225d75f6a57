"""Writes a figure as PDF for papers: the elements of its SVG drawn one by one, with embedded fonts, the same bytes every time."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from eval.report.document import Figure
from eval.report.standalone import resolved

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

FONTS = {"regular": "Vera", "bold": "VeraBd"}  # Bitstream Vera comes with reportlab, and may be embedded
NARROWER = 0.88  # Vera is that much wider than the fonts of the page
POINTS = 0.75  # of a user unit, which is a CSS pixel


def write_pdf(figure: Figure) -> bytes:
    """Draw a figure on a page of its size."""
    from reportlab.pdfgen.canvas import Canvas

    _register_fonts()
    stream = io.BytesIO()
    size = (figure.width * POINTS, figure.height * POINTS)
    canvas = Canvas(stream, pagesize=size, invariant=1, initialFontName=FONTS["regular"])
    canvas.setTitle(figure.caption)
    canvas.setCreator("Kielo")
    canvas.setAuthor("Kielo")
    canvas.scale(POINTS, POINTS)
    for element in resolved(figure):
        canvas.saveState()
        _DRAWN[element.tag.rpartition("}")[2]](canvas, element, figure.height)
        canvas.restoreState()
    canvas.save()
    return stream.getvalue()


def _register_fonts() -> None:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    for name in FONTS.values():
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))


def _number(element: ElementTree.Element, name: str) -> float:
    return float(element.get(name, "0"))


def _pen(canvas: Canvas, element: ElementTree.Element) -> dict[str, int]:
    """Set colours and strokes; says which of filling and stroking an element asks for, as reportlab takes it."""
    from reportlab.lib.colors import HexColor

    fill, stroke = (element.get(name, "none") for name in ("fill", "stroke"))
    if fill != "none":
        canvas.setFillColor(HexColor(fill))
    if stroke != "none":
        canvas.setStrokeColor(HexColor(stroke), alpha=float(element.get("stroke-opacity", "1")))
        canvas.setLineWidth(float(element.get("stroke-width", "1")))
        canvas.setDash([float(part) for part in element.get("stroke-dasharray", "").split()])
    return {"fill": int(fill != "none"), "stroke": int(stroke != "none")}


def _rect(canvas: Canvas, element: ElementTree.Element, height: float) -> None:
    pen = _pen(canvas, element)
    if element.get("width") == "100%":
        return  # the paper, which a page of a PDF has already
    tall = _number(element, "height")
    place = (_number(element, "x"), height - _number(element, "y") - tall, _number(element, "width"), tall)
    canvas.roundRect(*place, radius=min(_number(element, "rx"), place[2] / 2, tall / 2), **pen)


def _line(canvas: Canvas, element: ElementTree.Element, height: float) -> None:
    _pen(canvas, element)
    first, last = ((_number(element, f"x{end}"), height - _number(element, f"y{end}")) for end in (1, 2))
    canvas.line(*first, *last)


def _circle(canvas: Canvas, element: ElementTree.Element, height: float) -> None:
    pen = _pen(canvas, element)
    canvas.circle(_number(element, "cx"), height - _number(element, "cy"), _number(element, "r"), **pen)


def _corners(canvas: Canvas, element: ElementTree.Element, height: float) -> None:
    """Draw a polyline, or a polygon, which is closed."""
    pen = _pen(canvas, element)
    path = canvas.beginPath()
    for at, pair in enumerate(element.get("points", "").split()):
        x, y = map(float, pair.split(","))
        (path.lineTo if at else path.moveTo)(x, height - y)
    if element.tag.endswith("polygon"):
        path.close()
    canvas.drawPath(path, **pen)


def _text(canvas: Canvas, element: ElementTree.Element, height: float) -> None:
    _pen(canvas, element)
    weight = "bold" if element.get("font-weight") == "600" else "regular"
    canvas.setFont(FONTS[weight], NARROWER * _number(element, "font-size"))
    draw = {"start": canvas.drawString, "middle": canvas.drawCentredString, "end": canvas.drawRightString}
    draw[element.get("text-anchor", "start")](_number(element, "x"), height - _number(element, "y"), _words(element))


def _words(element: ElementTree.Element) -> str:
    return (element.text or "").replace("\u202f", "\u00a0")  # the one sign of ours that Vera lacks


_DRAWN: Mapping[str, Callable[[Canvas, ElementTree.Element, float], None]] = {
    "rect": _rect, "line": _line, "circle": _circle, "polyline": _corners, "polygon": _corners, "text": _text,
}  # fmt: skip
