"""Which message follows on which, and the trees of messages that this makes."""

from __future__ import annotations

import datetime as dt

import polars as pl

#: The order of a channel; no two messages are equal in it.
ORDER = ("sent_date", "source_file", "source_line", "message_id")
#: Who says more within this time goes on with what was said.
PAUSE = dt.timedelta(minutes=10)


def linked(messages: pl.LazyFrame) -> pl.LazyFrame:
    """The messages in order, each with the place of the one that it follows on.

    ``at`` is a message's place in the order; ``parent`` that of the earlier message which it
    answers or continues, or null; ``is_reply`` whether it answers it. A reply answers a message
    of its own community that stands earlier; anything else continues what its author said last
    in the channel, if both times are known and no more than :data:`PAUSE` lies between them. So
    nothing leads from one community into another.
    """
    # Read three times below, and sorted once.
    ordered = messages.sort(ORDER).with_row_index("at").cache()
    answers = (
        ordered.filter(pl.col("reply_to_message_id").is_not_null())
        .select("at", "community_id", message_id="reply_to_message_id")
        .join(
            ordered.select("message_id", answered_community="community_id", answered="at"),
            on="message_id",
        )
        .filter(
            pl.col("answered") < pl.col("at"),
            pl.col("answered_community") == pl.col("community_id"),
        )
        .select("at", "answered")
    )
    sayer = ("author_id", "channel_id", "community_id", pl.col("sent_at").is_not_null())
    pause = pl.col("sent_at") - pl.col("sent_at").shift(1).over(sayer)
    goes_on = pause.is_between(dt.timedelta(0), PAUSE)
    return (
        ordered.with_columns(continued=pl.when(goes_on).then(pl.col("at").shift(1).over(sayer)))
        .join(answers, on="at", how="left", maintain_order="left")
        .with_columns(
            parent=pl.coalesce("answered", "continued"), is_reply=pl.col("answered").is_not_null()
        )
        .drop("answered", "continued")
    )


def rooted(messages: pl.LazyFrame) -> pl.LazyFrame:
    """Linked messages with their tree: the place of its ``root``, and ``depth``, replies from there.

    The frame holds whole trees: every parent is in it. The result is in order.
    """
    tree = pl.struct("at", "parent", "is_reply").map_batches(
        _trees, return_dtype=pl.Struct({"root": pl.get_index_type(), "depth": pl.Int64})
    )
    return messages.sort("at").with_columns(_tree=tree).unnest("_tree")


def _trees(messages: pl.Series) -> pl.Series:
    """Root and depth of each message, in as many steps as the longest path has binary digits."""
    frame = messages.struct.unnest()
    at, parent = frame["at"], frame["parent"]
    own = pl.int_range(len(at), dtype=pl.get_index_type(), eager=True)
    place = parent if _without_gaps(at) else at.search_sorted(parent)
    root = pl.select(
        pl.when(parent.is_null()).then(own).otherwise(place).cast(pl.get_index_type())
    ).to_series()
    depth = frame["is_reply"].cast(pl.Int64)
    # Whoever knows the way to an ancestor learns the ancestor's own way: the distance doubles.
    while not (further := root.gather(root)).equals(root):
        depth = depth + depth.gather(root)
        root = further
    return pl.DataFrame({"root": at.gather(root), "depth": depth}).to_struct(messages.name)


def _without_gaps(at: pl.Series) -> bool:
    return len(at) == 0 or (at[0] == 0 and at[-1] == len(at) - 1)
