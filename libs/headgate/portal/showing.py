"""Pages from templates: one environment, with the filters by which every page writes the same thing alike."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup

from headgate.portal import addresses, messages, navigation, served, static_files, wording


@cache
def environment() -> jinja2.Environment:
    """The templates of the portal; whatever a value holds is escaped."""
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("headgate.portal"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    found.filters.update(
        time=wording.time,
        ago=wording.ago,
        number=wording.number,
        share=wording.share,
        hours=wording.hours,
        bytes=wording.size,
        dataset=wording.dataset,
        run=wording.run,
        release=wording.release,
    )
    found.globals.update(
        addresses=addresses,
        again=again,
        asset=static_files.address,
        form_token=_form_token,
        navigation=navigation.of,
    )
    return found


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """The page of a template (``home.html``) with these values, and with who asks as ``person``."""
    found = environment().get_template(template)
    text = found.render(
        request=request,
        person=getattr(request.state, "person", None),
        # What cannot be told because something failed is not asked for again.
        around=None if status >= 500 else navigation.around(served.of(request)),
        said=messages.heard(request),
        **values,
    )
    answer = HTMLResponse(text, status)
    messages.forget(request, answer)
    return answer


def redirect(request: Request, address: str, *, said: str = "") -> RedirectResponse:
    """Where to go after a form was sent; ``said`` is shown on that page, once."""
    answer = RedirectResponse(address, 303)
    if said:
        messages.say(request, answer, said)
    return answer


def again(request: Request, **changed: Any) -> str:
    """The address of this page with parts of its query changed (None: left out), from the first row on."""
    asked = {k: v for k, v in parse_qsl(request.url.query) if k != "after"}
    for key, value in changed.items():
        asked.pop(key, None)
        if value is not None:
            asked[key] = str(value)
    # What a browser puts behind a path is the path's again, and no other host's.
    return "?" + urlencode(asked)


def _form_token(request: Request) -> Markup:
    from headgate.portal.access import forms

    return Markup(forms.field(request))  # noqa: S704 - it escapes what it holds
