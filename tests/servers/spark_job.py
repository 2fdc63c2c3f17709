"""A job of an engineer, run by `headgate spark submit`: what it does to tables, well and not.

Arguments: the table that it reads, and the folder that it writes to.
"""

from __future__ import annotations

import sys

from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

source, mart = sys.argv[1:]
spark = SparkSession.builder.appName("called otherwise").getOrCreate()
if mart.endswith("doomed"):
    raise SystemExit(3)
authors, notes, copied = (f"delta.`{mart}/{name}`" for name in ("authors", "notes", "copied"))
read = f"delta.`{source}`"

# A DataFrame that is written.
lines = spark.read.format("delta").load(source).where("type = 'message'")
said = lines.groupBy("author").agg(F.max("text").alias("last_words"), F.count("line").alias("said"))
said.write.format("delta").save(f"{mart}/authors")
# INSERT SELECT.
spark.sql(f"CREATE TABLE {notes} (who STRING, note STRING) USING delta")
spark.sql(f"INSERT INTO {notes} SELECT author, upper(text) FROM {read} WHERE line % 2 = 0")
# CREATE TABLE AS SELECT.
spark.sql(f"CREATE TABLE {copied} USING delta AS SELECT channel, time AS at FROM {read}")
# MERGE, by SQL and by the class.
newer = f"SELECT author, max(channel) AS words FROM {read} GROUP BY author"
spark.sql(
    f"MERGE INTO {authors} t USING ({newer} UNION ALL SELECT 'nobody', 'nothing') s"
    " ON t.author = s.author WHEN MATCHED THEN UPDATE SET last_words = s.words"
    " WHEN NOT MATCHED THEN INSERT (author, last_words, said) VALUES (s.author, s.words, 0)"
)
table = DeltaTable.forPath(spark, f"{mart}/notes").alias("t")
other = spark.sql(f"SELECT author, max(text) AS text FROM {read} GROUP BY author").alias("s")
table.merge(other, "t.who = s.author").whenMatchedUpdate(set={"note": "s.text"}).execute()

# Statements that fail, which this job knows how to live with.
for statement in (
    f"MERGE INTO {copied} t USING (SELECT channel, author FROM {read}) s ON t.channel = s.channel"
    " WHEN MATCHED THEN UPDATE SET channel = s.author",
    f"INSERT INTO {copied} SELECT raise_error('not today'), time FROM {read}",
    f"INSERT INTO {copied} SELECT no_such_column FROM {read}",
):
    try:
        spark.sql(statement)
    except Exception as error:
        print("failed:", type(error).__name__)
spark.stop()
