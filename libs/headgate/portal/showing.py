"""Pages from templates: one environment, with the filters by which every page writes the same thing alike."""

from __future__ import annotations

from functools import cache
from typing import Any

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse

from headgate.portal import served


@cache
def environment() -> jinja2.Environment:
    """The templates of the portal; whatever a value holds is escaped."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("headgate.portal"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """The page of a template (``home.html``) with these values, and with who asks as ``person``."""
    found = environment().get_template(template)
    text = found.render(request=request, person=served.person(request), **values)
    return HTMLResponse(text, status)
