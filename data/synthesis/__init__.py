"""A synthetic portfolio that looks like the Home Credit tables and holds no real row.

`generate` returns the eight tables, `synthesise` streams them to Parquet. Clients come in blocks of a thousand, each
drawn from the seed and its own number, so that a block needs no other. Correlated latent factors of a client (`latent`)
give the application (`people`, `loan`, `clients`, `building`), the default (`default`) and the histories (`bureau`,
`previous`, `offers`, `monthly`, `cards`, `instalments`), so that these agree with each other. `statistics/` holds the
published aggregates that the draws keep to, with their sources.

Out of scope: reading or imitating real rows, features, other schemas.
"""

from data.synthesis.portfolio import MARK, VERSION, block_tables, blocks, generate, synthesise

__all__ = ["MARK", "VERSION", "block_tables", "blocks", "generate", "synthesise"]
