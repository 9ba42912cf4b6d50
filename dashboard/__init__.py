"""The Panel application: one page, one session per visitor, over one prepared portfolio.

    app -> shell -> pages -> views -> figures      what is drawn
    controller -> jobs, state                      what a visitor does; no Panel here
    services                                       what all sessions share, read-only

Out of scope: training, feature engineering, explanations (they are called, not written, here), the benchmark worker
(its records are read from the artefacts, its code is never imported).
"""
