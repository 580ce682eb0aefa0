"""How fast the reader is, measured against what people use today and against what is possible.

`python -m campaign_monitor_assets_tests.benchmarks --help` says how to run it, or a part of it. All
readers do the same work against the same sandbox in the same run, as whole processes; the rows that
each one brings home are compared with what the sandbox holds.
"""
