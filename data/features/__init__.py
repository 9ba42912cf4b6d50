"""The 795 features of a client, under the names of the well-known Home Credit aggregation, and the words to read them.

One module per source table says which features the table gives, reads its columns with Polars, and has its rows
reduced to one row per client (`data.features.reduction`). Every step maps a complete partition of clients (all the
rows of each client it holds) to the features of those clients, so that partitions can be worked on apart. Rows are
brought in the order of their clients before they are reduced: the result depends neither on the number of threads nor
on how clients are spread over partitions.

Missing and infinite values are those of pandas: the mean, minimum and maximum skip missing values, the variance is that
of a sample (missing for one row), the sum of nothing but missing values is 0, 0/0 is missing, x/0 is infinite; a client
without any row in a table has every feature of that table missing, sums and counts included.

Out of scope: reading and validating files (`data.sources`), storing features (`data.store`), choosing among them.
"""

from data.features.build import build_features
from data.features.catalog import feature, features
from data.features.feature import Feature, group_description, group_label
from data.features.values import display_raw, display_value

__all__ = [
    "Feature",
    "build_features",
    "display_raw",
    "display_value",
    "feature",
    "features",
    "group_description",
    "group_label",
]
