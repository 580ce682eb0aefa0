"""Raw rows on disk and what was counted of them: the contract between `extract` and `warehouse`.

`extract` writes here and `warehouse` reads; neither HTTP nor SQL belongs here.
"""
