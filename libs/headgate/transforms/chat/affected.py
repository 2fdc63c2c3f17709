"""Which conversations follow from messages that changed, and those built anew.

Let T be the messages that came or went (an edit is both), each as it was and as it is: its images.

**Whose link may have changed.** A message outside T has another parent than before, or has it for
another reason, only if

1. the message that it answers is in T; or
2. the message that its author said last before it in the channel is another one, or has another
   time. Then an image of T lies there: where that message was, or where it is now. The message in
   question is the next one after that image, of the same author and channel.

Call these N. They are looked for among the messages as they are now: between an image and the
next message there is nothing else, and what is in T itself need not be found.

**What is replaced.** Let U be T, N, the messages that T and N answer, and those that they continue
now. Conversations of the old table that hold one of U are replaced; the messages R that they have
and that are still there, and T as it is now, are put together anew. More in U does no harm.

**Nothing leads in or out.** A message outside R is in neither T nor N, so that its parent is the
old one, of the same old conversation, which is not replaced; and that parent is not in T, or its
old image would have been in U. A message in R that is of T or N has a parent in U, whose old
conversation is replaced, or which is new and thus in T. Any other message in R has its old parent,
of the same replaced conversation. So R is a union of whole conversations of the new table, and no
other conversation changed.

**How far to look.** The contract of silver.chat.messages holds that a message was sent on its day
or at most 7 days after it. Of two messages at most 10 minutes apart, the later in order is thus
filed at most 8 days after the earlier; what lies farther continues nothing. Answers stand later in
order than what they answer.
"""

from __future__ import annotations

import datetime as dt
from typing import cast

import polars as pl

from headgate.transforms.chat.threads import ORDER, linked
from headgate.transforms.transform import CAME

#: Days between a message and one that continues it, at the most.
REACH = dt.timedelta(days=8)
#: Whose messages continue one another.
_SAYER = ("author_id", "channel_id", "community_id")
_COLUMNS = (*ORDER, *_SAYER, "reply_to_message_id")
_ID = "message_id"


def conversations_of(
    current: pl.LazyFrame, changes: pl.LazyFrame, messages: pl.LazyFrame
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The ids of conversations to replace, and the linked messages that they are made of anew.

    ``current`` are the conversations as they were, ``changes`` the images with ``_came``. The ids
    are a column ``conversation_id``; some name no conversation, but none one that is to stay.
    """
    images = changes.select(*_COLUMNS, "sent_at", CAME).collect()
    if images.is_empty():
        return current.select("conversation_id").head(0), linked(messages.head(0))
    first, _ = _span(images["sent_date"])
    answering = (
        messages.filter(pl.col("sent_date") >= first)
        .join(_keys(images), left_on="reply_to_message_id", right_on=_ID, how="semi")
        .select(_COLUMNS)
        .collect()
    )
    near = _near(messages, pl.concat([images.select(_COLUMNS), answering]))
    going_on = near.join(_next(images, near), on=_ID, how="semi").select(_COLUMNS)
    present = images.filter(CAME).select(_COLUMNS)
    relinked = pl.concat([present, answering, going_on])
    continued = (
        near.select(_ID, previous=pl.col(_ID).shift(1).over(_SAYER))
        .join(relinked, on=_ID, how="semi")
        .select(message_id="previous")
    )
    known = pl.concat([images.select(_ID), relinked.select(_ID), continued])
    answered = relinked.select(message_id="reply_to_message_id")
    old = _holding(current, known.drop_nulls().unique(), answered.drop_nulls().unique(), first)
    members = pl.concat(
        [old.select(message_id="message_ids").explode(_ID), present.select(_ID)]
    ).unique()
    # What stays of these conversations stands on days between.
    days = pl.concat([old["started_date"], old["last_date"], images["sent_date"]])
    rows = _linked_again(messages, members, *_span(days))
    units = pl.concat([old.select(message_id="conversation_id"), members]).unique()
    return units.lazy().rename({_ID: "conversation_id"}), rows


def _near(messages: pl.LazyFrame, about: pl.DataFrame) -> pl.DataFrame:
    """What the same authors said in the same channels about then, in order, where times are known."""
    first, last = _span(about["sent_date"])
    return (
        messages.filter(
            pl.col("sent_date").is_between(first - REACH, last + REACH),
            pl.col("sent_at").is_not_null(),
        )
        .join(about.lazy().select(_SAYER).unique(), on=_SAYER, how="semi")
        .select(_COLUMNS)
        .sort(ORDER)
        .collect()
    )


def _next(images: pl.DataFrame, near: pl.DataFrame) -> pl.DataFrame:
    """The ids of the messages of ``near`` that come next after an image, of the same author there."""
    marks = images.filter(pl.col("sent_at").is_not_null()).select(_COLUMNS)
    both = [near.with_columns(is_mark=False), marks.with_columns(is_mark=True)]
    # An image of a message that is there stands behind it, so that it does not find itself.
    return (
        pl.concat(both)
        .sort(*ORDER, "is_mark")
        .with_columns(
            next=pl.when(~pl.col("is_mark")).then(_ID).fill_null(strategy="backward").over(_SAYER)
        )
        .filter("is_mark")
        .select(message_id="next")
        .drop_nulls()
        .unique()
    )


def _holding(
    current: pl.LazyFrame, known: pl.DataFrame, answered: pl.DataFrame, first: dt.date
) -> pl.DataFrame:
    """The conversations that hold one of these messages.

    Those ``known`` are filed near ``first`` or later; of what is ``answered`` that is not known.
    """
    since = first - REACH
    recent = _with(current.filter(pl.col("last_date") >= since), pl.concat([known, answered]))
    found = recent.select(message_id="message_ids").explode(_ID)
    elsewhere = answered.join(pl.concat([known, found]), on=_ID, how="anti")
    if elsewhere.is_empty():
        return recent
    return pl.concat([recent, _with(current.filter(pl.col("last_date") < since), elsewhere)])


def _with(conversations: pl.LazyFrame, members: pl.DataFrame) -> pl.DataFrame:
    wanted = conversations.select("conversation_id", "started_date", "last_date", "message_ids")
    hits = (
        wanted.select("conversation_id", message_id="message_ids")
        .explode(_ID)
        .join(members.lazy(), on=_ID, how="semi")
        .select("conversation_id")
        .unique()
    )
    return wanted.join(hits, on="conversation_id", how="semi").collect()


def _linked_again(
    messages: pl.LazyFrame, members: pl.DataFrame, first: dt.date, last: dt.date
) -> pl.LazyFrame:
    """The members, linked among all that their authors said: what is no member may part them."""
    day = pl.col("sent_date")
    sayers = (
        messages.filter(day.is_between(first, last))
        .join(members.lazy(), on=_ID, how="semi")
        .select(_SAYER)
        .unique()
    )
    said = messages.filter(day.is_between(first, last)).join(sayers, on=_SAYER, how="semi")
    return linked(said).join(members.lazy(), on=_ID, how="semi")


def _span(days: pl.Series) -> tuple[dt.date, dt.date]:
    return cast("dt.date", days.min()), cast("dt.date", days.max())


def _keys(images: pl.DataFrame) -> pl.LazyFrame:
    return images.lazy().select(_ID).unique()
