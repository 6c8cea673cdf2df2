"""The verdict: whether this artifact may be deployed to this stage. Evidence and facts in, GO or NO-GO out.

`checks/` and what stands beside it are pure: they read no file, ask no program and no clock. `gathering/` has what they
judge from: git, the synthesized templates, the artifact's contents, the evidence files. `envelope.py` signs the result
and opens one that was signed.
"""
