"""Annotates more papers than one process can: on a Ray cluster, into Parquet parts that a cache takes in.

    papers ──plan──> papers/PART.parquet ──workers──> replies/PART.parquet, annotations/PART.parquet ──> cache

Each worker runs the annotate stage as it is on one partition at a time, in a cache in memory. What they share
is one `Gate`: it admits every request of every worker, so that all of them together keep to one limit of
requests under way, requests a minute and tokens a minute. Ray carries the work; only
`on_ray` and `ray_gate` know it.
"""
