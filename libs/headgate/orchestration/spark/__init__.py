"""Building on Spark: models, singular tests and transforms, with what they read shown to its session.

Nothing here is imported unless a contract, or the setting ``engine``, says spark.
"""
