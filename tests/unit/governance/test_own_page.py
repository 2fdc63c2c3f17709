"""What is kept of somebody else's page can run nothing, load nothing, and says all that it said."""

from __future__ import annotations

import pytest

from headgate.governance.own_page import body_of

BEFORE = "<html><head><title>t</title><script>x()</script></head><body><nav>away</nav>"
BEFORE += "<div class='row'><div class='col-md-2'>sidebar</div><div class='col-md-10 pl'>"
AFTER = "</div></div><footer>newsletter</footer></body></html>"


def kept(inner: str) -> str:
    return body_of(BEFORE + inner + AFTER, lambda href: href if href[:1] == "#" else None).html


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("<p>plain &amp; simple &lt;b&gt;</p>", "<p>plain &amp; simple &lt;b&gt;</p>"),
        ("a<br>b<br/>c", "a<br>b<br>c"),
        ('<td id="a" style="x" onclick="y()" colspan="2">c</td>', '<td id="a" colspan="2">c</td>'),
        ("<script>alert(1)</script>x<style>p{}</style>", "x"),
        ("<SCRIPT SRC=//evil.example/x.js></SCRIPT>y", "y"),
        ('<img src="https://evil.example/a.png" onerror="x()">z', "z"),
        ('<iframe src="https://evil.example"></iframe>z', "z"),
        ('<a href="https://evil.example">text</a>', "text"),
        ('<a href="javascript:alert(1)">text</a>', "text"),
        ('<a href="#here" onclick="x()">text</a>', '<a href="#here">text</a>'),
        ("<button>Clear</button><form><input></form>x", "x"),
        ("<blink>x</blink>", "x"),
        ("<svg><script>x</script></svg>y", "y"),
        ('<div class="a&quot; onload=&quot;x">y</div>', '<div class="a&quot; onload=&quot;x">y</div>'),
        ("<!-- comment --><p>x</p>", "<p>x</p>"),
        ("</p></div-x>text", "text"),
        ("<ul><li>one<li>two</ul>after", "<ul><li>one<li>two</li></li></ul>after"),
    ],
)  # fmt: skip
def test_only_what_is_harmless_stays(given: str, expected: str) -> None:
    assert kept(given) == expected


def test_signs_of_the_icon_font_are_signs_that_speak() -> None:
    assert kept('<i class="fas fa-check-circle text-success"></i>') == (
        '<span class="sign ok" role="img" aria-label="held">✓</span>'
    )
    assert "broken" in kept('<i class="fas fa-times text-danger"></i>')


def test_what_a_script_would_unfold_can_be_unfolded_without() -> None:
    page = '<p><a data-toggle="collapse" href="#c">Show <b>more</b></a></p>'
    page += '<div id="c" class="collapse m-2"><table><tr><td>x</td></tr></table></div>'
    assert kept(page) == (
        '<p><b></b></p><details id="c" class="collapse m-2"><summary>Show more</summary>'
        "<table><tr><td>x</td></tr></table></details>"
    )


def test_sections_are_listed_by_their_headings() -> None:
    page = '<div id="s1" class="ge-section x"><h5> Over &lt;view </h5></div>'
    page += '<div id="s2" class="ge-section"><p>none</p></div>'
    assert body_of(BEFORE + page + AFTER, lambda href: None).sections == [("s1", "Over <view")]


def test_nothing_outside_the_main_column_stays() -> None:
    assert kept("") == ""
    assert "newsletter" not in kept("<p>x</p>")
